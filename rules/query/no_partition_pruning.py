"""A partitioned table is searched without a condition on its partition key: every partition is read.

## What it finds
A search of a partitioned table (WHERE or a join that looks its rows up) with no condition on the bare partition key
that could leave partitions out: none at all, one that a function or cast hides the key from, `<>`, or IS NOT NULL.

## Why it matters
PostgreSQL leaves out the partitions whose bounds contradict the conditions. Without such a condition it plans, locks
and reads each of them, however few rows are wanted; the time grows with the number of partitions.

## What to do
Add what is known of the key, such as a range of time: `AND occurred_at >= … AND occurred_at < …`. Leave the key bare.
If most searches do not know it, the table is partitioned by the wrong column.

## When to leave it
The rows may really be anywhere, and the partitions are few.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITION-PRUNING
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnUse,
    Evidence,
    Example,
    Facts,
    Finding,
    Predicate,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Table,
    TableUse,
    Where,
    disjunctions,
    node,
    query_rule,
    quoted,
    replace,
    table,
)

ORDERED = frozenset({"<", "<=", ">", ">=", "BETWEEN"})
EQUAL = frozenset({"=", "IN", "= ANY", "IS NULL", "IS NOT DISTINCT FROM"})
NAME = r'(?:"(?:[^"]|"")+"|[a-z_][\w$]*)'

EVENTS = table("events", columns={"id": "bigint", "kind": "text", "at": "timestamp with time zone"},
               primary_key="id, at", partition_key="RANGE (at)")  # fmt: skip
PARTS = tuple(table(f"events_{n}", rows=500_000, primary_key=None, columns={"at": "timestamp"}, partition_of="events")
              for n in (1, 2))  # fmt: skip
TENANTS = table("tenants", columns={"name": "text"}, primary_key="tenant_id, id", partition_key="HASH (tenant_id)")
HALVES = tuple(table(f"tenants_{n}", rows=500_000, primary_key=None, partition_of="tenants") for n in (1, 2))
USERS = table("users", columns={"name": "text"})
BY_TIME, BY_TENANT = (EVENTS, *PARTS), (TENANTS, *HALVES)
BAD = [
    Example(
        sql="SELECT id FROM events WHERE id = 5000",
        tables=BY_TIME,
        plan=node("Append", *(node("Index Scan", table=each.name, alias=f"events_{at}", cost=8.0)
                              for at, each in enumerate(PARTS, start=1))),
    ),
    Example(sql="SELECT count(*) FROM events e WHERE date_trunc('month', e.at) = '2024-03-01'", tables=BY_TIME),
    Example(sql="DELETE FROM events WHERE kind = 'old' AND at <> '2024-01-01'", tables=BY_TIME),
    Example(sql="SELECT id FROM events WHERE kind = 'old' OR at < '2024-01-01'", tables=BY_TIME),
    Example(sql="SELECT id FROM tenants WHERE tenant_id > 5 AND name = 'x'", note="Hashes have no order.",
            tables=BY_TENANT),
    Example(sql="SELECT u.name, (SELECT count(*) FROM events e WHERE e.id = u.id) FROM users u WHERE u.id = 7",
            tables=(*BY_TIME, USERS)),
]  # fmt: skip
GOOD = [
    Example(note="A range of the key.", sql="SELECT id FROM events WHERE at >= $1 AND at < $2", tables=BY_TIME),
    Example(
        note="Known when it is run.", sql="SELECT id FROM events WHERE at > now() - interval '7 days'", tables=BY_TIME
    ),
    Example(note="All rows are asked for.", sql="SELECT kind, count(*) FROM events GROUP BY kind", tables=BY_TIME),
    Example(
        note="LIMIT stops in the first partition that has enough.",
        sql="SELECT id FROM events WHERE kind = 'x' ORDER BY at DESC LIMIT 10",
        tables=BY_TIME,
    ),
    Example(note="Of a partition itself.", sql="SELECT at FROM events_1 WHERE id = 7", tables=BY_TIME),
    Example(
        note="The join tells the key.",
        sql="SELECT e.id FROM users u JOIN tenants e ON e.tenant_id = u.id WHERE u.name = 'x'",
        tables=(*BY_TENANT, USERS),
    ),
    Example(
        note="Each arm tells the key.",
        sql="SELECT id FROM events WHERE at < '2024-01-01' OR (at > '2024-05-01' AND kind = 'x')",
        tables=BY_TIME,
    ),
    Example(
        note="The condition from outside is asked within.",
        sql="WITH e AS (SELECT id, at FROM events WHERE kind = 'x') SELECT count(*) FROM e WHERE at >= $1 AND at < $2",
        tables=BY_TIME,
    ),
    Example(note="Not partitioned.", sql="SELECT id FROM users WHERE name = 'x'", tables=(USERS,)),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.2", aliases=("partition-key-unused",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for scope in query.scopes:
        for use in scope.tables:
            found = facts.table(use.table)
            keys = _keys(found)
            if found is None or not keys or len(facts.partitions(found.qualified)) < 2:
                continue
            conditions = _conditions(query, scope)
            searching = [each for each in conditions if _searches(each, scope, use)]
            if (
                not searching
                or _stops_early(query, facts, scope, use, keys)
                or _prunes(conditions, scope, use, found, keys[0])
            ):
                continue
            if not _is_pruned_in_plan(query, facts, use, found):
                yield _finding(query, facts, use, found, keys[0], searching)


def _keys(found: Table | None) -> tuple[str, ...]:
    """The columns of the partition key; none where an expression is its first part."""
    listed = re.fullmatch(rf"\w+ \(({NAME}[^()]*)\)", found.partition_key or "") if found else None
    parts = listed[1].split(", ") if listed else []
    return tuple(part.split(" ")[0].strip('"') for part in parts)


def _conditions(query: Query, scope: Scope) -> list[Predicate]:
    """Its own conditions, and those that the planner hands down from the only query that reads it."""
    found = list(scope.predicates)
    readers = [(other, use) for other in query.scopes for use in other.tables if use.inner == scope.number]
    if len(readers) != 1 or not _is_plain(scope):
        return found
    outer, use = readers[0]
    for each in _conditions(query, outer):
        column = each.column
        is_its = column is not None and (column.alias, column.scope) == (use.alias, outer.number)
        inner = _inner(scope, column.column) if column and is_its else None
        if inner and each.is_conjunct:
            found.append(replace(each, column=inner, columns=(inner,)))
    return found


def _is_plain(scope: Scope) -> bool:
    """Whether it hands rows on as they are, so that conditions on them may be asked within."""
    is_cut = scope.limit or scope.offset or scope.is_distinct or scope.distinct_on or scope.set_operation
    is_made = scope.group_keys or scope.has_aggregate or scope.has_window or scope.write
    return not (is_cut or is_made or scope.is_materialized or scope.is_recursive)


def _inner(scope: Scope, name: str) -> ColumnUse | None:
    """What the scope's output of that name is; of `*` over one relation that relation's column."""
    for output in scope.outputs:
        if output.is_star and len(scope.tables) == 1:
            use = scope.tables[0]
            return ColumnUse(column=name, table=use.table, alias=use.alias, scope=scope.number)
        if (output.alias or (output.column.column if output.column else None)) == name:
            return output.column
    return None


def _searches(predicate: Predicate, scope: Scope, use: TableUse) -> bool:
    """Whether it chooses rows of that relation."""
    if predicate.place not in ("where", "on"):
        return False
    return any((each.alias, each.scope) == (use.alias, scope.number) for each in _columns(predicate))


def _columns(predicate: Predicate) -> Iterator[ColumnUse]:
    yield from predicate.columns
    yield from predicate.value.columns
    if predicate.value.column:
        yield predicate.value.column


def _prunes(conditions: list[Predicate], scope: Scope, use: TableUse, found: Table, key: str) -> bool:
    """Whether a condition that every row must meet, or one in each arm of an OR, bounds the key."""
    kind = (found.partition_key or "").split(" ")[0]
    own = [each for each in conditions if _bounds(each, scope, use, key, EQUAL if kind != "RANGE" else None)]
    in_arms = {(each.disjunction, each.arm) for each in own}
    return any(each.is_conjunct for each in own) or any(
        all((arm[0].disjunction, arm[0].arm) in in_arms for arm in arms) and len(arms) > 1
        for arms in disjunctions(scope)
    )


def _bounds(predicate: Predicate, scope: Scope, use: TableUse, key: str, operators: frozenset[str] | None) -> bool:
    """Whether the predicate compares the bare key so that partitions can be left out."""
    sides = [predicate.column] if predicate.column and not predicate.is_wrapped else []
    sides += [predicate.value.column] if predicate.value.column else []
    is_key = any((each.column, each.alias, each.scope) == (key, use.alias, scope.number) for each in sides)
    is_row = predicate.column is None and predicate.operator in ORDERED | EQUAL and any(
        each.column == key for each in predicate.columns
    )  # fmt: skip
    return (is_key or is_row) and not predicate.is_negated and predicate.operator in (operators or ORDERED | EQUAL)


def _stops_early(query: Query, facts: Facts, scope: Scope, use: TableUse, keys: tuple[str, ...]) -> bool:
    """Whether a LIMIT ends the search after the first partitions: in the order of the key, or in none."""
    planned = facts.plan(query.statement)
    scans = planned.scans(use.alias) if planned else ()
    is_any = not (scope.sort_keys or scope.group_keys or scope.has_aggregate or scope.is_distinct)
    if scope.limit and is_any and scans and scope.limit.text.isdigit() and len(scope.tables) == 1:
        return scans[0].estimated_rows > int(scope.limit.text)
    first = scope.sort_keys[0].column if scope.sort_keys else None
    return scope.limit is not None and first is not None and first.column == keys[0]


def _is_pruned_in_plan(query: Query, facts: Facts, use: TableUse, found: Table) -> bool:
    planned = facts.plan(query.statement)
    if planned is None:
        return False
    scanned = {node.table for node in planned.scans(use.alias)}
    partitions = {each.name for each in facts.partitions(found.qualified)}
    return not scanned or len(scanned & partitions) < len(partitions)


def _finding(query: Query, facts: Facts, use: TableUse, found: Table, key: str, searching: list[Predicate]) -> Finding:
    partitions = facts.partitions(found.qualified)
    planned = facts.plan(query.statement)
    scans, statement = planned.scans(use.alias) if planned else (), facts.statement(query.statement)
    inferred = Evidence(rung=Rung.INFERRED, text=f"no condition bounds the bare `{key}`, by which it is partitioned")
    evidence = [inferred]
    if planned and scans:
        rung = Rung.MEASURED if planned.is_analyzed else Rung.ESTIMATED
        count = len({each.table for each in scans} & {each.name for each in partitions})
        evidence.insert(0, Evidence(rung=rung, text=f"the plan reads {count} partitions of {found.label}"))
    share = planned.scan_share(use.alias) if planned else 1.0
    is_whole = any(each.node_type == "Seq Scan" for each in scans) and not facts.is_small(found.qualified)
    wrapped = [each for each in searching if each.is_wrapped and each.column and each.column.column == key]
    text = f"Add what is known of `{key}`, as `AND {quoted(key)} >= … AND {quoted(key)} < …`."
    if wrapped:
        text = f"Compare `{key}` itself, with a half-open range: `{quoted(key)} >= start AND {quoted(key)} < end`."
    if not (found.partition_key or "").startswith("RANGE"):
        text = f"Add what is known of `{key}`, as `AND {quoted(key)} = …`."
    return Finding(
        where=Where(statement=query.statement, table=found.qualified, column=key),
        message=f"no condition on `{key}` leaves out any of the {len(partitions)} partitions of {found.label}",
        evidence=tuple(evidence),
        remedy=Remedy(text=text),
        wrong_if="the rows may be in any partition, and there are few",
        severity=facts.severity(query.statement, share) if is_whole else Severity.INFO,
        at_most_ms_per_day=facts.ms_per_day(query.statement, share) if planned else None,
        cause=f"wrapped {found.qualified} {key} {statement.fingerprint}" if wrapped and statement else None,
        spans=tuple(each.span for each in (wrapped or searching) if each.span),
    )
