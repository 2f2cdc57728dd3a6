"""Rows are searched by what is inside a JSON column, and no index knows that.

## What it finds
`data ->> 'k' = …`, `data #>> '{a,b}' = …`, `(data ->> 'n')::int > …`, `data @> …`, `data ? 'k'`, `data @@ '$.k == …'`
where the table has neither an index on that very expression nor a GIN index that serves that operator.

## Why it matters
Every row is read, its document is taken out of TOAST where it is long, and the value is searched in it. A GIN index
serves `@>`, `@?` and `@@`; the operators `?`, `?|` and `?&` only with `jsonb_ops`, not with `jsonb_path_ops`; no GIN
index serves `->>`: that wants a B-tree index on the expression.

## What to do
For one field create an index on the expression, as it is written in the query. For many fields create a GIN index on
the column and write `@>`.

## When to leave it
Other conditions leave few rows, or most rows match.

## Source
https://www.postgresql.org/docs/current/datatype-json.html#JSON-INDEXING
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
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
    index_for,
    is_narrowed,
    node,
    pulled_up,
    query_rule,
    quoted,
    replace,
    searched_table,
    table,
    whole_read,
)

INSIDE = re.compile(r"->|#>|\bjsonb?_extract_path(?:_text)?\(|\w\[")
COMPARED = frozenset({"=", "<", "<=", ">", ">=", "BETWEEN", "IN", "= ANY"})
CONTAINED = frozenset({"@>"})
KEYED = frozenset({"?", "?|", "?&"})
PATHS = frozenset({"@?", "@@"})
PATH_CALLS = frozenset({"jsonb_path_exists", "jsonb_path_match", "jsonb_path_exists_tz", "jsonb_path_match_tz"})
"""The functions behind those operators: written so, no GIN index serves them."""
PREFIX = re.compile(r"[^%_\\]")
INDEXABLE = re.compile(r"(?:[^:]|::(?:integer|bigint|smallint|numeric|uuid|boolean|text)\b)*\Z")
"""Casts that settings do not change; the operators of JSON are immutable."""

ITEMS = table("items", columns={"facts": "jsonb", "name": "text"}, indexes={"items_brand": "(facts ->> 'brand'::text)"})
GIN = table("items", columns={"facts": "jsonb", "extras": "jsonb"},
            indexes={"items_facts": "gin: facts jsonb_path_ops", "items_extras": "gin: extras"})  # fmt: skip
WHOLE = node("Seq Scan", table="items", alias="items", cost=26_000.0)
BAD = [
    Example(
        sql="SELECT id FROM items WHERE facts ->> 'color' = 'red'",
        tables=(ITEMS,),
        plan=WHOLE,
        remedy="ON public.items ((facts ->> 'color'));",
    ),
    Example(
        sql="SELECT id FROM items i WHERE (i.facts ->> 'weight')::int > 35",
        tables=(ITEMS,),
        remedy="(((facts ->> 'weight')::integer))",
    ),
    Example(
        sql='SELECT id FROM items WHERE facts @> \'{"color": "red"}\'',
        tables=(ITEMS,),
        remedy="USING gin (facts jsonb_path_ops)",
    ),
    Example(
        sql="SELECT id FROM items WHERE facts ? 'color'",
        note="jsonb_path_ops does not hold the keys.",
        tables=(GIN,),
        remedy="USING gin (facts)",
    ),
    Example(sql="SELECT id FROM items WHERE facts ->> 'color' = 'red' AND facts ->> 'size' = '9'", tables=(GIN,)),
    Example(sql="SELECT id FROM items WHERE facts #>> '{a,b}' IN ('x', 'y')", tables=(ITEMS,)),
    Example(sql="SELECT id FROM items WHERE facts @@ '$.color == \"red\"'", tables=(ITEMS,)),
    Example(sql="DELETE FROM items WHERE facts -> 'n' = '7'", tables=(GIN,)),
    Example(sql="SELECT id FROM items WHERE jsonb_path_exists(facts, '$.n ? (@ == 9)')", tables=(GIN,)),
    Example(sql="SELECT id FROM items WHERE (facts ->> 'new')::boolean", tables=(ITEMS,)),
    Example(sql="SELECT id FROM items WHERE facts ->> 'color' LIKE 're%'", tables=(ITEMS,), remedy="text_pattern_ops"),
]
GOOD = [
    Example(note="The expression is indexed.", sql="SELECT id FROM items WHERE facts ->> 'brand' = 'x'",
            tables=(ITEMS,)),
    Example(note="A GIN index serves `@>`.", sql="SELECT id FROM items WHERE facts @> '{\"brand\": \"x\"}'",
            tables=(GIN,)),
    Example(note="A GIN index of all keys serves `?`.", sql="SELECT id FROM items WHERE extras ? 'brand'",
            tables=(GIN,)),
    Example(note="One row by its key.", sql="SELECT id FROM items WHERE id = 7 AND facts ->> 'color' = 'red'",
            tables=(ITEMS,)),
    Example(note="A GIN index leaves few rows.",
            sql="SELECT id FROM items WHERE facts @> '{\"brand\": \"x\"}' AND facts ->> 'color' = 'red'",
            tables=(GIN,)),
    Example(note="In the select list.", sql="SELECT facts ->> 'color' FROM items WHERE id < 100", tables=(ITEMS,)),
    Example(note="Which key, nobody knows.", sql="SELECT id FROM items WHERE facts ->> $1 = $2", tables=(ITEMS,)),
    Example(note="No index finds what is not there.", sql="SELECT id FROM items WHERE NOT facts ? 'color'",
            tables=(ITEMS,)),
    Example(note="A small table.", sql="SELECT id FROM kind WHERE facts ->> 'a' = 'x'",
            tables=(table("kind", rows=20, columns={"facts": "jsonb"}),)),
]  # fmt: skip


@query_rule(severity=Severity.ERROR, since="0.2", aliases=("jsonb-filter-no-index", "jsonb-path-filter"))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    found: dict[tuple[str | None, str], list[Predicate]] = {}
    for predicate in (pulled_up(query, each) for each in query.predicates()):
        if _is_unserved(facts, predicate) and (predicate.is_conjunct or _fills_its_or(query, facts, predicate)):
            assert predicate.column is not None
            if not is_narrowed(facts, query, predicate.column, but=predicate):
                found.setdefault((predicate.column.alias, predicate.column.column), []).append(predicate)
    for predicates in found.values():
        yield _finding(query, facts, predicates)


def _fills_its_or(query: Query, facts: Facts, predicate: Predicate) -> bool:
    """Whether no arm of its OR has anything else to be found by."""
    arms = [
        each
        for each in query.scopes[predicate.scope].predicates
        if predicate.disjunction is not None and each.disjunction == predicate.disjunction
    ]
    return bool(arms) and all(each.column == predicate.column and _is_unserved(facts, each) for each in arms)


def _is_unserved(facts: Facts, predicate: Predicate) -> bool:
    """Whether it searches a JSON column of a table of size, an index could serve that, and none does."""
    found = searched_table(facts, predicate.column)
    column = found.column(predicate.column.column) if found and predicate.column else None
    if found is None or column is None or column.type not in ("jsonb", "json"):
        return False
    if predicate.is_negated or predicate.place not in ("where", "on") or _has_columns(predicate):
        return False
    is_inside = bool(INSIDE.search(predicate.key))
    is_held = column.type == "jsonb" and predicate.operator in CONTAINED | KEYED | PATHS
    is_asked = (is_held and (is_inside or not predicate.is_wrapped)) or (is_inside and _is_compared(predicate))
    if not is_asked and not _is_path_call(predicate):
        return False
    return not any(_serves(facts, index, predicate) for index in found.indexes)


def _is_compared(predicate: Predicate) -> bool:
    """Whether a value within the document is compared as a B-tree could: also a flag, and the beginning of a text."""
    is_flag = predicate.operator == "IS TRUE" and predicate.key.endswith("::boolean")
    is_prefix = predicate.operator == "LIKE" and bool(PREFIX.match(predicate.value.text))
    return predicate.operator in COMPARED or is_flag or is_prefix


def _is_path_call(predicate: Predicate) -> bool:
    return predicate.operator == "IS TRUE" and predicate.function in PATH_CALLS


def _has_columns(predicate: Predicate) -> bool:
    """Whether it compares with other columns."""
    return bool(predicate.value.columns or predicate.value.column or predicate.value.kind == "subquery")


def _serves(facts: Facts, index: Index, predicate: Predicate) -> bool:
    """Whether the index may serve it, or is on something within, so that another rule has its say."""
    keys = facts.index_keys(index)
    if not index.is_valid or not keys:
        return False
    if _is_path_call(predicate):
        return predicate.key in keys
    if _is_compared(predicate):
        is_guess = "$" in predicate.key and any(INSIDE.search(key) for key in keys)
        return index.method in ("btree", "hash") and (
            is_guess or (bool(INSIDE.search(keys[0])) and keys[0] in predicate.key)
        )
    classes = [key.operator_class for name, key in zip(keys, index.keys, strict=True) if name == predicate.key]
    is_enough = any(each in (None, "jsonb_ops") or predicate.operator not in KEYED for each in classes)
    return index.method == "gin" and is_enough


def _finding(query: Query, facts: Facts, predicates: list[Predicate]) -> Finding:
    first = predicates[0]
    found = facts.table(first.column.table if first.column else None)
    assert first.column is not None and found is not None
    seen, severity, number = whole_read(facts, query, first.column)
    spelled = "`, `".join(dict.fromkeys(" ".join(each.source.split()) for each in predicates))
    wanted = _wanted(first, found)
    remedy = create_index(facts, wanted, why=_why(facts, found, first)) if wanted else Remedy(text=ADVICE)
    return Finding(
        where=Where(statement=query.statement, table=first.column.table, column=first.column.column),
        message=f"no index of {found.label} serves `{first.operator}` on `{spelled}`: every document is searched",
        evidence=(
            *seen,
            Evidence(rung=Rung.INFERRED, text=f"no index on `{first.key}` that serves `{first.operator}`"),
        ),
        remedy=remedy,
        wrong_if="other conditions always leave few rows, or most rows match",
        severity=severity,
        node=number,
        cause=wanted.cause if wanted else None,
        spans=tuple(each.span for each in predicates if each.span),
    )


ADVICE = (
    "Compare `column ->> 'field'` and create a B-tree index on that, or a GIN index on the column and write `@>` or "
    "`@?` with `==`: it serves no function, and no range."
)


def _wanted(predicate: Predicate, found: Table) -> WantedIndex | None:
    """The index that serves it; None where a parameter or a setting stands in the expression."""
    wanted = index_for(predicate, found)
    key = predicate.key
    if wanted or "$" in key or not INDEXABLE.match(key) or predicate.column is None:
        return wanted
    name = predicate.column.column
    if _is_path_call(predicate) or (predicate.operator in PATHS and "==" not in predicate.value.text):
        return None
    if _is_compared(predicate):
        fields = re.findall(r"'\W*(\w+)\W*'", key)
        made = WantedKey(
            text=f"({key})", key=key, label=f"{name}_{fields[-1] if fields else 'expr'}".lower(), column=name
        )
        if predicate.operator == "LIKE":
            made = replace(made, operator_class="text_pattern_ops")
        return WantedIndex(table=found.qualified, keys=(made,), equalities=1)
    text = f"({key})" if predicate.is_wrapped else quoted(name)
    held = WantedKey(text=text, key=key, label=name, column=name,
                     operator_class=None if predicate.operator in KEYED else "jsonb_path_ops")  # fmt: skip
    return WantedIndex(table=found.qualified, keys=(held,), method="gin")


def _why(facts: Facts, found: Table, predicate: Predicate) -> str:
    """What else would do, where a GIN index is there already."""
    assert predicate.column is not None
    name = predicate.column.column
    there = [index.name for index in found.indexes
             if index.is_valid and index.method == "gin" and name in facts.index_keys(index)]  # fmt: skip
    if not there or predicate.operator not in ("=", "IN", "= ANY") or "->" not in predicate.key:
        return ""
    return f'Or write `{name} @> …`, which index {there[0]} serves; it tells the number 1 from the text "1".'
