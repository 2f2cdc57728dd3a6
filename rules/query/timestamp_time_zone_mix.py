"""A time with a zone is compared with one without: what it means depends on the session.

## What it finds
A column of type `timestamptz` compared with a column of type `timestamp`, in WHERE or ON.

## Why it matters
PostgreSQL reads the time without a zone in the time zone of the session. Two clients with different settings, or one
server moved to another default, get different rows, and hours around a change of clocks are off.

## What to do
Say which zone the times without one are in: `created_at AT TIME ZONE 'UTC'`. Better, store both as `timestamptz`.

## When to leave it
Every session has the same time zone, and it is the one that the times were written in.

## Source
https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_timestamp_.28without_time_zone.29
"""

from collections.abc import Iterator

from pgadvisor.rule import Evidence, Example, Facts, Finding, Query, Remedy, Rung, Severity, Where, query_rule, table

COMPARED = frozenset({"=", "<>", "<", "<=", ">", ">="})

ORDERS = table("orders", columns={"at": "timestamp with time zone", "sent_at": "timestamp with time zone"})
BILLS = table("bills", columns={"made_at": "timestamp without time zone", "day": "date"})
BAD = [
    Example(sql="SELECT 1 FROM orders o JOIN bills b ON b.made_at > o.at WHERE o.id = 5", tables=(ORDERS, BILLS)),
    Example(sql="SELECT 1 FROM orders o, bills b WHERE o.id = b.id AND o.at <= b.made_at", tables=(ORDERS, BILLS)),
]
GOOD = [
    Example(note="The zone is said.", tables=(ORDERS, BILLS),
            sql="SELECT 1 FROM orders o JOIN bills b ON b.made_at AT TIME ZONE 'UTC' > o.at WHERE o.id = 5"),
    Example(note="Both have one.", sql="SELECT 1 FROM orders WHERE sent_at > at", tables=(ORDERS,)),
    Example(note="Now, as the session sees it.", sql="SELECT 1 FROM bills WHERE made_at > now()", tables=(BILLS,)),
    Example(note="A day.", sql="SELECT 1 FROM orders o JOIN bills b ON b.day < o.at WHERE o.id = 5",
            tables=(ORDERS, BILLS)),
]  # fmt: skip


@query_rule(severity=Severity.INFO, since="0.2", aliases=("timestamp-tz-mix",))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    for predicate in query.predicates():
        sides = [each for each in (predicate.column, predicate.value.column) if each]
        found = [facts.column(each.table, each.column) for each in sides]
        zoned = [column.type.startswith("timestamp") and "with time zone" in column.type for column in found if column]
        bare = [column.type.startswith("timestamp") and "without" in column.type for column in found if column]
        is_asked = predicate.operator in COMPARED and not predicate.is_wrapped and predicate.place in ("where", "on")
        if not is_asked or sum(zoned) != 1 or sum(bare) != 1:
            continue
        without = sides[bare.index(True)]
        yield Finding(
            where=Where(statement=query.statement, table=without.table, column=without.column),
            message=f"`{without.column}` has no time zone and is compared with a time that has one",
            evidence=(Evidence(rung=Rung.INFERRED, text="it is read in the time zone that the session is set to"),),
            remedy=Remedy(text=f"Say its zone: `{without.column} AT TIME ZONE 'UTC'`, if that is what it is in."),
            wrong_if="all sessions have the time zone that the times were written in",
            severity=Severity.INFO,
            spans=(predicate.span,) if predicate.span else (),
        )
