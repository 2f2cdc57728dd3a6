"""What a plan's numbers mean: own time, true rows, estimation error and own pages of each node."""

from pgadvisor.model.plan import Plan
from pgadvisor.model.record import Record


class NodeFigures(Record):
    """The figures of one node, numbered as in `PlanNode.walk`."""

    number: int
    depth: int
    parent: int | None = None
    inclusive_ms: float | None = None
    """Wall time of the node and all below it."""
    self_ms: float | None = None
    """Its own wall time."""
    self_cost: float = 0.0
    """Its own planner cost, over all its expected executions."""
    rows: float | None = None
    """Actual rows over all loops."""
    estimated_rows: float = 0.0
    """Estimated rows over all actual loops (one loop when it was not run)."""
    q_error: float | None = None
    """max(estimated/actual, actual/estimated), each plus one; 1 is exact. None: not run."""
    self_shared_blocks: int | None = None
    """Pages of shared buffers, hit or read, by the node itself."""
    self_temp_blocks: int | None = None
    share: float = 0.0
    """Its share of the statement, 0 to 1: of time where measured, else of cost."""


def figures(plan: Plan) -> tuple[NodeFigures, ...]:
    """The figures of every node of the plan, in `PlanNode.walk` order."""
    raise NotImplementedError
