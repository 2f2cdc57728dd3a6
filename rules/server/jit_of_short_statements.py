"""Compiling just in time takes a noticeable part of what short statements take.

## What it finds
Statements of less than a second a call that were not planned here, whose JIT compilation takes a fifth of their time or
more by pg_stat_statements (PostgreSQL 15 and later): three or more of them, and together a twentieth of all database
time is spent on compiling. Statements with a plan are told by `jit-overhead`.

## Why it matters
JIT pays for statements that compute for many seconds. `jit_above_cost` (100,000) is a cost, not a time: plans over many
partitions, or with a wrong estimate, are compiled for longer than they run.

## What to do
Switch `jit` off for the database, as most databases of applications do, and on for the role of the reports.

## When to leave it
Long reports are most of the load, and they gain more than this loses.

## Source
https://www.postgresql.org/docs/current/jit-decision.html
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
    quoted,
    server_rule,
)

SHORT_MS = 1_000.0
LEAST_OF_ONE = 0.2
LEAST_OF_ALL, MUCH_OF_ALL = 0.05, 0.1
LEAST_STATEMENTS = 3


def _statement(number: int, jit_ms: float, mean_ms: float = 120.0) -> Statement:
    return Statement(key=str(number), text=f"SELECT {number}", fingerprint=str(number), calls=10_000, mean_ms=mean_ms,
                     total_ms=10_000 * mean_ms, jit_ms=jit_ms)  # fmt: skip


COMPILED = tuple(_statement(number, 500_000) for number in range(4))
SELDOM = tuple(_statement(number, 9_000) for number in range(4))
REPORTS = tuple(_statement(number, 9e6, 4_000) for number in range(4))
BAD = [
    Example(settings={"jit": "on"}, more={"statements": COMPILED}, remedy="ALTER DATABASE example SET jit = off;"),
]
GOOD = [
    Example(note="It takes next to nothing.", settings={"jit": "on"}, more={"statements": SELDOM}),
    Example(note="Reports of many seconds.", settings={"jit": "on"}, more={"statements": REPORTS}),
    Example(note="It has been switched off since.", settings={"jit": "off"}, more={"statements": COMPILED}),
]


@server_rule(severity=Severity.ERROR, since="0.2", needs=("statements", "settings"))
def check(facts: Facts) -> Iterator[Finding]:
    server = facts.snapshot.server
    found = sorted((each for each in facts.snapshot.statements if _is_wasteful(facts, each)), key=lambda s: -_jit(s))
    spent = sum(map(_jit, found))
    if server is None or facts.setting("jit") != "on" or len(found) < LEAST_STATEMENTS or not facts.total_ms:
        return
    share = spent / facts.total_ms
    if share < LEAST_OF_ALL:
        return
    name = f"ALTER DATABASE {quoted(server.database)}"
    day = None if facts.window_s is None else spent * 86_400 / facts.window_s
    text = f"pg_stat_statements: {spent / sum(each.total_ms or 0.0 for each in found):.0%} of their time is JIT"
    yield Finding(
        where=Where(),
        message=f"JIT compilation of {len(found):,} short statements takes {share:.0%} of all time",
        evidence=(Evidence(rung=Rung.MEASURED, text=text),),
        remedy=Remedy(
            text="Switch jit off for the database, and on for the role of long reports.",
            sql=f"{name} SET jit = off;",
            undo=f"{name} RESET jit;",
            lock="none; new sessions take it",
            cost="statements that compute for many seconds take longer",
        ),
        wrong_if="long reports gain more by it than these lose",
        severity=Severity.ERROR if share >= MUCH_OF_ALL and (day or 0.0) >= 60_000 else Severity.WARNING,
        gain_ms_per_day=day,
        cause="jit",
        statements=tuple(each.key for each in found),
    )


def _jit(statement: Statement) -> float:
    return statement.jit_ms or 0.0


def _is_wasteful(facts: Facts, each: Statement) -> bool:
    if facts.plan(each.key) is not None or not each.total_ms or (each.mean_ms or 0.0) >= SHORT_MS:
        return False
    return _jit(each) >= LEAST_OF_ONE * each.total_ms
