"""The planner is told of less memory for caching than the server has in its own buffers.

## What it finds
`effective_cache_size` below `shared_buffers`, in a database that is larger than `effective_cache_size`.

## Why it matters
By this setting the planner guesses how many pages of an index scan are in memory already. It counts the server's own
buffers and the system's cache together, so it cannot be less than the first alone. Too low, index scans look more
expensive than they are, and whole tables are read instead.

## What to do
Set it to what the machine has for caching: about three quarters of its memory where nothing else runs there.

## When to leave it
Several servers share the machine, and the setting was worked out.

## Source
https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-EFFECTIVE-CACHE-SIZE
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Server,
    Severity,
    Where,
    server_rule,
    size_text,
)

PAGE = 8192
FACTOR = 3
"""Three quarters of memory, where shared_buffers are a quarter."""

LARGE = Server(version_num=160_004, version="16.4", database="shop", size_bytes=90 * 1024**3)
SMALL = Server(version_num=160_004, version="16.4", database="shop", size_bytes=1024**3)
LOW = {"shared_buffers": "2097152", "effective_cache_size": "524288"}
BAD = [
    Example(settings=LOW, more={"server": LARGE}, remedy="ALTER SYSTEM SET effective_cache_size = '48GB';"),
]
GOOD = [
    Example(note="It is larger.", settings={**LOW, "effective_cache_size": "6291456"}, more={"server": LARGE}),
    Example(note="All of the database is in memory.", settings=LOW, more={"server": SMALL}),
]


@server_rule(severity=Severity.INFO, since="0.2", needs=("server", "settings"))
def check(facts: Facts) -> Iterator[Finding]:
    server = facts.snapshot.server
    own, told = (int(facts.setting(name) or 0) * PAGE for name in ("shared_buffers", "effective_cache_size"))
    if server is None or not told or told >= own or (server.size_bytes or 0) <= told:
        return
    gigabytes = max(own * FACTOR // 1024**3, 1)
    yield Finding(
        where=Where(),
        message=f"effective_cache_size is {size_text(told)}, less than shared_buffers alone ({size_text(own)})",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"the database has {size_text(server.size_bytes or 0)}"),),
        remedy=Remedy(
            text="Set it to about three quarters of the machine's memory: this takes shared_buffers for a quarter.",
            sql=f"ALTER SYSTEM SET effective_cache_size = '{gigabytes}GB';\nSELECT pg_catalog.pg_reload_conf();",
            undo=f"ALTER SYSTEM SET effective_cache_size = {told // PAGE};\nSELECT pg_catalog.pg_reload_conf();",
            lock="none",
            cost="no memory is taken by it; plans may change",
        ),
        wrong_if="several servers share the machine's memory",
        severity=Severity.INFO,
        cause="effective_cache_size",
    )
