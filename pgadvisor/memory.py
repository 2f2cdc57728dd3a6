"""Memory that the server allows a statement, and the temporary files that it wrote for lack of it."""

from pgadvisor.facts import Facts

PAGE_KB = 8


def memory_kb(facts: Facts, setting: str) -> float | None:
    """A memory setting in kB (`pg_settings` counts `work_mem` and its like in kB); None: not known."""
    value = facts.setting(setting)
    return float(value) if value and value.isdigit() else None


def hash_memory_kb(facts: Facts) -> float | None:
    """What one hash table may take: `work_mem` times `hash_mem_multiplier` (2.0 since PostgreSQL 15, 1.0 before)."""
    limit = memory_kb(facts, "work_mem")
    if limit is None:
        return None
    server = facts.snapshot.server
    factor = facts.setting("hash_mem_multiplier") or ("2" if server and server.major >= 15 else "1")
    return limit * float(factor)


def temp_kb_per_call(facts: Facts, statement: str | None) -> float | None:
    """Temporary files that one call of the statement wrote on average, by its counters; None: not counted."""
    found = facts.statement(statement)
    if found is None or found.temp_written_blocks is None or not found.calls:
        return None
    return found.temp_written_blocks * PAGE_KB / found.calls
