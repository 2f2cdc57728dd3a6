"""A GIN index on jsonb keeps all keys and values, where containment is all that is asked.

## What it finds
A GIN index of 10 MB or more with the default operator class `jsonb_ops`, on a column that statements of the workload
ask only by `@>`, `@?` or `@@`.

## Why it matters
`jsonb_ops` has an entry for each key and each value; `jsonb_path_ops` one for each path to a value. The latter is
smaller, cheaper to write, and finds fewer rows that have to be looked at in vain.

## What to do
Create one with `jsonb_path_ops` beside it, then drop the old one.

## When to leave it
Some query asks whether a key exists (`?`, `?|`, `?&`), or for empty objects.

## Source
https://www.postgresql.org/docs/current/datatype-json.html#JSON-INDEXING
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Remedy,
    Rung,
    Severity,
    Table,
    WantedIndex,
    WantedKey,
    Where,
    exchange_index,
    is_advised_to_go,
    is_free_to_go,
    listed,
    operators_of,
    quoted,
    schema_rule,
    table,
)

LEAST_BYTES = 10 * 1024**2
CONTAINS = frozenset(("@>", "@?", "@@"))
EXISTS = frozenset(("?", "?|", "?&"))
EVENT = table("event", columns={"data": "jsonb"}, indexes={"event_data_idx": "gin: data"})
BAD = [
    Example(
        sql="SELECT id FROM event WHERE data @> $1",
        tables=(EVENT,),
        remedy="CREATE INDEX CONCURRENTLY event_data_idx1 ON public.event USING gin (data jsonb_path_ops);\n"
        "DROP INDEX CONCURRENTLY public.event_data_idx;",
    ),
]
GOOD = [
    Example(note="A key is asked for as well.", sql="SELECT id FROM event WHERE data ? $1", tables=(EVENT,),
            other=(("SELECT id FROM event WHERE data @> $1", 10, 1.0),)),
    Example(note="Nobody is known to ask it.", tables=(EVENT,)),
    Example(
        note="It has that operator class.",
        sql="SELECT id FROM event WHERE data @> $1",
        tables=(table("event", columns={"data": "jsonb"}, indexes={"event_data_idx": "gin: data jsonb_path_ops"}),),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.INFO, since="0.2", needs=("catalog", "statements"))
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.partition_of:
        return
    for index in table.indexes:
        column = table.column(index.columns[0]) if len(index.columns) == len(index.keys) == 1 else None
        is_plain = index.method == "gin" and index.keys[0].operator_class in (None, "jsonb_ops")
        if column is None or column.type != "jsonb" or not is_plain or index.predicate or not index.is_valid:
            continue
        asked = operators_of(facts, table.qualified, column.name)
        if not asked & CONTAINS or asked & EXISTS or (index.size_bytes or 0) < LEAST_BYTES:
            continue
        if is_free_to_go(index) and not is_advised_to_go(index, facts):
            operators = listed(sorted(asked & CONTAINS))
            yield Finding(
                where=Where(table=table.qualified, column=column.name, index=index.name),
                message=f"index {index.name} of {table.label} keeps keys and values of {column.name}, which is asked "
                f"by {operators} alone",
                evidence=(Evidence(rung=Rung.INFERRED, text="no statement at hand asks whether a key exists"),),
                remedy=_remedy(table, index, column.name, facts),
                wrong_if="a query that is not among the statements at hand asks whether a key exists",
                severity=Severity.INFO,
                cause=f"index {index.schema}.{index.name}",
            )


def _remedy(table: Table, index: Index, column: str, facts: Facts) -> Remedy:
    key = WantedKey(text=quoted(column), key=column, label=column, column=column, operator_class="jsonb_path_ops")
    wanted = WantedIndex(table=table.qualified, keys=(key,), method="gin")
    return exchange_index(facts, table, index, wanted, text=f"Create one with jsonb_path_ops, then drop {index.name}.")
