"""Memory that the server allows a statement, and the temporary files that it wrote for lack of it."""

import re

from pgadvisor.facts import Facts, PlannedStatement

PAGE_KB = 8
UNITS_KB = {"B": 1 / 1024, "kB": 1.0, "MB": 1024.0, "GB": 1024.0**2, "TB": 1024.0**3}
"""`pg_settings` counts `work_mem` in kB, EXPLAIN (SETTINGS) names the unit."""


def memory_kb(facts: Facts, setting: str, planned: PlannedStatement | None = None) -> float | None:
    """A memory setting in kB: the one that the plan was made with, else the server's; None: not known."""
    own = dict(planned.plan.settings).get(setting) if planned else None
    value = own or facts.setting(setting)
    spelled = re.fullmatch(r"(\d+)\s*(B|kB|MB|GB|TB)?", value or "")
    return float(spelled[1]) * UNITS_KB[spelled[2] or "kB"] if spelled else None


def hash_memory_kb(facts: Facts, planned: PlannedStatement | None = None) -> float | None:
    """What one hash table may take: `work_mem` times `hash_mem_multiplier` (2.0 since PostgreSQL 15, 1.0 before)."""
    limit = memory_kb(facts, "work_mem", planned)
    if limit is None:
        return None
    server = facts.snapshot.server
    own = dict(planned.plan.settings).get("hash_mem_multiplier") if planned else None
    usual = "2" if server and server.major >= 15 else "1"
    return limit * float(own or facts.setting("hash_mem_multiplier") or usual)


def temp_kb_per_call(facts: Facts, statement: str | None) -> float | None:
    """Temporary files that one call of the statement wrote on average, by its counters; None: not counted."""
    found = facts.statement(statement)
    if found is None or found.temp_written_blocks is None or not found.calls:
        return None
    return found.temp_written_blocks * PAGE_KB / found.calls
