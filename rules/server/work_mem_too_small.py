"""Many statements sort and hash on disk, as `work_mem` has no room for what they do.

## What it finds
Five statements or more whose calls write a megabyte or more of temporary files each, by pg_stat_statements, together
1 GB a day or more and a tenth of all database time; or, without such counters, 10 GB of temporary files a day by
`pg_stat_database`. One or two such statements are told by `sort-spills`, `hash-spills` and others at their plans.

## Why it matters
A sort or a hash table that does not fit is written to disk and read again, often several times.

## What to do
`work_mem` is for each such step of each session: raised for the server, all of them may take it at once. So the product
`work_mem × max_connections` is what to look at: where it stays below half of `effective_cache_size` (what the server is
told it has of memory for caching) the server may be given the new value; else give it to the role or the transaction
that needs it. An index that gives rows in order needs no memory at all.

## When to leave it
The statements are nightly reports, and nobody waits for them.

## Source
https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-WORK-MEM
"""

from collections.abc import Iterator
from math import ceil

from pgadvisor.rule import (
    Activity,
    DatabaseCounters,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Statement,
    Where,
    counters_a_day,
    memory_kb,
    server_rule,
    size_text,
    temp_kb_per_call,
)

LEAST_STATEMENTS = 5
LEAST_KB_PER_CALL = 1024.0
LEAST_A_DAY, MUCH_A_DAY = 1024**3, 10 * 1024**3
LEAST_SHARE = 0.1
PAGE = 8192
IN_MEMORY = 2.0
"""A sort takes about twice the memory of the file that it writes."""
COVERED = 0.8
"""The new value is to be enough for so many of these statements."""
MOST_MB = 256
STEP_MB = 8

SETTINGS = {"work_mem": "4096", "max_connections": "100", "effective_cache_size": "1572864"}
TIGHT = {**SETTINGS, "max_connections": "2000", "effective_cache_size": "524288"}


def _spilling(number: int, pages: int) -> Statement:
    return Statement(key=str(number), text=f"SELECT {number}", fingerprint=str(number), calls=10_000, mean_ms=300.0,
                     total_ms=3e6, temp_written_blocks=pages)  # fmt: skip


MANY = tuple(_spilling(number, 20_000_000) for number in range(6))
FEW = tuple(_spilling(number, 20_000_000 if number < 2 else 0) for number in range(6))
BAD = [
    Example(settings=SETTINGS, more={"statements": MANY}, remedy="ALTER SYSTEM SET work_mem = '32MB';"),
    Example(note="No memory for all sessions at once.", settings=TIGHT, more={"statements": MANY},
            remedy="SET LOCAL work_mem = '32MB';"),
    Example(note="By the database's counters.", settings=SETTINGS,
            more={"activity": Activity(counters=DatabaseCounters(temp_bytes=10**12, temp_files=10_000))}),
]  # fmt: skip
GOOD = [
    Example(note="Two statements: their plans tell.", settings=SETTINGS, more={"statements": FEW}),
    Example(note="None spills.", settings=SETTINGS, more={"statements": tuple(_spilling(n, 0) for n in range(6))}),
    Example(note="A file now and then.", settings=SETTINGS,
            more={"activity": Activity(counters=DatabaseCounters(temp_bytes=10**9, temp_files=40))}),
]  # fmt: skip


@server_rule(severity=Severity.ERROR, since="0.2")
def check(facts: Facts) -> Iterator[Finding]:
    found = sorted(
        (each for each in facts.snapshot.statements if (temp_kb_per_call(facts, each.key) or 0.0) >= LEAST_KB_PER_CALL),
        key=lambda each: -(each.total_ms or 0.0),
    )
    days = facts.window_s / 86_400 if facts.window_s else None
    written = sum(each.temp_written_blocks or 0 for each in found) * PAGE / max(days, 1.0) if days else 0.0
    share = sum(facts.share(each.key) or 0.0 for each in found)
    if len(found) >= LEAST_STATEMENTS and written >= LEAST_A_DAY and share >= LEAST_SHARE:
        yield _of_statements(facts, found, written, share)
    elif all(each.temp_written_blocks is None for each in facts.snapshot.statements):
        yield from _of_database(facts)


def _of_statements(facts: Facts, found: list[Statement], written: float, share: float) -> Finding:
    sizes = sorted(temp_kb_per_call(facts, each.key) or 0.0 for each in found)
    needed = IN_MEMORY * sizes[min(int(COVERED * len(sizes)), len(sizes) - 1)]
    return Finding(
        where=Where(),
        message=f"{len(found):,} statements write {size_text(written)} of temporary files a day",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"pg_stat_statements: up to {size_text(sizes[-1] * 1024)} a call, "
                     f"{share:.0%} of all time is theirs"),
            *_limits(facts),
        ),
        remedy=_remedy(facts, needed),
        wrong_if="nobody waits for these statements",
        severity=Severity.WARNING if share < LEAST_SHARE * 3 else Severity.ERROR,
        cause="work_mem",
        statements=tuple(each.key for each in found),
    )  # fmt: skip


def _of_database(facts: Facts) -> Iterator[Finding]:
    activity = facts.snapshot.activity
    counters = activity.counters if activity else None
    day = counters_a_day(facts, counters.temp_bytes) if counters else None
    if counters is None or day is None or day < MUCH_A_DAY:
        return
    mean = counters.temp_bytes / max(counters.temp_files, 1)
    yield Finding(
        where=Where(),
        message=f"{size_text(day)} of temporary files are written a day",
        evidence=(
            Evidence(rung=Rung.MEASURED, text=f"pg_stat_database: {counters.temp_files:,} files of "
                     f"{size_text(mean)} on average"),
            *_limits(facts),
        ),
        remedy=Remedy(text="Have pg_stat_statements tell which statements write them, or set log_temp_files = 10MB."),
        wrong_if="index builds and nightly reports write them",
        severity=Severity.INFO,
        cause="work_mem",
    )  # fmt: skip


def _limits(facts: Facts) -> Iterator[Evidence]:
    limit, sessions = memory_kb(facts, "work_mem"), facts.setting("max_connections")
    if limit and sessions:
        text = f"work_mem is {size_text(limit * 1024)}, for each step of each of up to {sessions} sessions"
        yield Evidence(rung=Rung.INFERRED, text=text)


def _remedy(facts: Facts, needed_kb: float) -> Remedy:
    wanted = min(max(ceil(needed_kb / 1024 / STEP_MB) * STEP_MB, STEP_MB), MOST_MB)
    sessions = int(facts.setting("max_connections") or 100)
    now = memory_kb(facts, "work_mem") or 4096.0
    cache = float(facts.setting("effective_cache_size") or 0) * PAGE
    product = wanted * 1024**2 * sessions
    told = f"{wanted} MB × {sessions:,} connections is {size_text(product)}"
    if product <= cache / 2 and wanted * 1024 > now:
        return Remedy(
            text=f"Raise work_mem for the server: {told}, less than half of effective_cache_size.",
            sql=f"ALTER SYSTEM SET work_mem = '{wanted}MB';\nSELECT pg_catalog.pg_reload_conf();",
            undo=f"ALTER SYSTEM SET work_mem = '{now:.0f}kB';\nSELECT pg_catalog.pg_reload_conf();",
            lock="none; new statements take it",
            cost=f"up to {size_text(product)} of memory where every session sorts at once",
        )
    return Remedy(
        text=f"Do not raise it for the server: {told}. Give it to the transactions, or to the role, of these "
        "statements, or let fewer sessions in by a pooler.",
        sql=f"SET LOCAL work_mem = '{wanted}MB';",
        undo="RESET work_mem;",
        lock="none",
        cost=f"up to {wanted:,} MB of memory for each step that runs at the same time",
    )
