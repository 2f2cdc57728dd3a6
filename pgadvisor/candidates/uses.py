"""What each use of a table in a query asks of an index: conditions, orders, columns read."""

import re
from collections.abc import Iterator
from math import inf, prod

from msgspec.structs import replace

from pgadvisor.candidates.conditions import Condition, condition_of
from pgadvisor.candidates.conjuncts import conjuncts_on, sides
from pgadvisor.candidates.orders import Order, limit_of, orders_of
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Table
from pgadvisor.model.record import Record
from pgadvisor.sql.query import ColumnUse, Output, Query, Scope, TableUse


class Use(Record):
    """One use of a table in one scope of a query, or one arm of an OR over it."""

    table: Table
    """Of a partition its topmost parent."""
    rows: float
    conditions: tuple[Condition, ...] = ()
    """Conjuncts, those with equal keys and roles once."""
    orders: tuple[Order, ...] = ()
    """Orders of rows that the query could make use of, the likeliest first."""
    limit: float | None = None
    """Rows after which the scan may stop, when they come in the first order."""
    read: frozenset[str] | None = frozenset()
    """Columns that it needs from the table; None: all of the row, as an UPDATE does."""
    shown: frozenset[str] = frozenset()
    """Those of them that it needs for more than its conditions."""
    nearest: tuple[str, ...] = ()
    """Sort keys that measure a distance: `place <-> $1`."""
    is_arm: bool = False
    look_ups: float = inf
    """For about how many rows of other relations it is looked up in one call, where it is joined; inf: not known."""


def uses_of(facts: Facts, query: Query) -> tuple[Use, ...]:
    """Every use of a table that an index could serve, with one more for each arm of an OR over it."""
    known = facts.once(_known_uses)
    if query.text not in known:
        known[query.text] = () if query.is_truncated else tuple(_uses(facts, query))
    return known[query.text]


def _known_uses(_: Facts) -> dict[str, tuple[Use, ...]]:
    """By the query's text: the search comes back to each query for every candidate's neighbours."""
    return {}


def _uses(facts: Facts, query: Query) -> Iterator[Use]:
    for scope in query.scopes:
        for use in scope.tables:
            table = base_table(facts, use)
            if table is None or (use.is_target and scope.write == "insert"):
                continue
            whole = _use(facts, query, scope, use, table)
            yield whole
            yield from _arms(facts, scope, use, whole)


def base_table(facts: Facts, use: TableUse) -> Table | None:
    """The table that may get an index: of a partition its topmost parent; None: it is none of the user's."""
    found = facts.table(use.table) if use.kind == "table" else None
    while found and found.partition_of:
        found = facts.table(found.partition_of)
    if found is None or found.kind == "foreign table" or found.access_method:
        return None
    is_system = facts.is_system(found.qualified) or found.schema.startswith(("pg_temp", "pg_toast"))
    return None if is_system else found


def _use(facts: Facts, query: Query, scope: Scope, use: TableUse, table: Table) -> Use:
    predicates = list(conjuncts_on(query, scope, use))
    found = [each for predicate in predicates if (each := condition_of(facts, table, predicate))]
    orders, limit = orders_of(facts, query, scope, use, table, found), limit_of(query, scope)
    return Use(
        table=table,
        rows=facts.rows(table.qualified) or 1e6,
        conditions=_distinct(found),
        orders=orders,
        limit=limit if orders else None,
        read=_read(query, scope, use, table),
        shown=_shown(query, scope, use, table),
        nearest=tuple(key.key for key in scope.sort_keys[:1] if "<->" in key.key and len(scope.tables) == 1),
        look_ups=_look_ups(facts, query, scope, found),
    )


def _look_ups(facts: Facts, query: Query, scope: Scope, conditions: list[Condition]) -> float:
    """By the constants of the relations that it is joined to in the same scope: the fewest rows that one has."""
    joined = {
        (other.alias, other.scope)
        for each in conditions
        if each.is_join and each.role == "equal" and (other := each.predicate.value.column)
    }
    uses = (use for use in scope.tables if (use.alias, scope.number) in joined)
    return min((_kept(facts, query, scope, use) for use in uses), default=inf)


def _kept(facts: Facts, query: Query, scope: Scope, use: TableUse) -> float:
    """About how many rows of a relation its constants keep."""
    table = facts.table(use.table) if use.kind == "table" else None
    rows = facts.rows(table.qualified) if table else None
    if table is None or rows is None:
        return inf
    found = (condition_of(facts, table, predicate) for predicate in conjuncts_on(query, scope, use))
    return rows * prod(each.share for each in _distinct([each for each in found if each and not each.is_join]))


def _arms(facts: Facts, scope: Scope, use: TableUse, whole: Use) -> Iterator[Use]:
    """The arms of each OR that speaks of the relation in every arm: each may have its index, joined by bitmaps."""
    arms: dict[tuple[int, int], list[Condition]] = {}
    own: set[tuple[int, int]] = set()
    for predicate in scope.predicates:
        if predicate.disjunction is None or predicate.arm is None or predicate.place == "having":
            continue
        at = (predicate.disjunction, predicate.arm)
        arms.setdefault(at, [])
        for turned in sides(predicate, use, scope.number):
            if condition := condition_of(facts, whole.table, turned):
                arms[at].append(condition)
                if condition.key is not None:
                    own.add(at)
    for at, conditions in arms.items():
        if all(other in own for other in arms if other[0] == at[0]):
            yield replace(
                whole, conditions=_distinct([*conditions, *whole.conditions]), orders=(), limit=None, is_arm=True
            )


def _distinct(conditions: list[Condition]) -> tuple[Condition, ...]:
    """Each once: two ends of a range on one column stay two, an equality said twice is one."""
    return tuple({(each.key, each.columns, each.role, each.predicate.operator): each for each in conditions}.values())


# Columns


def _read(query: Query, scope: Scope, use: TableUse, table: Table) -> frozenset[str] | None:
    """Every column of the relation that the query names, in its scope and those below; None: the whole row."""
    if use.is_target or scope.is_locking:
        return None
    used = [
        each for other in query.scopes for each in other.columns if not (_is_existence(other) and each.column == "*")
    ]
    return _names(used, use, scope, table)


def _is_existence(scope: Scope) -> bool:
    """Whether nobody looks at what it gives: `EXISTS (SELECT * …)`."""
    return scope.comparison is not None and scope.comparison.operator in ("EXISTS", "NOT EXISTS")


def _shown(query: Query, scope: Scope, use: TableUse, table: Table) -> frozenset[str]:
    """Columns of the relation that outputs, orders, groups and other scopes name."""
    sorts = (*scope.sort_keys, *scope.group_keys)
    outputs = () if _is_existence(scope) else scope.outputs
    used = [each for output in outputs for each in _of(output)]
    used += [sort.column for sort in sorts if sort.column]
    used += [each for other in query.scopes if other.number != scope.number for each in other.columns]
    words = {word for sort in sorts if not sort.column for word in re.findall(r"\w+", sort.key)}
    named = frozenset(column.name for column in table.columns if column.name in words)
    star = any(output.is_star and output.star_of in (None, use.alias) for output in outputs)
    every = frozenset(column.name for column in table.columns) if star else frozenset()
    return (_names(used, use, scope, table) or frozenset()) | named | every


def _of(output: Output) -> tuple[ColumnUse, ...]:
    return (*output.columns, *([output.column] if output.column else []))


def _names(used: list[ColumnUse], use: TableUse, scope: Scope, table: Table) -> frozenset[str]:
    names = {each.column for each in used if (each.alias, each.scope) == (use.alias, scope.number)}
    if "*" in names:
        return frozenset(column.name for column in table.columns)
    return frozenset(names)
