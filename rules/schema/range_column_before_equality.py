"""An index has a column that is asked for by ranges before one that is asked for by equality.

## What it finds
A B-tree of two columns or more on a table that is not small, whose first column is a date or time, where statements of
the workload give an interval of that column and an exact value of a later column, none gives an exact value of the
first, and no index leads with the second. Where the index advice was worked out, it speaks of this itself.

## Why it matters
Within a B-tree the rows of an interval lie together, in the order of time: those of one customer are scattered among
them, and all entries of the interval are read. With the equality first, the wanted entries lie side by side.

## What to do
Create the index with the columns the other way round. Then see whether anything still needs the old one.

## When to leave it
Most queries ask for the interval alone.

## Source
https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Rung,
    Scope,
    Severity,
    Table,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    quoted,
    schema_rule,
    table,
)

RANGES = frozenset(("<", ">", "<=", ">=", "BETWEEN"))
TIMES = ("timestamp", "date", "time ")
COLUMNS = {"at": "timestamp with time zone", "user_id": "bigint"}
EVENT = table("event", columns=COLUMNS, indexes={"event_at_user_idx": "at, user_id"})
QUERY = "SELECT id FROM event WHERE user_id = $1 AND at >= $2 AND at < $3"
BAD = [
    Example(sql=QUERY, tables=(EVENT,), remedy="ON public.event (user_id, at);"),
]
GOOD = [
    Example(
        note="The equality comes first.",
        sql=QUERY,
        tables=(table("event", columns=COLUMNS, indexes={"event_user_at_idx": "user_id, at"}),),
    ),
    Example(
        note="Another index serves it.",
        sql=QUERY,
        tables=(table("event", columns=COLUMNS, indexes={"a_idx": "at, user_id", "b_idx": "user_id"}),),
    ),
    Example(note="Only the interval is asked for.", sql="SELECT id FROM event WHERE at >= $1", tables=(EVENT,)),
]


@schema_rule(severity=Severity.INFO, since="0.2", needs=("catalog", "statements"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if facts.advice is not None or table.partition_of or facts.is_small(table.qualified):
        return
    for index in table.indexes:
        first = table.column(index.columns[0]) if len(index.columns) == len(index.keys) > 1 else None
        if first is None or index.method != "btree" or index.predicate or not first.type.startswith(TIMES):
            continue
        seen = [
            (key, equal)
            for key, scope in facts.once(_scopes).get(table.qualified, ())
            if (equal := _equal(scope, table, index))
        ]
        if seen and not facts.indexes_led_by(table.qualified, seen[0][1]):
            yield _finding(table, index, seen[0][1], tuple(dict.fromkeys(key for key, _ in seen)), facts)


def _scopes(facts: Facts) -> dict[str, list[tuple[str, Scope]]]:
    """Of each table the scopes that read it, with the key of their statement."""
    found: dict[str, list[tuple[str, Scope]]] = {}
    for key, query in facts.queries.items():
        for scope in query.scopes:
            for name in {each.table for each in scope.tables if each.table}:
                found.setdefault(name, []).append((key, scope))
    return found


def _equal(scope: Scope, table: Table, index: Index) -> str | None:
    """The later column of the index that the scope equates while it gives an interval of the first."""
    plain = [
        (each.column.column, each.operator)
        for each in scope.predicates
        if each.is_conjunct and not (each.is_wrapped or each.is_negated)
        if each.column and each.column.table == table.qualified
    ]
    first = {operator for name, operator in plain if name == index.columns[0]}
    if not first & RANGES or "=" in first or scope.write == "insert":
        return None
    return next((name for name in index.columns[1:] if (name, "=") in plain), None)


def _finding(table: Table, index: Index, equal: str, statements: tuple[str, ...], facts: Facts) -> Finding:
    names = (equal, index.columns[0])
    keys = tuple(WantedKey(text=quoted(each), key=each, label=each, column=each) for each in names)
    wanted = WantedIndex(table=table.qualified, keys=keys, equalities=1)
    return Finding(
        where=Where(table=table.qualified, index=index.name),
        message=f"index {index.name} of {table.label} has {names[1]}, asked for by ranges, "
        f"before {equal}, asked for by equality",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"{len(statements):,} statements give an interval of {names[1]} and an "
                     f"exact {equal}"),
        ),
        remedy=create_index(facts, wanted),
        wrong_if="most queries ask for the interval alone",
        severity=Severity.INFO,
        cause=wanted.cause,
        statements=statements,
    )  # fmt: skip
