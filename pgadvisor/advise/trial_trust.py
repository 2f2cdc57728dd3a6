"""How far a trial can be trusted: tables that nothing is known of, and indexes that PostgreSQL makes on no server."""

import re
from collections.abc import Sequence, Set

from pgadvisor.model.catalog import Table
from pgadvisor.model.plan import Plan

_FAULTS = (
    r"functions in index (?:expression|predicate) must be marked IMMUTABLE",
    r"access method \"\w+\" does not support [\w /]+",
    r"cannot use more than \d+ columns in an index",
    r"(?:aggregate|window|set-returning) functions are not allowed in index (?:expressions|predicates)",
    r"cannot use subquery in index (?:expression|predicate)",
    r"included columns do not support [\w /]+",
    r"expressions are not supported in included columns",
    r"unique constraint on partitioned table must include all partitioning columns",
)
"""Messages of DefineIndex and its callers that blame the definition alone, and quote nothing of the user's."""


def fault_of(error: str) -> str | None:
    """Why PostgreSQL makes no index of that definition, whatever server it is on; None: this one lacks something."""
    found = next((match[0] for pattern in _FAULTS if (match := re.fullmatch(pattern, error))), None)
    return found and f"PostgreSQL refuses such an index: {found}"


def unanalyzed(tables: Sequence[Table], indexed: Set[str], plan: Plan | None) -> tuple[str, ...]:
    """The tables, among those that are indexed and those that the plan reads, of whose rows nothing is known."""
    read = {f"{node.schema}.{node.table}" for node in plan.root.walk() if node.table} if plan else set()
    return tuple(
        f"{table.qualified} was never analyzed: what is said of sizes and costs is a guess"
        for table in tables
        if table.qualified in indexed | read and table.rows is None
        # An empty table is known to be small; a partition's rows are counted in its parent's.
        if table.heap_bytes != 0 and table.partition_of is None and table.kind != "foreign table"
    )
