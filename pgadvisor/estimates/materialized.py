"""Rows that come from no table: what a materialized CTE gives."""

from pgadvisor.estimates.case import Cause
from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.model.finding import Evidence, Remedy, Rung
from pgadvisor.sql.query import Scope

KNOWN_SINCE = 170_000
"""From it on the statistics of a CTE's columns reach whoever reads it."""


def materialized(facts: Facts, plan: PlannedStatement, number: int) -> Cause | None:
    """A filter on what a CTE that is kept apart gives: of that there are no statistics (before PostgreSQL 17)."""
    node = plan.nodes[number]
    server = facts.snapshot.server
    if not node.filter or plan.query is None or server is None or server.version_num >= KNOWN_SINCE:
        return None
    scope = next((each for each in plan.query.scopes if each.place == "cte" and each.name == node.cte_name), None)
    if scope is None or scope.is_recursive or scope.write is not None:
        return None
    evidence = Evidence(rung=Rung.INFERRED, text=f"{node.cte_name} is kept apart, and its rows have no statistics")
    return Cause(name="materialized CTE", columns=(node.cte_name or "",), evidence=evidence, remedy=_inlined(scope))


def _inlined(scope: Scope) -> Remedy:
    change = "Leave MATERIALIZED out of" if scope.is_materialized else "Write NOT MATERIALIZED after the AS of"
    return Remedy(text=f"{change} {scope.name}: its filter is then estimated, and run, on the table itself.")
