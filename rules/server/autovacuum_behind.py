"""Dead rows pile up: autovacuum does not keep up, or is switched off.

## What it finds
Tables with three times as many dead rows as autovacuum waits for (`autovacuum_vacuum_threshold +
autovacuum_vacuum_scale_factor × rows`, by the table's own options or the server's), at least 10,000 and a fifth of its
rows, that nobody vacuumed within the last hour. Where autovacuum is off for the whole server, one time as many. Tables
that switch it off for themselves are told by `autovacuum-disabled`; where something old keeps VACUUM from removing
rows, `vacuum-held-back` tells that.

## Why it matters
Scans read dead rows like living ones, indexes keep their entries, and the pages are given to nobody: tables and indexes
grow, and stay large.

## What to do
Run VACUUM on these tables now. Switch autovacuum on, or let it work faster: raise `autovacuum_vacuum_cost_limit`, and
`autovacuum_max_workers` where all workers are busy.

## When to leave it
The rows died minutes ago, in one large change: autovacuum comes at its next round.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
"""

from collections.abc import Iterator
from datetime import timedelta

from pgadvisor.rule import (
    Activity,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    ReplicationSlot,
    Rung,
    Severity,
    Table,
    TableCounters,
    Where,
    counted,
    holders,
    listed,
    quoted_table,
    server_rule,
    table,
    vacuum_due_at,
)

TIMES = 3.0
LEAST_DEAD = 10_000
LEAST_SHARE = 0.2
RECENT = timedelta(hours=1)
TOLD = 3

DEAD = TableCounters(live_rows=1_000_000, dead_rows=900_000, rows_updated=5_000_000)
SOME = TableCounters(live_rows=1_000_000, dead_rows=260_000, rows_updated=5_000_000)
HELD = Activity(slots=(ReplicationSlot(name="old_copy", snapshot_age=70_000_000),))
BAD = [
    Example(
        tables=(table("orders", counters=DEAD),),
        settings={"autovacuum": "on"},
        more={"activity": Activity()},
        remedy="VACUUM (ANALYZE) public.orders;",
    ),
    Example(
        note="It is off for the server.",
        tables=(table("orders", counters=SOME),),
        settings={"autovacuum": "off"},
        more={"activity": Activity()},
        remedy="ALTER SYSTEM SET autovacuum = on;",
    ),
]
GOOD = [
    Example(note="It is due, and will come.", tables=(table("orders", counters=SOME),), settings={"autovacuum": "on"},
            more={"activity": Activity()}),
    Example(note="Off, but next to nothing changes.", tables=(table("orders"),), settings={"autovacuum": "off"},
            more={"activity": Activity()}),
    Example(note="The table switches it off itself.",
            tables=(table("orders", counters=DEAD, options=("autovacuum_enabled=false",)),),
            settings={"autovacuum": "on"}, more={"activity": Activity()}),
    Example(note="A slot keeps the rows.", tables=(table("orders", counters=DEAD),), settings={"autovacuum": "on"},
            more={"activity": HELD}),
]  # fmt: skip


@server_rule(severity=Severity.WARNING, since="0.2", needs=("activity", "catalog", "counters", "settings"))
def check(facts: Facts) -> Iterator[Finding]:
    is_off = facts.setting("autovacuum") == "off"
    found = sorted(
        (each for each in facts.tables if _is_behind(facts, each, 1.0 if is_off else TIMES)), key=lambda t: -_dead(t)
    )
    if not found or any(not each.is_of_catalogs for each in holders(facts)):
        return
    more = f" and {counted(len(found) - 1, 'other table')}" if len(found) > 1 else ""
    why = "autovacuum is switched off for the server" if is_off else "autovacuum is behind"
    yield Finding(
        where=Where(table=found[0].qualified if len(found) == 1 else None),
        message=f"{why}: {found[0].label}{more} {'have' if more else 'has'} "
        f"{sum(map(_dead, found)):,} dead rows that nobody cleans up",
        evidence=(*(_evidence(facts, each) for each in found[:TOLD]), *_workers(facts, is_off)),
        remedy=_remedy(found, is_off),
        wrong_if="the rows died minutes ago, in one large change",
        severity=Severity.WARNING,
        cause="autovacuum behind",
    )


def _dead(found: Table) -> int:
    return found.counters.dead_rows if found.counters else 0


def _is_behind(facts: Facts, found: Table, times: float) -> bool:
    counters = found.counters
    if counters is None or found.kind not in ("table", "materialized view") or facts.is_small(found.qualified):
        return False
    if any(option.lower().startswith("autovacuum_enabled=") for option in found.options):
        return False
    dead, vacuumed = counters.dead_rows, counters.last_vacuum_at
    is_fresh = vacuumed is not None and facts.snapshot.collected_at - vacuumed < RECENT
    share = dead / max(dead + counters.live_rows, 1)
    return dead >= LEAST_DEAD and share >= LEAST_SHARE and dead >= times * vacuum_due_at(facts, found) and not is_fresh


def _evidence(facts: Facts, found: Table) -> Evidence:
    vacuumed = found.counters.last_vacuum_at if found.counters else None
    last = f"last vacuumed {vacuumed:%Y-%m-%d %H:%M}" if vacuumed else "never vacuumed as far as is known"
    text = f"{found.label}: {_dead(found):,} dead rows, due from {vacuum_due_at(facts, found):,.0f} on, {last}"
    return Evidence(rung=Rung.MEASURED, text=text)


def _workers(facts: Facts, is_off: bool) -> Iterator[Evidence]:
    activity, most = facts.snapshot.activity, facts.setting("autovacuum_max_workers")
    if activity and most and not is_off:
        text = f"{activity.vacuum_workers} of at most {most} autovacuum workers at work"
        yield Evidence(rung=Rung.MEASURED, text=text)


def _remedy(found: list[Table], is_off: bool) -> Remedy:
    names = listed([each.label for each in found])
    vacuum = "\n".join(f"VACUUM (ANALYZE) {quoted_table(each)};" for each in found[:TOLD])
    lock = "SHARE UPDATE EXCLUSIVE on each table while it is vacuumed: reads and writes go on"
    cost = "reads the tables and their indexes"
    if is_off:
        return Remedy(
            text=f"Switch autovacuum on, and vacuum {names} now.",
            sql=f"ALTER SYSTEM SET autovacuum = on;\nSELECT pg_catalog.pg_reload_conf();\n{vacuum}",
            undo="ALTER SYSTEM RESET autovacuum;\nSELECT pg_catalog.pg_reload_conf();",
            lock=lock,
            cost=cost,
        )
    return Remedy(
        text=f"Vacuum {names} now, and let autovacuum work faster: a higher autovacuum_vacuum_cost_limit, and more "
        "autovacuum_max_workers where all of them are busy.",
        sql=vacuum,
        lock=lock,
        cost=cost,
    )
