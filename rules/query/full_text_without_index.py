"""A full text search that no index is on: every text is taken apart anew.

## What it finds
`to_tsvector('english', body) @@ …` where no GIN or GiST index is on that very expression (the same configuration, the
same columns put together in the same way), and `tsv @@ …` on a tsvector column without one.

## Why it matters
Without the index each row is read and its text split into words, for every search; that is the dearest filter there is.
`to_tsvector(body)` without a configuration depends on a setting, so that no index can be on it.

## What to do
Create a GIN index on the expression, and name the configuration in both. Or keep the tsvector in a generated column.

## When to leave it
Other conditions leave few rows.

## Source
https://www.postgresql.org/docs/current/textsearch-tables.html#TEXTSEARCH-TABLES-INDEX
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
    Severity,
    Table,
    WantedIndex,
    WantedKey,
    Where,
    create_index,
    is_narrowed,
    query_rule,
    searched_table,
    table,
    whole_read,
)

WORDS = re.compile(r"\bto_tsvector\(")
CONFIGURED = re.compile(r"to_tsvector\('\w+'(?:::regconfig)?, (?P<text>.*)\)\Z", re.S)
STEADY = re.compile(r"(?:'(?:[^']|'')*'|coalesce\(|[\w\"(), ]|\|\|)*\Z")
"""Columns, strings, `||` and coalesce: what an index may hold. Other functions may depend on settings."""

REVIEWS = table("reviews", columns={"body": "text", "title": "text", "words": "tsvector"},
                indexes={"reviews_body": "gin: to_tsvector('english'::regconfig, body)"})  # fmt: skip
BAD = [
    Example(
        sql="SELECT id FROM reviews WHERE to_tsvector('simple', body) @@ to_tsquery('simple', $1)",
        note="The index is in English.",
        tables=(REVIEWS,),
        remedy="USING gin (to_tsvector('simple', body))",
    ),
    Example(
        sql="SELECT id FROM reviews r WHERE to_tsvector('english', r.title || ' ' || r.body) @@ plainto_tsquery($1)",
        tables=(REVIEWS,),
        remedy="USING gin (to_tsvector('english', (title || ' ') || body))",
    ),
    Example(sql="SELECT id FROM reviews WHERE to_tsvector(body) @@ to_tsquery('great')", tables=(REVIEWS,)),
    Example(sql="SELECT id FROM reviews WHERE words @@ to_tsquery('great')", tables=(REVIEWS,),
            remedy="USING gin (words)"),
]  # fmt: skip
GOOD = [
    Example(note="The index is there.", tables=(REVIEWS,),
            sql="SELECT id FROM reviews r WHERE to_tsvector('english', r.body) @@ to_tsquery('english', 'great')"),
    Example(note="One row by its key.", tables=(REVIEWS,),
            sql="SELECT id FROM reviews WHERE id = 5 AND to_tsvector('simple', body) @@ to_tsquery('simple', 'great')"),
    Example(note="A rank is computed, nothing is searched.", tables=(REVIEWS,),
            sql="SELECT ts_rank(to_tsvector('english', title), to_tsquery('great')) FROM reviews WHERE id = 4"),
    Example(note="Which configuration, nobody knows.", tables=(REVIEWS,),
            sql="SELECT id FROM reviews WHERE to_tsvector($1, body) @@ to_tsquery($2)"),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.2", aliases=("fts-without-index",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for predicate in query.predicates():
        column = predicate.columns[0] if predicate.columns else None
        found = searched_table(facts, column)
        if column is None or found is None or not _searches(found, predicate, column):
            continue
        is_there = any(
            predicate.key in facts.index_keys(index)
            for index in found.indexes
            if index.is_valid and index.method in ("gin", "gist", "rum")
        )
        if not is_there and not is_narrowed(facts, query, column, but=predicate):
            yield _finding(query, facts, predicate, found, column)


def _searches(found: Table, predicate: Predicate, column: ColumnUse) -> bool:
    """Whether it is a full text search of that table alone."""
    is_one = all((each.alias, each.scope) == (column.alias, column.scope) for each in predicate.columns)
    is_asked = predicate.operator == "@@" and predicate.is_conjunct and not predicate.is_negated
    if not is_one or not is_asked or predicate.place not in ("where", "on") or "$" in predicate.key:
        return False
    kept = found.column(predicate.key)
    return bool(WORDS.search(predicate.key)) or (kept is not None and kept.type == "tsvector")


def _finding(query: Query, facts: Facts, predicate: Predicate, found: Table, column: ColumnUse) -> Finding:
    seen, severity, number = whole_read(facts, query, column)
    wanted = _wanted(predicate, found, column)
    text = "Name the configuration, `to_tsvector('english', …)`, and create a GIN index on just that expression."
    if WORDS.match(predicate.key) and CONFIGURED.match(predicate.key):
        text = "Keep the words in a generated column of type tsvector and create a GIN index on that."
    return Finding(
        where=Where(statement=query.statement, table=column.table, column=column.column),
        message=f"no index is on `{predicate.key}`: the full text search takes every text apart",
        evidence=(*seen, Evidence(rung=Rung.INFERRED, text="an index serves only the very expression that it is on")),
        remedy=create_index(facts, wanted) if wanted else Remedy(text=text),
        wrong_if="other conditions always leave few rows",
        severity=severity,
        node=number,
        cause=wanted.cause if wanted else None,
        spans=(predicate.span,) if predicate.span else (),
    )


def _wanted(predicate: Predicate, found: Table, column: ColumnUse) -> WantedIndex | None:
    """The index on the expression; None where a setting may change what it gives."""
    configured = CONFIGURED.match(predicate.key)
    calls = set(re.findall(r"(\w+)\(", configured["text"])) if configured else set()
    is_steady = configured is not None and bool(STEADY.match(configured["text"])) and calls <= {"coalesce"}
    if not is_steady and found.column(predicate.key) is None:
        return None
    types = [each.type for use in predicate.columns if (each := found.column(use.column))]
    if not all(each.startswith(("text", "character varying", "tsvector")) for each in types):
        return None
    key = WantedKey(text=predicate.key, key=predicate.key, label=f"{column.column}_words", column=column.column)
    return WantedIndex(table=found.qualified, keys=(key,), method="gin")
