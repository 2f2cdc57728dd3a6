"""Requests of an endpoint take more than the budget that was set for it.

## What it finds
An endpoint for which `pgadvisor.toml` sets a budget, and of whose requests more than one in twenty takes more queries
or more milliseconds of database time, or which reads more rows in the mean.

## Why it matters
The team has said what a request may take. What exceeds it was noticed here first, and not by the users.

## What to do
See the other findings about this endpoint and the waterfall of a slow request. When the budget is too tight, raise it:
it is written down in one place, and the change is seen.

## When to leave it
The log is of a time in which the application was warmed up, migrated or tested.

## Source
https://web.dev/articles/performance-budgets-101
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    EndpointBudget,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    SeenEndpoint,
    Severity,
    budgets_of,
    endpoint,
    endpoint_rule,
    ran,
)

ACCURACY = 1.01
"""Quantiles come from a sketch that is exact to 1 %."""

ONE = ran("SELECT id FROM orders WHERE id = $1", each=3, ms=9)
BAD = [
    Example(endpoint=endpoint("GET /orders", ONE), budgets=(EndpointBudget(pattern="GET /orders*", ms=20),)),
    Example(endpoint=endpoint("GET /orders", ONE), budgets=(EndpointBudget(pattern="*", queries=2, ms=20),)),
    Example(endpoint=endpoint("GET /orders", ONE, rows=9_900), budgets=(EndpointBudget(pattern="*", rows=50),)),
]
GOOD = [
    Example(
        note="Within the budget.",
        endpoint=endpoint("GET /orders", ONE, rows=900),
        budgets=(EndpointBudget(pattern="GET /orders", queries=3, ms=27, rows=10),),
    ),
    Example(
        note="The budget is another endpoint's.",
        endpoint=endpoint("GET /orders", ONE),
        budgets=(EndpointBudget(pattern="GET /cart*", ms=1),),
    ),
    Example(
        note="How many rows, the log does not tell.",
        endpoint=endpoint("GET /orders", ONE),
        budgets=(EndpointBudget(pattern="*", rows=1),),
    ),
]


@endpoint_rule(severity=Severity.ERROR, since="0.2")
def check(seen: SeenEndpoint, facts: Facts) -> Iterator[Finding]:
    for budget in budgets_of(seen.name, facts):
        exceeded = list(_exceeded(seen, budget))
        if exceeded:
            yield seen.finding(
                f"requests take {' and '.join(exceeded)}",
                (Evidence(rung=Rung.MEASURED, text=_spread(seen)),),
                Remedy(text=f'See what else is found about it and its slow request, or raise the budget of "'
                            f'{budget.pattern}" in pgadvisor.toml.'),
                severity=Severity.ERROR,
                wrong_if="the log is of an unusual time",
                about=budget.pattern,
            )  # fmt: skip


def _exceeded(seen: SeenEndpoint, budget: EndpointBudget) -> Iterator[str]:
    queries, ms = round(seen.seen.queries.p95), seen.seen.database_ms.p95
    if budget.queries is not None and queries > budget.queries:
        yield f"{queries:,} queries (p95; the budget is {budget.queries:,})"
    if budget.ms is not None and ms > budget.ms * ACCURACY:
        yield f"{ms:,.1f} ms of database time (p95; the budget is {budget.ms:,g})"
    rows = None if seen.seen.rows is None else seen.seen.rows / seen.requests
    if budget.rows is not None and rows is not None and rows > budget.rows:
        yield f"{rows:,.0f} rows (mean; the budget is {budget.rows:,})"


def _spread(seen: SeenEndpoint) -> str:
    queries, ms = seen.seen.queries, seen.seen.database_ms
    return (
        f"of {seen.requests:,} requests: {queries.median:,.0f} queries (median), {queries.p95:,.0f} (p95), "
        f"{queries.most:,.0f} at most; {ms.median:,.1f} ms (median), {ms.p95:,.1f} (p95), {ms.most:,.1f} at most"
    )
