"""A B-tree index stands on a jsonb, array or text search column, where it finds whole values only.

## What it finds
A B-tree with a bare key of type `jsonb`, `tsvector` or an array, which is not unique, on a table that is not small, and
no statement of the workload compares the whole column.

## Why it matters
A B-tree orders whole documents. It serves `data = '{…}'` and nothing else: not `@>`, `?`, `&&`, `@@`, nor `= ANY`.
Long values do not even fit: from about 2,700 bytes on an INSERT fails.

## What to do
Create a GIN index for what is asked of the column, and drop this one.

## When to leave it
The whole value is compared, sorted or grouped by.

## Source
https://www.postgresql.org/docs/current/datatype-json.html#JSON-INDEXING
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Column,
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
    is_free_to_go,
    operators_of,
    quoted,
    schema_rule,
    table,
)

INSIDE = frozenset(("@>", "<@", "&&", "?", "?|", "?&", "@@", "@?"))
WHOLE = frozenset(("=", "<", ">", "<=", ">=", "<>", "IN", "= ANY", "BETWEEN"))
EVENT = table("event", columns={"data": "jsonb", "tags": "text[]"}, indexes={"event_data_idx": "data"})
BAD = [
    Example(
        sql="SELECT id FROM event WHERE data @> $1",
        tables=(EVENT,),
        remedy="CREATE INDEX CONCURRENTLY event_data_idx1 ON public.event USING gin (data jsonb_path_ops);\n"
        "DROP INDEX CONCURRENTLY public.event_data_idx;",
    ),
    Example(tables=(table("event", columns={"tags": "text[]"}, indexes={"event_tags_idx": "tags"}),)),
]
GOOD = [
    Example(note="The whole value is looked up.", sql="SELECT id FROM event WHERE data = $1", tables=(EVENT,)),
    Example(
        note="It is unique: a promise about the whole value.",
        tables=(table("event", columns={"tags": "text[]"}, indexes={"event_tags_key": "UNIQUE tags"}),),
    ),
    Example(
        note="A key within the document is a value of its own.",
        tables=(table("event", columns={"data": "jsonb"}, indexes={"event_kind_idx": "(data ->> 'kind'::text)"}),),
    ),
    Example(note="GIN is what it takes.",
            tables=(table("event", columns={"tags": "text[]"}, indexes={"event_tags_idx": "gin: tags"}),)),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.partition_of or facts.is_small(table.qualified):
        return
    for index in table.indexes:
        if index.method != "btree" or index.is_unique or not is_free_to_go(index) or not index.is_valid:
            continue
        column = next((each for key in index.keys if (each := _container(table, key.column))), None)
        if column is None:
            continue
        asked = operators_of(facts, table.qualified, column.name)
        if asked & WHOLE or (table.qualified, column.name) in facts.once(_ordered):
            continue
        yield _finding(table, index, column, sorted(asked & INSIDE), facts)


def _container(table: Table, name: str | None) -> Column | None:
    column = table.column(name) if name else None
    is_container = column is not None and (column.type in ("jsonb", "tsvector") or column.type.endswith("[]"))
    return column if is_container else None


def _ordered(facts: Facts) -> frozenset[tuple[str, str]]:
    """Columns that statements sort or group by."""
    return frozenset(
        (key.column.table, key.column.column)
        for query in facts.queries.values()
        for scope in query.scopes
        for key in (*scope.sort_keys, *scope.group_keys)
        if key.column and key.column.table
    )


def _finding(table: Table, index: Index, column: Column, inside: list[str], facts: Facts) -> Finding:
    text = f"statements ask for {column.name} by {', '.join(inside)}, which no B-tree serves" if inside else (
        "no statement at hand compares the whole value"
    )  # fmt: skip
    return Finding(
        where=Where(table=table.qualified, column=column.name, index=index.name),
        message=f"index {index.name} of {table.label} is a B-tree on {column.name}, of type {column.type}: "
        "it finds whole values only",
        evidence=(Evidence(rung=Rung.INFERRED, text=text),),
        remedy=_remedy(table, index, column, facts),
        wrong_if="the whole value is compared, sorted or grouped by",
        severity=Severity.WARNING if inside else Severity.INFO,
        cause=f"index {index.schema}.{index.name}",
    )


def _remedy(table: Table, index: Index, column: Column, facts: Facts) -> Remedy:
    name = quoted(column.name)
    key = WantedKey(text=name, key=column.name, label=column.name, column=column.name,
                    operator_class="jsonb_path_ops" if column.type == "jsonb" else None)  # fmt: skip
    wanted = WantedIndex(table=table.qualified, keys=(key,), method="gin")
    text = f"Create a GIN index for what is asked of {column.name}, then drop {index.name}."
    return exchange_index(facts, table, index, wanted, text=text)
