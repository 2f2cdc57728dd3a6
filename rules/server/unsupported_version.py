"""The server's major version gets no fixes any more.

## What it finds
A major version whose last release is behind us at the time of the look; a major version is maintained for five years.

## Why it matters
Faults that lose data and holes in its security are found every quarter, and stay open in this version. Extensions and
drivers stop to support it as well.

## What to do
Upgrade to a version with years ahead of it: `pg_upgrade --link` takes minutes, logical replication seconds. Run ANALYZE
after it, as up to version 17 statistics do not come along.

## When to leave it
A provider maintains it for longer (extended support), and somebody pays for that.

## Source
https://www.postgresql.org/support/versioning/
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Where,
    server_rule,
)

LAST_RELEASES = {
    10: datetime(2022, 11, 10, tzinfo=UTC),
    11: datetime(2023, 11, 9, tzinfo=UTC),
    12: datetime(2024, 11, 21, tzinfo=UTC),
    13: datetime(2025, 11, 13, tzinfo=UTC),
    14: datetime(2026, 11, 12, tzinfo=UTC),
    15: datetime(2027, 11, 11, tzinfo=UTC),
    16: datetime(2028, 11, 9, tzinfo=UTC),
    17: datetime(2029, 11, 8, tzinfo=UTC),
    18: datetime(2030, 11, 14, tzinfo=UTC),
}

BAD = [Example(version_num=130_022)]
GOOD = [Example(note="It is maintained.", version_num=150_008), Example(note="A newer one.", version_num=190_000)]


@server_rule(severity=Severity.WARNING, since="0.2", needs=("server",))
def check(facts: Facts) -> Iterator[Finding]:
    server = facts.snapshot.server
    last = LAST_RELEASES.get(server.major) if server else None
    if server is None or last is None or facts.snapshot.collected_at <= last:
        return
    text = f"the last release of PostgreSQL {server.major} was due on {last:%Y-%m-%d}"
    yield Finding(
        where=Where(),
        message=f"the server is of PostgreSQL {server.major}, which gets no fixes any more",
        evidence=(Evidence(rung=Rung.INFERRED, text=text),),
        remedy=Remedy(text="Upgrade to a major version that is maintained, and run ANALYZE after it."),
        wrong_if="a provider maintains it for longer",
        severity=Severity.WARNING,
        cause="unsupported version",
    )
