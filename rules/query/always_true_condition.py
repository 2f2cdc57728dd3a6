"""A condition that is true for every row filters nothing.

## What it finds
`OR 1 = 1`; `a <> 'x' OR a <> 'y'`; a column compared with itself, `o.user_id = o.user_id`.

## Why it matters
The query reads and returns, or an UPDATE changes, rows that were meant to be left out. Of two inequalities on one
column at least one is always true: AND was meant. A column compared with itself is most often a join with the wrong
alias, which joins every row with every row.

## What to do
Write AND or NOT IN for two inequalities; correct the alias; take a left-over `OR 1 = 1` out, and see how it came there:
a value put into the text of a statement is how SQL injection looks.

## When to leave it
`x = x` that is meant to say `x IS NOT NULL`: say that. (`WHERE 1 = 1 AND …`, as programs put conditions together,
does no harm and is not told.)

## Source
https://www.postgresql.org/docs/current/functions-logical.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Arm,
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
    Where,
    disjunctions,
    query_rule,
    table,
)

ORDERS = table("orders", columns={"user_id": "bigint", "status": "text"})
USERS = table("users", columns={"name": "text"})
BAD = [
    Example(sql="SELECT id FROM orders WHERE user_id = 5 OR 1 = 1", tables=(ORDERS,)),
    Example(sql="SELECT id FROM orders WHERE user_id = 5 AND (status <> 'a' OR status <> 'b')", tables=(ORDERS,)),
    Example(sql="SELECT o.id FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = u.id AND o.id < 5",
            tables=(ORDERS, USERS)),
]  # fmt: skip
GOOD = [
    Example(note="As programs put conditions together.", sql="SELECT id FROM orders WHERE 1 = 1 AND user_id = 5",
            tables=(ORDERS,)),
    Example(note="Neither of both.", sql="SELECT id FROM orders WHERE status <> 'a' AND status <> 'b'",
            tables=(ORDERS,)),
    Example(note="Two columns.", sql="SELECT id FROM orders WHERE status <> 'a' OR user_id <> 5", tables=(ORDERS,)),
    Example(note="A join without a condition is another fault.",
            sql="SELECT o.id FROM users u JOIN orders o ON o.user_id = o.user_id WHERE u.name = $1",
            tables=(ORDERS, USERS)),
    Example(note="Two rows of one table.",
            sql="SELECT a.id FROM orders a JOIN orders b ON b.user_id = a.user_id WHERE a.id = 5", tables=(ORDERS,)),
    Example(note="The values may be equal.", sql="SELECT id FROM orders WHERE status <> $1 OR status <> $2",
            tables=(ORDERS,)),
    Example(note="NULL is not the same.", sql="SELECT id FROM orders WHERE status <> 'a' OR status IS NULL",
            tables=(ORDERS,)),
]  # fmt: skip


@query_rule(severity=Severity.WARNING, since="0.2", aliases=("always-true",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for scope in () if query.is_truncated else query.scopes:
        for each in scope.predicates:
            if each.place in ("where", "on") and each.is_conjunct and _is_itself(each) and _is_joined(facts, scope):
                name = each.column.column if each.column else ""
                yield _finding(query, (each,), f"`{each.source}` is compared with itself",
                               f"Correct the alias on one side, or write `{name} IS NOT NULL`.")  # fmt: skip
        for arms in disjunctions(scope):
            equal = next((arm for arm in arms if len(arm) == 1 and _is_equation(arm[0])), None)
            if equal:
                yield _finding(query, equal, "an arm of the OR is true for every row", "Take it out.")
            elif _excludes_in_turn(arms):
                key = arms[0][0].key
                tests = tuple(arm[0] for arm in arms)
                yield _finding(query, tests, f"one of the inequalities on `{key}` is always true",
                               f"Write AND, or `{key} NOT IN (…)`.")  # fmt: skip


def _is_joined(facts: Facts, scope: Scope) -> bool:
    """Whether no join is without a condition for it: that would be told as a cartesian join."""
    links = any(
        each.value.column and each.column and each.value.column.alias != each.column.alias for each in scope.predicates
    )
    return len(scope.tables) - len(facts.single_rows(scope)) < 2 or links


def _is_itself(predicate: Predicate) -> bool:
    is_equal = predicate.operator == "=" and not predicate.is_negated and not predicate.is_wrapped
    return is_equal and predicate.column is not None and predicate.value.column == predicate.column


def _is_equation(predicate: Predicate) -> bool:
    """`1 = 1`, `'a' = 'a'`."""
    left = predicate.key.strip("'")
    is_constant = predicate.value.kind == "constant" and not predicate.columns and "$" not in predicate.key
    is_plain = predicate.operator == "=" and not predicate.is_negated and not predicate.has_aggregate
    return is_constant and is_plain and left == predicate.value.text and predicate.value.type in ("integer", "string")


def _excludes_in_turn(arms: tuple[Arm, ...]) -> bool:
    """`a <> 1 OR a <> 2`."""
    if len(arms) < 2 or any(len(arm) != 1 for arm in arms):
        return False
    tests = [arm[0] for arm in arms]
    is_one = len({(each.column, each.key) for each in tests}) == 1 and tests[0].column is not None
    is_unequal = all((each.operator == "<>") != (each.operator == "=" and each.is_negated) for each in tests)
    is_told = all(each.value.kind == "constant" and not (each.is_negated and each.operator == "<>") for each in tests)
    return is_one and is_unequal and is_told and len({each.value.text.strip().lower() for each in tests}) > 1


def _finding(query: Query, tests: tuple[Predicate, ...], message: str, remedy: str) -> Finding:
    column = tests[0].column
    return Finding(
        where=Where(
            statement=query.statement,
            table=column.table if column else None,
            column=column.column if column else None,
        ),
        message=message,
        evidence=(Evidence(rung=Rung.INFERRED, text="it is true whatever the row holds, but for NULL"),),
        remedy=Remedy(text=remedy),
        wrong_if="only rows with a NULL are meant to be left out",
        severity=Severity.WARNING,
        spans=tuple(each.span for each in tests if each.span),
    )
