"""How things are called."""

import pytest

from pgadvisor.model.plan import PlanKind, StatementPlan
from pgadvisor.reports.labels import plan_origin


@pytest.mark.parametrize(
    ("kind", "reason", "told"),
    [
        ("analyzed", "run with values from statistics", "EXPLAIN ANALYZE, run with values from statistics"),
        ("values", "planned with values from statistics", "planned with values from statistics"),
        (
            "generic",
            "not run: writes (DELETE); planned for any value of $1",
            "not run: writes (DELETE); planned for any value of $1",
        ),
        ("generic", "", "generic plan"),
        ("values", "an example", "planned with values, an example"),
    ],
)
def test_a_plan_says_once_how_it_came_about(kind: PlanKind, reason: str, told: str) -> None:
    assert plan_origin(StatementPlan(statement="1", kind=kind, reason=reason)) == told
