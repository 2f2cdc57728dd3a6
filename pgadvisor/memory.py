"""Memory that the server allows a statement, and the temporary files that it wrote for lack of it."""

import re
from math import ceil

from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.model.finding import Remedy

PAGE_KB = 8
UNITS_KB = {"B": 1 / 1024, "kB": 1.0, "MB": 1024.0, "GB": 1024.0**2, "TB": 1024.0**3}
"""`pg_settings` counts `work_mem` in kB, EXPLAIN (SETTINGS) names the unit."""

LEAST_MB, MOST_MB = 4, 2_048
"""PostgreSQL's own default, and what is too much for one step of one statement, whoever runs it."""


def memory_kb(facts: Facts, setting: str, planned: PlannedStatement | None = None) -> float | None:
    """A memory setting in kB: the one that the plan was made with, else the server's; None: not known."""
    own = dict(planned.plan.settings).get(setting) if planned else None
    value = own or facts.setting(setting)
    spelled = re.fullmatch(r"(\d+)\s*(B|kB|MB|GB|TB)?", value or "")
    return float(spelled[1]) * UNITS_KB[spelled[2] or "kB"] if spelled else None


def hash_memory_kb(facts: Facts, planned: PlannedStatement | None = None) -> float | None:
    """What one hash table may take: `work_mem` times `hash_mem_multiplier` (2.0 since PostgreSQL 15, 1.0 before).

    None: not known, also where a plan that was pasted does not tell the version that it is of.
    """
    limit, server = memory_kb(facts, "work_mem", planned), facts.snapshot.server
    own = dict(planned.plan.settings).get("hash_mem_multiplier") if planned else None
    told = own or facts.setting("hash_mem_multiplier")
    if limit is None or (told is None and server is None):
        return None
    usual = "2" if server and server.major >= 15 else "1"
    return limit * float(told or usual)


def temp_kb_per_call(facts: Facts, statement: str | None) -> float | None:
    """Temporary files that one call of the statement wrote on average, by its counters; None: not counted."""
    found = facts.statement(statement)
    if found is None or found.temp_written_blocks is None or not found.calls:
        return None
    return found.temp_written_blocks * PAGE_KB / found.calls


def more_work_mem(facts: Facts, needed_kb: float, *, instead: str, factor: float = 1.0) -> Remedy:
    """What gives one statement the memory that a step of it lacked, or `instead` alone where that is too much.

    `factor`: how many times work_mem the step may take (`hash_mem_multiplier`).
    """
    megabytes = max(ceil(needed_kb / factor / 1024), LEAST_MB)
    if megabytes > MOST_MB:
        return Remedy(text=f"{instead} It would need {megabytes / 1024:,.0f} GB of work_mem: memory is no cure here.")
    sessions = facts.setting("max_connections")
    most = f"each of up to {sessions} sessions could take as much" if sessions else "each session could take as much"
    return Remedy(
        text=f"{instead} Else raise work_mem for this statement alone, in its transaction; not for the server: {most}, "
        "for each such step.",
        sql=f"SET LOCAL work_mem = '{megabytes}MB';",
        undo="RESET work_mem;",
        lock="none",
        cost=f"up to {megabytes * factor:,.0f} MB of memory for each such step that runs at the same time",
    )
