"""A query asked for one row after another: what it looks up by, where its values come from, and one query for all."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pgadvisor.facts import Facts
from pgadvisor.model.finding import Span
from pgadvisor.sql.query import Predicate, Query

_LAST_LIMIT = re.compile(r"\s+LIMIT\s+(\$\d+|\d+)\s*\Z", re.IGNORECASE)


class Link(NamedTuple):
    """The foreign key by which the rows of one query ask for those of another."""

    predicate: Predicate
    """Of the asking query: the key that it looks up by."""
    table: str
    """`schema.table` that is looked up."""
    column: str
    parent: str
    """`schema.table` that the values come from."""
    parent_column: str
    is_to_one: bool
    """The parent's rows hold the foreign key: one row for each of them. Else those rows that belong to each."""


def lookups(query: Query) -> Iterator[Predicate]:
    """The equalities with a value that the query looks rows of a table up by."""
    if query.kind != "select" or query.top.write or query.top.is_locking:
        return
    for each in query.top.predicates:
        is_plain = each.is_conjunct and not (each.is_negated or each.is_wrapped) and each.place == "where"
        if each.operator == "=" and is_plain and each.value.kind == "parameter" and each.column and each.column.table:
            yield each


def link_between(child: Query, parent: Query, facts: Facts) -> Link | None:
    """The foreign key between the table that `child` looks up and one that `parent` reads; None: there is none."""
    above = {found.qualified: found for use in parent.tables() if (found := facts.table(use.table)) is not None}
    for predicate in lookups(child):
        assert predicate.column
        table, column = facts.table(predicate.column.table), predicate.column.column
        if table is None:
            continue
        for other in above.values():
            for key in other.constraints:
                if key.references == table.qualified and key.referenced_columns == (column,) and len(key.columns) == 1:
                    return Link(predicate, table.qualified, column, other.qualified, key.columns[0], is_to_one=True)
        for key in table.constraints:
            if key.references in above and key.columns == (column,):
                return Link(predicate, table.qualified, column, key.references, key.referenced_columns[0],
                            is_to_one=False)  # fmt: skip
    return None


def main_lookup(query: Query, facts: Facts) -> Predicate | None:
    """The one key that the query surely looks up by: its only equality, or one on a unique column."""
    found = list(lookups(query))
    if len(found) == 1:
        return found[0]
    unique = [each for each in found if _is_unique(each, facts)]
    return unique[0] if len(unique) == 1 else None


def _is_unique(by: Predicate, facts: Facts) -> bool:
    return by.column is not None and facts.is_unique(by.column.table, frozenset((by.column.column,)))


def for_many(query: Query, by: Predicate, facts: Facts) -> str | None:
    """The query for many values of that key at once, its result telling them apart; None: it cannot be written."""
    scope = query.top
    text = query.text.rstrip().rstrip(";").rstrip()
    is_limited = scope.limit is not None or scope.offset is not None
    is_single = len(scope.tables) == 1 and _is_unique(by, facts)
    if scope.set_operation or scope.is_distinct or scope.distinct_on or by.span is None or by.scope != scope.number:
        return None
    if is_limited and not (is_single and scope.offset is None and _LAST_LIMIT.search(text)):
        return _by_lateral(query, by, facts)
    if scope.group_keys or scope.has_window:
        return None
    many = query.spliced((by.span, f"{by.source} = ANY ({by.value.text})"), *_with_key(query, by))
    many = many.rstrip().rstrip(";").rstrip()
    if is_limited:
        return _LAST_LIMIT.sub("", many)
    if scope.has_aggregate:
        return None if scope.sort_keys or not scope.has_where else f"{many} GROUP BY {by.source}"
    return many


def _with_key(query: Query, by: Predicate) -> Iterator[tuple[Span, str]]:
    """Where the key goes into the select list, unless it is there."""
    first = query.top.outputs[0] if query.top.outputs else None
    column = by.column
    assert column
    has_key = any(
        (each.is_star and each.star_of in (None, column.alias))
        or (each.column is not None and (each.column.alias, each.column.column) == (column.alias, column.column))
        for each in query.top.outputs
    )
    if not has_key and first is not None and first.span is not None:
        start = first.span.start
        yield Span(start=start, end=start), f"{by.source}, "


def _by_lateral(query: Query, by: Predicate, facts: Facts) -> str | None:
    """Each value's own first rows."""
    column = facts.column(by.column.table, by.column.column) if by.column else None
    if column is None or by.span is None:
        return None
    inner = query.spliced((by.span, f"{by.source} = wanted.key")).rstrip().rstrip(";").rstrip()
    return (
        f"SELECT wanted.key, found.* FROM unnest({by.value.text}::{column.type}[]) AS wanted (key)\n"
        f"CROSS JOIN LATERAL ({inner}) AS found"
    )
