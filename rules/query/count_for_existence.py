"""A count of rows that is only compared with zero reads all of them where one would do.

## What it finds
`(SELECT count(*) …) > 0`, `= 0`, `>= 1` and their like in a condition or a select list, also where the count stands in
a derived table or CTE and nothing else is done with it; `SELECT count(*) > 0 …`; and a LEFT JOIN whose groups are kept
when nothing was counted in them.

## Why it matters
count() must find every matching row before it can answer. EXISTS stops at the first one, and in a WHERE clause it
becomes a semi-join or an anti-join, which PostgreSQL can order and hash; a count runs again for every outer row.

## What to do
Write EXISTS (SELECT 1 …), or NOT EXISTS for "none".

## When to leave it
The count itself is needed as well, or it is compared with more than "none" and "some".

## Source
https://www.postgresql.org/docs/current/functions-subquery.html#FUNCTIONS-SUBQUERY-EXISTS
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Output,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Where,
    query_rule,
    quoted,
    table,
)

SOME = frozenset({(">", "0"), (">=", "1"), ("<>", "0"), ("!=", "0")})
NONE = frozenset({("=", "0"), ("<", "1"), ("<=", "0")})
FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
COUNT = re.compile(r"count\s*\(\s*(\*|1|(?:distinct\s+)?[\w.\"]+)\s*\)", re.I)
INLINE = re.compile(rf"{COUNT.pattern}\s*(>=|<=|<>|!=|>|<|=)\s*([01])(?![\d.])", re.I)

USERS = table("users", columns={"name": "text"})
ORDERS = table("orders", columns={"status": "text"}, indexes={"orders_user_id_idx": "user_id"})
BAD = [
    Example(
        sql="SELECT u.id FROM users u WHERE (SELECT count(*) FROM orders o WHERE o.user_id = u.id) > 0",
        tables=(USERS, ORDERS),
        remedy="SELECT u.id FROM users u WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)",
    ),
    Example(
        sql="SELECT u.id FROM users u WHERE 0 = (SELECT count(*) FROM orders o WHERE o.user_id = u.id)",
        tables=(USERS, ORDERS),
        remedy="WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)",
    ),
    Example(
        sql="SELECT u.id FROM users u WHERE (SELECT count(*)FROM orders o WHERE o.user_id=u.id)>0",
        tables=(USERS, ORDERS),
        remedy="WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id=u.id)",
    ),
    Example(
        sql="SELECT u.id FROM users u WHERE NOT (SELECT count(*) FROM orders o WHERE o.user_id = u.id) = 0",
        tables=(USERS, ORDERS),
    ),
    Example(
        sql="SELECT u.id FROM users u WHERE (SELECT count(o.id) FROM orders o WHERE o.user_id = u.id) >= 1",
        tables=(USERS, ORDERS),
    ),
    Example(
        sql="SELECT count(*) > 0 AS has_open FROM orders WHERE status = 'open'",
        tables=(ORDERS,),
        remedy="SELECT EXISTS (SELECT 1 FROM orders WHERE status = 'open') AS has_open",
    ),
    Example(
        sql='SELECT count(*) = 0 AS "None Open" FROM orders WHERE id > 5; -- none?',
        tables=(ORDERS,),
        remedy='SELECT NOT EXISTS (SELECT 1 FROM orders WHERE id > 5) AS "None Open"',
    ),
    Example(
        sql="SELECT CASE WHEN count(*) > 0 THEN 'yes' ELSE 'no' END FROM orders WHERE user_id = $1", tables=(ORDERS,)
    ),
    Example(
        sql="SELECT u.name, (SELECT count(*) FROM orders o WHERE o.user_id = u.id) <> 0 AS buys FROM users u",
        tables=(USERS, ORDERS),
        remedy="SELECT u.name, EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id) AS buys FROM users u",
    ),
    Example(sql="SELECT 1 FROM orders WHERE user_id = $1 HAVING count(*) > 0", tables=(ORDERS,)),
    Example(
        sql="SELECT u.id FROM users u, LATERAL (SELECT count(*) AS n FROM orders o WHERE o.user_id = u.id) c "
        "WHERE c.n > 0",
        tables=(USERS, ORDERS),
    ),
    Example(
        sql="WITH c AS (SELECT count(*) AS n FROM orders WHERE user_id = $1) SELECT n > 0 AS buys FROM c",
        tables=(ORDERS,),
    ),
    Example(
        sql="SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id HAVING count(o.id) = 0",
        tables=(USERS, ORDERS),
    ),
]
GOOD = [
    Example(
        note="EXISTS is what it should be.",
        sql="SELECT u.id FROM users u WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="More than one: EXISTS cannot say that.",
        sql="SELECT u.id FROM users u WHERE (SELECT count(*) FROM orders o WHERE o.user_id = u.id) > 1",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="Exactly one.",
        sql="SELECT u.id FROM users u WHERE (SELECT count(*) FROM orders o WHERE o.user_id = u.id) = 1",
        tables=(USERS, ORDERS),
    ),
    Example(note="The number is wanted.", sql="SELECT count(*) FROM orders WHERE user_id = $1", tables=(ORDERS,)),
    Example(
        note="Groups are compared, not existence.",
        sql="SELECT user_id, count(*) > 0 FROM orders GROUP BY user_id HAVING count(*) > 0",
        tables=(ORDERS,),
    ),
    Example(
        note="The number is shown as well.",
        sql="SELECT u.id, c.n FROM users u, LATERAL (SELECT count(*) AS n FROM orders o WHERE o.user_id = u.id) c "
        "WHERE c.n > 0",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="The count guards another aggregate.",
        sql="SELECT CASE WHEN count(*) = 0 THEN 0 ELSE sum(id) END FROM orders WHERE user_id = $1",
        tables=(ORDERS,),
    ),
    Example(
        note="Some have been counted in each group: an inner join would not do where sums are shown.",
        sql="SELECT u.id, sum(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id "
        "HAVING count(o.id) > 0",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="The count is shown, for whatever reason.",
        sql="SELECT u.id, count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id "
        "HAVING count(o.id) = 0",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="At most one row is counted.",
        sql="SELECT u.id FROM users u WHERE (SELECT count(*) FROM (SELECT 1 FROM orders o WHERE o.user_id = u.id "
        "LIMIT 1) x) > 0",
        tables=(USERS, ORDERS),
    ),
    Example(
        note="The sum is needed, and an unfiltered count beside it.",
        sql="SELECT count(*) > 0, sum(id) FROM orders WHERE user_id = $1",
        tables=(ORDERS,),
    ),
    Example(
        note="The sum reads all rows anyway; the condition leaves out an empty answer.",
        sql="SELECT sum(id) FROM orders WHERE user_id = $1 HAVING count(*) > 0",
        tables=(ORDERS,),
    ),
    Example(
        note="A filtered count is a part of a report.",
        sql="SELECT count(*) FILTER (WHERE status = 'open') > 0, count(*) FROM orders",
        tables=(ORDERS,),
    ),
]


@query_rule(severity=Severity.ERROR, since="0.1")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in query.scopes:
        found = _compared(query, scope) or _inline(query, scope) or _outside(query, scope) or _emptied(scope)
        is_system = any(facts.is_system(use.table) for use in scope.tables)
        if found and not is_system and not _is_bounded(query, scope):
            yield _finding(query, facts, scope, *found)


def _compared(query: Query, scope: Scope) -> tuple[str, Remedy] | None:
    """A counting subquery that is compared with zero: the comparison, and the query with EXISTS."""
    comparison = scope.comparison
    if comparison is None or comparison.value is None or len(scope.outputs) != 1 or not _is_lone(scope):
        return None
    pair = (comparison.operator, comparison.value.text)
    output = scope.outputs[0]
    if pair not in SOME | NONE or not COUNT.fullmatch(output.text.strip()):
        return None
    verb = "EXISTS" if pair in SOME else "NOT EXISTS"
    inner = _probe(query, scope, output) if _is_as_written(query, scope) else None
    sql = query.spliced((comparison.span, f"{verb} ({inner})")) if comparison.span and inner else None
    return f"{output.text} {' '.join(pair)}", Remedy(text=f"Write {verb}, which stops at the first row.", sql=sql)


def _is_as_written(query: Query, scope: Scope) -> bool:
    """Whether the comparison in the text is the one meant: below a NOT it is its opposite."""
    comparison = scope.comparison
    text, inner = query.cut(comparison.span if comparison else None), query.cut(scope.span)
    before, found, after = text.partition(inner)
    written = re.search(r"<=|>=|<>|!=|<|>|=", after) or re.search(r"<=|>=|<>|!=|<|>|=", before)
    if not found or not written or comparison is None:
        return False
    sign = "<>" if written[0] == "!=" else written[0]
    return comparison.operator == (FLIPPED.get(sign, sign) if written.string is before else sign)


def _inline(query: Query, scope: Scope) -> tuple[str, Remedy] | None:
    """A count compared with zero in the select list or HAVING of the scope that counts."""
    if not _is_lone(scope) or sum(output.has_aggregate for output in scope.outputs) > 1:
        return None
    for output in scope.outputs:
        match = INLINE.search(output.text)
        if match and (match[2], match[3]) in SOME | NONE and not _is_guard(output, match[0]):
            return match[0], Remedy(text="Ask with EXISTS, which stops at the first row.",
                                    sql=_asked(query, scope, output, match))  # fmt: skip
    sums = any(output.has_aggregate for output in scope.outputs)
    for predicate in scope.predicates:
        pair = (predicate.operator, predicate.value.text)
        if (
            not sums
            and predicate.place == "having"
            and pair in SOME | NONE
            and COUNT.fullmatch(predicate.source.strip())
        ):
            return f"{predicate.source} {' '.join(pair)}", Remedy(text="Ask with EXISTS, which stops at the first row.")
    return None


def _is_guard(output: Output, comparison: str) -> bool:
    """Whether the output counts or sums more beside the comparison, which then keeps it from a division by zero."""
    rest = output.text.replace(comparison, "", 1)
    named = any(re.search(rf"\b{re.escape(column.column)}\b", rest) for column in output.columns)
    return named or COUNT.search(rest) is not None


def _outside(query: Query, scope: Scope) -> tuple[str, Remedy] | None:
    """A count in a derived table or CTE that is named once outside, where it is compared with zero."""
    if scope.place not in ("from", "cte") or len(scope.outputs) != 1 or not _is_lone(scope) or not scope.span:
        return None
    output, users = (
        scope.outputs[0],
        [each for each in query.scopes for use in each.tables if use.inner == scope.number],
    )
    if output.alias is None or not COUNT.fullmatch(output.text.strip()) or len(users) != 1:
        return None
    rest = query.text[: scope.span.start] + query.text[scope.span.end :]
    is_named_once = len(re.findall(rf"\b{re.escape(output.alias)}\b", rest)) == 1
    if not is_named_once or any(each.is_star for each in users[0].outputs):
        return None
    for predicate in users[0].predicates:
        pair = (predicate.operator, predicate.value.text)
        is_it = predicate.column is not None and predicate.column.column == output.alias and not predicate.is_wrapped
        if is_it and pair in SOME | NONE:
            text = f"Ask with EXISTS where `{predicate.source}` is compared; it stops at the first row."
            return f"{output.text} {' '.join(pair)}", Remedy(text=text)
    return None


def _emptied(scope: Scope) -> tuple[str, Remedy] | None:
    """`LEFT JOIN … GROUP BY … HAVING count(x) = 0`: an anti-join that joins and counts all rows first."""
    outer = {use.alias for use in scope.tables if use.join == "left"}
    is_shown = any(output.has_aggregate for output in scope.outputs)
    for predicate in scope.predicates:
        pair = (predicate.operator, predicate.value.text)
        is_kept = predicate.place == "having" and predicate.is_conjunct and not predicate.is_negated
        is_counted = predicate.column is not None and predicate.column.alias in outer
        if (
            is_kept
            and is_counted
            and not is_shown
            and scope.group_keys
            and pair in NONE
            and COUNT.fullmatch(predicate.source.strip())
        ):
            text = "Write NOT EXISTS instead of the join: it becomes an anti-join, and nothing is grouped."
            return f"{predicate.source} {' '.join(pair)}", Remedy(text=text)
    return None


def _is_lone(scope: Scope) -> bool:
    """Whether the scope counts all its rows into one number."""
    return not (scope.group_keys or scope.has_grouping_sets or scope.set_operation or scope.has_window or scope.write)


def _is_bounded(query: Query, scope: Scope) -> bool:
    """Whether what is counted is cut short already: `SELECT count(*) FROM (SELECT … LIMIT 1)`."""
    inner = {use.inner for use in scope.tables} - {None}
    return not scope.tables or any(each.number in inner and each.limit is not None for each in query.scopes)


def _probe(query: Query, scope: Scope, output: Output) -> str | None:
    """The subquery with 1 instead of its count; None where that would ask something else."""
    counts_rows = output.is_count_star
    if not counts_rows or scope.limit or scope.offset or scope.sort_keys or not scope.span or not output.span:
        return None
    text = query.cut(scope.span)
    start, end = output.span.start - scope.span.start, output.span.end - scope.span.start
    blank = " " if re.match(r"\w", text[end:]) else ""
    return text[:start] + "1" + blank + text[end:]


def _asked(query: Query, scope: Scope, output: Output, match: re.Match[str]) -> str | None:
    """`SELECT count(*) > 0 FROM …` as `SELECT EXISTS (SELECT 1 FROM …)`."""
    is_whole = match[0] == output.text.strip() and match[1] in ("*", "1") and len(scope.outputs) == 1
    is_plain = scope.number == 0 and len(query.scopes) == 1 and not (scope.limit or scope.offset or scope.sort_keys)
    if not (is_whole and is_plain and output.span):
        return None
    verb = "EXISTS" if (match[2], match[3]) in SOME else "NOT EXISTS"
    start, end = (scope.span.start, scope.span.end) if scope.span else (0, len(query.text))
    after = query.text[output.span.end : end]
    renamed = re.match(r'\s+(?:as\s+)?(?:\w+|"[^"]+")(?=\s+from\b)', after, re.I) if output.alias else None
    inner = query.text[start : output.span.start] + "1" + after[renamed.end() if renamed else 0 :]
    return f"SELECT {verb} ({inner})" + (f" AS {quoted(output.alias)}" if output.alias else "")


def _finding(query: Query, facts: Facts, scope: Scope, spelled: str, remedy: Remedy) -> Finding:
    span = (scope.comparison.span if scope.comparison else None) or scope.span
    repeats = bool(scope.correlated)
    why = "the count runs for every outer row" if repeats else "every matching row is counted to tell none from some"
    use = next((each for each in scope.tables if re.search(rf"\b{re.escape(each.alias)}\.", spelled)), scope.tables[0])
    return Finding(
        where=Where(statement=query.statement, table=use.table),
        message=f"`{spelled}` counts all rows of {_label(facts, use.table) or use.alias} to see whether there is one",
        evidence=(Evidence(rung=Rung.INFERRED, text=why),),
        remedy=remedy,
        wrong_if="at most a few rows ever match",
        severity=facts.severity(query.statement) if repeats and _is_heavy(facts, scope) else Severity.INFO,
        spans=(span,) if span else (),
    )


def _label(facts: Facts, name: str | None) -> str | None:
    found = facts.table(name)
    return found.label if found else name


def _is_heavy(facts: Facts, scope: Scope) -> bool:
    return any(facts.table(use.table) and not facts.is_small(use.table) for use in scope.tables)
