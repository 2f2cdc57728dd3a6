"""Statements whose plan changes with the values: each draw's plan, and what it costs to go the generic plan's way."""

from collections.abc import Sequence

import msgspec

from pgadvisor.advise.trial_outcome import shown
from pgadvisor.model.plan import DrawnPlan, Plan
from pgadvisor.model.plan_shape import shape_of
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.whatif import Answer, Configuration, Planner
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.parameters.redaction import of_any_value

_SWITCHES = {
    "Seq Scan": "enable_seqscan",
    "Index Scan": "enable_indexscan",
    "Index Only Scan": "enable_indexonlyscan",
    "Bitmap Heap Scan": "enable_bitmapscan",
    "Nested Loop": "enable_nestloop",
    "Hash Join": "enable_hashjoin",
    "Merge Join": "enable_mergejoin",
    "Sort": "enable_sort",
    "Incremental Sort": "enable_incremental_sort",
    "Materialize": "enable_material",
    "Memoize": "enable_memoize",
}
"""The settings that make the planner do without a kind of node."""


def with_alternatives(snapshot: Snapshot, drawn: Sequence[DrawnStatement], planner: Planner) -> Snapshot:
    """The snapshot whose statements' plans hold their alternatives, where draws are read or joined differently."""
    by_key = {each.statement: each for each in drawn if each.is_sure and len(each.draws) > 1}
    plans = []
    for plan in snapshot.plans:
        found = _alternatives(by_key[plan.statement], planner) if plan.statement in by_key else None
        if found is not None:
            plan = msgspec.structs.replace(plan, generic=found[0], alternatives=found[1])
        plans.append(plan)
    return msgspec.structs.replace(snapshot, plans=tuple(plans))


def _alternatives(drawn: DrawnStatement, planner: Planner) -> tuple[Plan, tuple[DrawnPlan, ...]] | None:
    """The plan for any values, and those of the draws; None: all draws are planned alike, or one is not planned."""
    answers = planner.plan_all([draw.text for draw in drawn.draws])
    plans = [answer.plan for answer in answers if answer.plan is not None]
    if len(plans) < len(answers) or len({shape_of(plan) for plan in plans}) < 2 or drawn.generic is None:
        return None
    generic = planner.plan(drawn.generic)
    if generic.plan is None:
        return None
    made = [
        DrawnPlan(
            label=draw.label,
            weight=draw.weight,
            plan=shown(plan, draw),
            generic_cost=_generic_cost(draw.text, answer, plan, generic, generic.plan, planner),
        )
        for draw, answer, plan in zip(drawn.draws, answers, plans, strict=True)
    ]
    ordered = sorted(made, key=lambda each: each.label != "typical")
    return of_any_value(generic.plan), tuple(ordered)


def _generic_cost(
    text: str, own: Answer, plan: Plan, generic: Answer, generic_plan: Plan, planner: Planner
) -> float | None:
    """What the values of a text cost when tables are read and joined as in the plan for any values.

    The planner is kept from all that the generic plan does not do; None: it still finds another way.
    """
    if shape_of(plan) == shape_of(generic_plan):
        return own.cost
    used = {node.node_type for node in generic_plan.root.walk()}
    mine = {node.node_type for node in plan.root.walk()}
    settings = tuple((_SWITCHES[kind], "off") for kind in sorted(mine - used) if kind in _SWITCHES)
    hidden = tuple(sorted(set(own.indexes_used) - set(generic.indexes_used)))
    forced = planner.plan(text, Configuration(settings=settings, hide=hidden))
    is_same = forced.plan is not None and shape_of(forced.plan) == shape_of(generic_plan)
    return forced.cost if is_same else None
