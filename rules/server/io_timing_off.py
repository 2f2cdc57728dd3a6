"""Much is read from disk, and how long that takes is not measured.

## What it finds
`track_io_timing` is off, while the statements read 10 GB a day or more from outside the server's buffers, and a
twentieth of all pages that they need.

## Why it matters
Whether a statement is slow for its computing or for its reading cannot be told: not by pg_stat_statements, not by
EXPLAIN (ANALYZE, BUFFERS), not by this report.

## What to do
Switch it on. It costs two looks at the clock for each page read, which a present machine does in nanoseconds;
`pg_test_timing` tells.

## When to leave it
A machine whose clock is slow.

## Source
https://www.postgresql.org/docs/current/runtime-config-statistics.html#GUC-TRACK-IO-TIMING
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Statement,
    Where,
    server_rule,
    size_text,
)

PAGE = 8192
LEAST_A_DAY = 10 * 1024**3
LEAST_SHARE = 0.05

READS = Statement(key="1", text="SELECT 1", fingerprint="1", calls=9, total_ms=9e6, shared_hit_blocks=10**8,
                  shared_read_blocks=10**8)  # fmt: skip
CACHED = Statement(key="1", text="SELECT 1", fingerprint="1", calls=9, total_ms=9e6, shared_hit_blocks=10**8,
                   shared_read_blocks=10**4)  # fmt: skip
OFF = {"track_io_timing": "off"}
BAD = [Example(settings=OFF, more={"statements": (READS,)}, remedy="ALTER SYSTEM SET track_io_timing = on;")]
GOOD = [
    Example(note="All is in memory.", settings=OFF, more={"statements": (CACHED,)}),
    Example(note="It is on.", settings={"track_io_timing": "on"}, more={"statements": (READS,)}),
]


@server_rule(severity=Severity.INFO, since="0.2", needs=("statements", "settings"))
def check(facts: Facts) -> Iterator[Finding]:
    if facts.setting("track_io_timing") != "off" or facts.window_s is None:
        return
    read = sum(each.shared_read_blocks or 0 for each in facts.snapshot.statements)
    hit = sum(each.shared_hit_blocks or 0 for each in facts.snapshot.statements)
    day = read * PAGE / max(facts.window_s / 86_400, 1.0)
    if day < LEAST_A_DAY or read < LEAST_SHARE * (read + hit):
        return
    yield Finding(
        where=Where(),
        message=f"the time of reading is not measured, though {size_text(day)} a day are read",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"{read / (read + hit):.0%} of all pages were not in shared_buffers"),
            Evidence(rung=Rung.INFERRED, text="track_io_timing is off"),
        ),
        remedy=Remedy(
            text="Switch track_io_timing on.",
            sql="ALTER SYSTEM SET track_io_timing = on;\nSELECT pg_catalog.pg_reload_conf();",
            undo="ALTER SYSTEM SET track_io_timing = off;\nSELECT pg_catalog.pg_reload_conf();",
            lock="none",
            cost="two looks at the clock for each page that is read: pg_test_timing tells how long they take",
        ),
        wrong_if="the machine's clock is slow to read",
        severity=Severity.INFO,
        cause="track_io_timing",
    )
