"""An index has very many or very wide columns, and the queries use the first few.

## What it finds
A B-tree of 10 MB or more, not unique, with five key columns or more, of which no statement of the workload names
more than three; or whose keys take 400 bytes or more on average.

## Why it matters
Wide entries make a big, high tree: more pages to read, to keep in memory and to write. Deduplication seldom helps, and
an update of any of its columns cannot be HOT.

## What to do
Keep the columns that queries compare; move those that are only read into INCLUDE, or drop them. Index a hash of a long
text (`md5(body)`) instead of the text.

## When to leave it
A query that matters is not among the statements at hand.

## Source
https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    is_free_to_go,
    is_in_a_plan,
    replace,
    schema_rule,
    size_text,
    table,
)

MANY_COLUMNS, USED_COLUMNS = 5, 3
WIDE_BYTES = 400
LEAST_BYTES = 10 * 1024**2
LONG = ColumnStatistics(null_fraction=0, average_width_bytes=900, n_distinct=-1)
WIDE = table("orders", indexes={"orders_wide_idx": "a, b, c, d, e"})
BAD = [
    Example(sql="SELECT id FROM orders WHERE a = $1 AND b = $2", tables=(WIDE,)),
    Example(
        note="The whole text of a page is its key.",
        tables=(table("page", columns={"body": "text"}, indexes={"page_body_idx": "body"}, statistics={"body": LONG}),),
    ),
]
GOOD = [
    Example(
        note="All of them are compared.",
        sql="SELECT id FROM orders WHERE a = $1 AND b = $2 AND c = $3 AND d = $4 AND e > $5",
        tables=(WIDE,),
    ),
    Example(note="A unique index needs all of them.",
            tables=(table("orders", indexes={"orders_wide_key": "UNIQUE a, b, c, d, e"}),)),
    Example(note="Nothing is known of the queries.", tables=(WIDE,)),
    Example(
        note="The text is short.",
        tables=(
            table("page", columns={"title": "text"}, indexes={"page_title_idx": "title"},
                  statistics={"title": replace(LONG, average_width_bytes=40)}),
        ),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.partition_of:
        return
    for index in table.indexes:
        if index.method != "btree" or index.is_unique or not is_free_to_go(index) or not index.is_valid:
            continue
        if (index.size_bytes or 0) < LEAST_BYTES or is_in_a_plan(index, facts):
            continue
        width = _width(index, table)
        used = facts.once(_used).get(table.qualified, ())
        most = max((len(each & set(index.columns)) for each in used), default=None)
        if width >= WIDE_BYTES:
            yield _finding(table, index, f"its keys take {width:,} bytes on average", Rung.ESTIMATED)
        elif len(index.columns) >= MANY_COLUMNS and most is not None and most <= USED_COLUMNS:
            text = f"no statement at hand uses more than {most} of its {len(index.columns)} columns"
            yield _finding(table, index, text, Rung.INFERRED)


def _width(index: Index, table: Table) -> int:
    found = (table.column(name) for name in index.columns)
    return sum(each.statistics.average_width_bytes for each in found if each and each.statistics)


def _used(facts: Facts) -> dict[str, tuple[frozenset[str], ...]]:
    """Of each table the columns that each scope of the workload compares or sorts by."""
    found: dict[str, list[frozenset[str]]] = {}
    for query in facts.queries.values():
        for scope in query.scopes:
            by_table: dict[str, set[str]] = {}
            uses = [use for each in scope.predicates for use in each.columns]
            uses += [key.column for key in (*scope.sort_keys, *scope.group_keys) if key.column]
            uses += list(scope.columns)
            for use in uses:
                if use.table:
                    by_table.setdefault(use.table, set()).add(use.column)
            for name, columns in by_table.items():
                found.setdefault(name, []).append(frozenset(columns))
    return {name: tuple(each) for name, each in found.items()}


def _finding(table: Table, index: Index, text: str, rung: Rung) -> Finding:
    return Finding(
        where=Where(table=table.qualified, index=index.name),
        message=f"index {index.name} of {table.label} is wide: {text}"
        + (f", and it takes {size_text(index.size_bytes)}" if index.size_bytes else ""),
        evidence=(Evidence(rung=rung, text=text), Evidence(rung=Rung.INFERRED, text=index.definition)),
        remedy=Remedy(
            text="Keep the columns that queries compare, in that order; put those that are only read into INCLUDE, and "
            "index a hash of a long text."
        ),
        wrong_if="a query that is not among the statements at hand needs all of it",
        severity=Severity.INFO,
        cause=f"index {index.schema}.{index.name}",
    )
