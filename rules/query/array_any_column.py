"""`x = ANY (array_column)` looks into every array; only `@>` can use a GIN index.

## What it finds
`'x' = ANY (tags)` on an array column of a table of size, where no other condition leaves few rows.

## Why it matters
A GIN index of an array holds its elements, and serves the operators `@>`, `<@`, `&&` and `=` of arrays. `= ANY` is a
comparison of elements: no index serves it, and each row is read.

## What to do
Write `tags @> ARRAY['x']`: it finds the same rows, and the index serves it. Create a GIN index where there is none.

## When to leave it
The table is small, or most rows hold the element.

## Source
https://www.postgresql.org/docs/current/indexes-types.html#INDEXES-TYPES-GIN
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    MANY,
    ColumnUse,
    Evidence,
    Example,
    Facts,
    Finding,
    Predicate,
    Query,
    Remedy,
    Rung,
    Severity,
    Table,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    is_narrowed,
    kept_share,
    query_rule,
    quoted,
    replace,
    searched_table,
    table,
    whole_read,
)

ITEMS = table("items", columns={"tags": "text[]", "codes": "character varying(9)[]"},
              indexes={"items_tags": "gin: tags"})  # fmt: skip
BAD = [
    Example(
        sql="SELECT id FROM items WHERE 'x' = ANY (tags)",
        tables=(ITEMS,),
        remedy="SELECT id FROM items WHERE tags @> ARRAY['x']::text[]",
    ),
    Example(
        sql="SELECT i.id FROM items i WHERE $1 = ANY (i.tags)",
        tables=(ITEMS,),
        remedy="WHERE i.tags @> ARRAY[$1]::text[]",
    ),
    Example(
        sql="SELECT id FROM items WHERE 'x' = ANY (codes)", tables=(ITEMS,), remedy="ON public.items USING gin (codes);"
    ),
]
GOOD = [
    Example(note="The operator of the index.", sql="SELECT id FROM items WHERE tags @> ARRAY['x']", tables=(ITEMS,)),
    Example(note="A list of values.", sql="SELECT id FROM items WHERE id = ANY ($1)", tables=(ITEMS,)),
    Example(note="One row by its key.", sql="SELECT id FROM items WHERE id = 5 AND 'x' = ANY (tags)", tables=(ITEMS,)),
    Example(note="No index finds what is not there.", sql="SELECT id FROM items WHERE NOT 'x' = ANY (tags)",
            tables=(ITEMS,)),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.2", aliases=("array-any-vs-contains",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for predicate in query.predicates():
        column = predicate.value.column
        found = searched_table(facts, column)
        if column is None or found is None or predicate.operator != "= ANY" or predicate.columns:
            continue
        is_asked = predicate.is_conjunct and not predicate.is_negated and predicate.place in ("where", "on")
        array = found.column(column.column)
        planned = facts.plan(query.statement)
        is_common = planned is not None and kept_share(facts, planned, column) > MANY
        if is_asked and array and array.type.endswith("[]") and not is_common and not is_narrowed(facts, query, column):
            yield _finding(query, facts, predicate, found, column)


def _finding(query: Query, facts: Facts, predicate: Predicate, found: Table, column: ColumnUse) -> Finding:
    seen, severity, number = whole_read(facts, query, column)
    index = next(
        (each for each in found.indexes if each.is_valid and each.method == "gin" and column.column in each.columns),
        None,
    )
    array = found.column(column.column)
    kind = re.sub(r"\(.*?\)", "", array.type if array else "text[]")
    new = f"{predicate.value.text} @> ARRAY[{predicate.source}]::{kind}"
    key = WantedKey(text=quoted(column.column), key=column.column, label=column.column, column=column.column)
    wanted = WantedIndex(table=found.qualified, keys=(key,), method="gin")
    if index and predicate.span:
        text = f"Write `@>`: it finds the same rows, and index {index.name} serves it."
        remedy = Remedy(text=text, sql=query.spliced((predicate.span, new)))
    else:
        remedy = replace(create_index(facts, wanted, why=f"Then write `{new}`."), needs_rewrite=True)
    return Finding(
        where=Where(statement=query.statement, table=column.table, column=column.column),
        message=f"`= ANY ({predicate.value.text})` looks into the array of every row; no index serves it",
        evidence=(*seen, Evidence(rung=Rung.INFERRED, text="a GIN index serves `@>`, not `= ANY`")),
        remedy=remedy,
        wrong_if="other conditions always leave few rows, or most rows hold the element",
        severity=severity,
        node=number,
        cause=None if index else wanted.cause,
        spans=(predicate.span,) if predicate.span else (),
    )
