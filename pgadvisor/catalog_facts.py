"""What rules of the schema ask of the whole catalog: which tables are the user's own, and how many places are told."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Column, Index, Table
from pgadvisor.model.finding import Remedy
from pgadvisor.sql.identifiers import quoted, quoted_table
from pgadvisor.sql.query import Query

NAMED = 3
"""So many places are named in a message; of the others only the number."""
_MANAGED = frozenset(("citus", "columnar", "partman", "cron", "pglogical", "repack"))
_CHUNKS = "_timescaledb"
"""Schemas whose tables an extension makes and keeps, though they do not belong to it: chunks, jobs."""


class Place(NamedTuple):
    """A column of a table."""

    table: Table
    column: Column

    @property
    def label(self) -> str:
        """As a message tells it."""
        return f"{self.table.label}.{self.column.name}"


def listed(names: Iterable[str], most: int = NAMED) -> str:
    """The first few names, and how many more there are: `a, b, c and 297 more`."""
    found = list(names)
    more = len(found) - most
    return ", ".join(found[:most]) + (f" and {more:,} more" if more > 0 else "")


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things: `1 column`, `300 columns`; `many` where the plural is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def own_tables(facts: Facts) -> Iterator[Table]:
    """Tables and partitioned tables that users made: partitions, foreign tables and what extensions keep left out."""
    return (each for each in facts.tables if is_own(each))


def is_own(table: Table) -> bool:
    """Whether a user made the table as it is."""
    is_table = table.kind in ("table", "partitioned table") and not table.partition_of
    return is_table and table.schema not in _MANAGED and not table.schema.startswith(_CHUNKS)


def places(facts: Facts, is_wanted: Callable[[Table, Column], bool]) -> tuple[Place, ...]:
    """The columns of users' tables of which that is true; those inherited are told where they come from."""
    return tuple(
        Place(table, column)
        for table in own_tables(facts)
        if not table.inherits
        for column in table.columns
        if is_wanted(table, column)
    )


def retyped(found: Iterable[Place], type_name: str, *, using: str = "", why: str) -> Remedy:
    """What gives the columns that type; `using`: with `{}` for the column, where PostgreSQL does not cast by itself."""
    by_table: dict[str, list[Place]] = {}
    for each in found:
        by_table.setdefault(quoted_table(each.table), []).append(each)
    changes = []
    for name, columns in by_table.items():
        names = [quoted(each.column.name) for each in columns]
        actions = (
            f"ALTER COLUMN {column} TYPE {type_name}" + (f" USING {using.format(column)}" if using else "")
            for column in names
        )
        changes.append(f"ALTER TABLE {name} {', '.join(actions)};")
    return Remedy(
        text=why,
        sql="\n".join(changes),
        lock="ACCESS EXCLUSIVE on each table while it is rewritten: nobody reads or writes; set lock_timeout, and on a "
        "big table fill a new column in batches instead",
        cost="writes each table and its indexes again; views that name a column have to be made again",
    )


def is_in_key(place: Place, facts: Facts) -> bool:
    """Whether the column is in a partition key or in a foreign key, its own or one to it: others change with it."""
    table, column = place
    if table.partition_key and column.name in table.partition_key:
        return True
    own = any(column.name in each.columns for each in table.constraints if each.kind == "foreign key")
    return own or (table.qualified, column.name) in facts.once(_referenced)


def _referenced(facts: Facts) -> frozenset[tuple[str, str]]:
    """Columns that some foreign key references."""
    return frozenset(
        (key.references, column)
        for table in facts.tables
        for key in table.constraints
        if key.references
        for column in key.referenced_columns
    )


def written_entries(table: Table) -> int:
    """Row versions that were written into each index of the table since the counters began."""
    counters = table.counters
    return counters.rows_inserted + counters.rows_updated - counters.rows_hot_updated if counters else 0


def calls_own_function(query: Query, facts: Facts) -> bool:
    """Whether the query names a function of the database's own: nobody knows what that does."""
    return not facts.once(_function_names).isdisjoint(re.findall(r"(\w+)\s*\(", query.text.lower()))


def _function_names(facts: Facts) -> frozenset[str]:
    return frozenset(each.name for each in facts.snapshot.functions)


def is_in_a_plan(index: Index, facts: Facts) -> bool:
    """Whether some plan at hand reads the index."""
    return index.name in facts.once(_planned_indexes)


def _planned_indexes(facts: Facts) -> frozenset[str]:
    return frozenset(node.index for plan in facts.plans for node in plan.nodes if node.index)


def is_advised_to_go(index: Index, facts: Facts) -> bool:
    """Whether the index advice drops it: one finding tells so."""
    name = f"{index.schema}.{index.name}"
    return facts.advice is not None and any(each.name == name for each in facts.advice.drop)


def operators_of(facts: Facts, table: str, column: str) -> frozenset[str]:
    """The operators by which statements of the workload compare the column as it is."""
    return frozenset(facts.once(_operators).get((table, column), ()))


def _operators(facts: Facts) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for query in facts.queries.values():
        for predicate in query.predicates():
            if predicate.column and predicate.column.table and not predicate.is_wrapped:
                found.setdefault((predicate.column.table, predicate.column.column), set()).add(predicate.operator)
    return found
