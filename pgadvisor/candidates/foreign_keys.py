"""Indexes on referencing columns: deleting a referenced row looks for rows that refer to it, in no statement's text."""

from collections.abc import Iterator

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.expressions import column_key
from pgadvisor.candidates.uses import base_table
from pgadvisor.facts import Facts
from pgadvisor.indexes.overlap import supports_foreign_key
from pgadvisor.model.catalog import Constraint, Table
from pgadvisor.sql.query import Query

DEPTH = 4
"""Of cascades that are followed."""


def foreign_key_indexes(facts: Facts, query: Query) -> Iterator[Candidate]:
    """For every foreign key without an index whose check a DELETE, or an UPDATE of the referenced key, sets off."""
    for scope in query.scopes:
        table = base_table(facts, scope.target) if scope.target else None
        if table is None or scope.write not in ("delete", "update", "merge"):
            continue
        assigned = frozenset(each.column for each in scope.assigned)
        is_delete = scope.write != "update"
        yield from _checks(facts, table, None if is_delete else assigned, DEPTH)


def _checks(facts: Facts, table: Table, assigned: frozenset[str] | None, depth: int) -> Iterator[Candidate]:
    for child, constraint in facts.foreign_keys_to(table.qualified):
        if assigned is not None and not assigned.intersection(constraint.referenced_columns):
            continue
        if not any(supports_foreign_key(index, constraint.columns) for index in child.indexes):
            yield from _index(child, constraint)
        if assigned is None and constraint.on_delete == "cascade" and depth and child != table:
            yield from _checks(facts, child, None, depth - 1)


def _index(child: Table, constraint: Constraint) -> Iterator[Candidate]:
    columns = [column for name in constraint.columns if (column := child.column(name))]
    if columns and len(columns) == len(constraint.columns) and child.partition_of is None:
        yield Candidate(
            schema=child.schema, table_name=child.name, keys=tuple(column_key(column) for column in columns)
        )
