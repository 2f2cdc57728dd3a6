"""A statement's plans without and with all advice, as they may be shown."""

from collections.abc import Mapping

import msgspec

from pgadvisor.model.plan import Plan, PlanComparison, PlanNode
from pgadvisor.model.whatif import Planner
from pgadvisor.parameters.redaction import redacted
from pgadvisor.selection.matrix import Matrix, Set


def compared(
    planner: Planner, matrix: Matrix, statement: str, chosen: Set, names: Mapping[str, str]
) -> PlanComparison | None:
    """Both plans of the statement's likeliest text; None: one is not to be had.

    `names`: of choices on the planner, with the names under which they are advised.
    """
    at = next(number for number, each in enumerate(matrix.statements) if each.key == statement)
    text = max(matrix.statements[at].texts, key=lambda each: each.weight)
    before = planner.plan(text.text).plan
    after = planner.plan(text.text, matrix.configuration(at, chosen)).plan
    if before is None or after is None:
        return None
    return PlanComparison(
        change="all indexes of the advice",
        before=redacted(before, text.names),
        after=_renamed(redacted(after, text.names), names),
        tried_on=planner.label,
    )


def _renamed(plan: Plan, names: Mapping[str, str]) -> Plan:
    return msgspec.structs.replace(plan, root=_node(plan.root, names))


def _node(node: PlanNode, names: Mapping[str, str]) -> PlanNode:
    index = names.get(node.index, node.index) if node.index else None
    return msgspec.structs.replace(node, index=index, children=tuple(_node(each, names) for each in node.children))
