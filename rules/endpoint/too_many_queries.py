"""A request sends very many different queries.

## What it finds
Half of the requests of an endpoint send fifty queries or more that are no repetitions of each other: loops are told by
n-plus-one, and equal questions by duplicate-query.

## Why it matters
Each query is a trip to the server and back, whatever it costs there. A page of fifty different queries is slow over any
network, and nobody knows any more which of them it needs.

## What to do
Look at the request from the first query to the last: what of it is for this page, what is asked on each page and could
be kept, what could be one query.

## When to leave it
A job or a report that does many things in one go.

## Source
https://docs.djangoproject.com/en/stable/topics/db/optimization/#retrieve-everything-at-once-if-you-know-you-will-need-it
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    SeenEndpoint,
    Severity,
    endpoint,
    endpoint_rule,
    ran,
)

MANY = 50
LEAST_REQUESTS = 2

ONE = ran("SELECT id FROM orders WHERE id = $1")
BAD = [Example(endpoint=endpoint("GET /dashboard", ONE, other_queries=70))]
GOOD = [
    Example(note="A dozen.", endpoint=endpoint("GET /dashboard", ONE, other_queries=11)),
    Example(
        note="Most of them are one query in a loop, which n-plus-one tells.",
        endpoint=endpoint("GET /dashboard", ran("SELECT id FROM orders WHERE id = $1", each=90)),
    ),
]


@endpoint_rule(severity=Severity.WARNING, since="0.2")
def check(seen: SeenEndpoint, facts: Facts) -> Iterator[Finding]:
    queries = seen.seen.queries
    repeated = sum(each.repeated_runs for each in seen.statements) / seen.requests
    if seen.requests < LEAST_REQUESTS or queries.median - repeated < MANY:
        return
    text = f"{queries.median:,.0f} queries in half of {seen.requests:,} requests, {queries.most:,.0f} at most"
    yield seen.finding(
        f"half of the requests send {queries.median:,.0f} queries or more, and few of them are repetitions",
        (Evidence(rung=Rung.MEASURED, text=text),),
        Remedy(text="Read one request from its first query to its last: keep what every page asks, join what belongs "
                    "together, and leave out what the page does not show."),
        severity=Severity.WARNING,
        wrong_if="it is a job that does many things in one go",
    )  # fmt: skip
