"""What a plan's numbers mean: own time, true rows, estimation error and own pages of each node.

EXPLAIN prints times per loop and per process, with everything below in them. What follows was checked against the
shapes that PostgreSQL really prints: parallel plans with and without the leader, initplans, CTEs, subplans.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.model.record import Record

_GATHERS = frozenset({"Gather", "Gather Merge"})
_TIME_ROUNDING_MS = 0.0005
"""EXPLAIN rounds times to 0.001 ms per loop."""


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
    """max(estimated/actual, actual/estimated), each plus one; 1 is exact. None: not run, or stopped before its end
    with fewer rows than estimated (below a LIMIT, in a semi join), which says nothing of the estimate."""
    self_shared_blocks: int | None = None
    """Pages of shared buffers, hit or read, by the node itself."""
    self_temp_blocks: int | None = None
    share: float = 0.0
    """Its share of the statement, 0 to 1: of time where measured, else of cost. What triggers take is no node's."""


@dataclass
class _Place:
    """A node with where it stands."""

    number: int
    node: PlanNode
    depth: int
    parent: "_Place | None"
    gather: "_Place | None"
    """The nearest Gather above it."""
    participants: float
    """Processes that ran it side by side."""
    children: list["_Place"] = field(default_factory=list)

    @property
    def is_init_plan(self) -> bool:
        return self.node.parent_relationship == "InitPlan"

    @property
    def loops(self) -> float:
        return self.node.actual_loops or 0.0

    def walk(self) -> Iterator["_Place"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def above(self) -> Iterator["_Place"]:
        """The nodes above it, nearest first."""
        place = self.parent
        while place is not None:
            yield place
            place = place.parent


def figures(plan: Plan) -> tuple[NodeFigures, ...]:
    """The figures of every node of the plan, in `PlanNode.walk` order.

    Own times are the node's inclusive wall time without its children's; an initplan is charged to the node that ran
    it. They sum up to the root's time, and what a writing CTE that nobody reads takes after it. A negative own time
    beyond rounding means that the plan is ambiguous; it is kept, `share` is not below 0.
    """
    root = _place(plan.root)
    places = list(root.walk())
    time = _inclusive_ms(places) if plan.has_timing else None
    own_time = None if time is None else _own(places, time, _rounding_ms)
    own_cost = _own_cost(root)
    shared = _own_blocks(places, lambda node: _sum(node.shared_hit_blocks, node.shared_read_blocks))
    temp = _own_blocks(places, lambda node: _sum(node.temp_read_blocks, node.temp_written_blocks))
    weights = own_time if own_time is not None else own_cost
    total = sum(max(weight, 0.0) for weight in weights)
    if own_time is not None:  # triggers and what is sent take time outside the nodes
        total = max(total, plan.execution_ms or 0.0)
    divisor_of = _divisors(plan)
    return tuple(
        NodeFigures(
            number=place.number,
            depth=place.depth,
            parent=place.parent.number if place.parent else None,
            inclusive_ms=None if time is None else time[place.number],
            self_ms=None if own_time is None else own_time[place.number],
            self_cost=own_cost[place.number],
            rows=_rows(place.node),
            estimated_rows=_estimated_rows(place, divisor_of),
            q_error=_q_error(place, divisor_of),
            self_shared_blocks=None if shared is None else shared[place.number],
            self_temp_blocks=None if temp is None else temp[place.number],
            share=max(weights[place.number], 0.0) / total if total else 0.0,
        )
        for place in places
    )


def _place(root: PlanNode) -> _Place:
    """The tree of nodes with their numbers in `walk` order and the processes that ran each."""
    numbers = iter(range(1_000_000_000))

    def build(node: PlanNode, parent: _Place | None) -> _Place:
        gather, participants = None, 1.0
        if parent is not None:
            gather, participants = parent.gather, parent.participants
            if parent.node.node_type in _GATHERS and node.parent_relationship != "InitPlan":
                gather = parent
                participants = ((node.actual_loops or 0.0) / parent.loops if parent.loops else 0.0) or 1.0
        place = _Place(next(numbers), node, parent.depth + 1 if parent else 0, parent, gather, participants)
        place.children = [build(child, place) for child in node.children]
        return place

    return build(root, None)


def _inclusive_ms(places: Sequence[_Place]) -> list[float]:
    """Wall time of each node with all below: its time per loop, times its loops, over the processes beside it.

    Below a Gather the loops of its child over its own say how many processes took part: that is right without the
    leader and with fewer workers than planned, where counting workers is not. Workers that go on while the leader is
    busy above the Gather take longer than that waits for them: of their time it is the part waited for that counts.
    """
    found = [(place.node.actual_total_ms or 0.0) * place.loops / place.participants for place in places]
    for place in places:
        below = [child for child in place.children if child.gather is place]
        waited = found[place.number] / found[below[0].number] if below and found[below[0].number] else 1.0
        if 0 < waited < 1:
            for each in below[0].walk():
                found[each.number] *= waited
    return found


def _rounding_ms(place: _Place) -> float:
    return _TIME_ROUNDING_MS * max(place.loops, 1.0) / place.participants


def _own(places: Sequence[_Place], inclusive: Sequence[float], rounding: Callable[[_Place], float]) -> list[float]:
    """Each node's own part of a measure that is given with all below in it."""
    own = [
        inclusive[place.number] - sum(inclusive[child.number] for child in place.children if not child.is_init_plan)
        for place in places
    ]
    # The innermost initplan first: an initplan's user may stand in another initplan of the same node.
    for place in reversed(places):
        if place.is_init_plan:
            _charge(place, inclusive[place.number], own)
    for place in places:
        slack = rounding(place) + sum(rounding(child) for child in place.children)
        below = [child for child in place.children if not child.is_init_plan]
        if below and -slack <= own[place.number] < 0:
            # Rounding up gave the child of most loops too much: it gives that back, and the sum stays the whole.
            loudest = max(below, key=rounding)
            own[loudest.number] += own[place.number]
            own[place.number] = 0.0
    return own


def _charge(init_plan: _Place, amount: float, own: list[float]) -> None:
    """Take what an initplan used from the nodes that ran it.

    It runs when its value is first asked for, so one of its users holds its time: the largest pays first, none more
    than it has. What no user holds its owner does, which ends its parallel workers; or it was spent outside the plan's
    nodes (a writing CTE nobody reads).
    """
    users = sorted(_users(init_plan), key=lambda place: -own[place.number])
    if users and init_plan.parent and init_plan.node.node_type != "ModifyTable":
        users.append(init_plan.parent)
    for user in users:
        paid = min(amount, max(own[user.number], 0.0))
        own[user.number] -= paid
        amount -= paid
        if amount <= 0:
            break


def _users(init_plan: _Place) -> list[_Place]:
    """The nodes that may have run the initplan."""
    owner = init_plan.parent
    assert owner is not None
    below = list(_outside(owner, init_plan))
    name = init_plan.node.subplan_name or ""
    if name.startswith("CTE "):
        return [place for place in below if place.node.cte_name == name[4:] and _sees(place, init_plan)]
    mentions = _mention_of(name)
    mentioning = [place for place in below if mentions and _mentions(place.node, mentions)]
    return _unique(_payer(place, owner) for place in mentioning) or _unique(
        _payer(place, owner) for place in below if not place.is_init_plan
    )


def _outside(owner: _Place, init_plan: _Place) -> Iterator[_Place]:
    """The owner and all below it, without the initplan's own nodes."""
    yield owner
    for child in owner.children:
        if child is not init_plan:
            yield from child.walk()


def _sees(place: _Place, init_plan: _Place) -> bool:
    """Whether a CTE scan means that CTE, and not one of the same name that stands nearer."""
    for above in (place, *place.above()):
        for child in above.children:
            if child.is_init_plan and child.node.subplan_name == init_plan.node.subplan_name:
                return child is init_plan
    return False


def _mention_of(name: str) -> re.Pattern[str] | None:
    """How expressions name the initplan: `$0` up to PostgreSQL 16, `(InitPlan 1).col1` since 17."""
    parameters = re.findall(r"\$\d+", name)
    number = re.match(r"InitPlan \d+", name)
    spellings = [re.escape(each) + r"(?!\d)" for each in [*parameters, *([number.group()] if number else [])]]
    return re.compile("|".join(spellings)) if spellings else None


def _mentions(node: PlanNode, pattern: re.Pattern[str]) -> bool:
    texts = [
        node.filter,
        node.index_condition,
        node.recheck_condition,
        node.hash_condition,
        node.merge_condition,
        node.join_filter,
        *node.sort_keys,
        *node.group_keys,
        *(value for key, value in node.other if key not in ("Workers", "Subplan Name")),
    ]
    return any(text and pattern.search(text) for text in texts)


def _payer(user: _Place, owner: _Place) -> _Place:
    """The node that really ran an initplan which `user` mentions.

    A Gather evaluates the parameters of its workers before it starts them; an Append that prunes partitions by the
    parameter evaluates it for its children.
    """
    payer = user
    for above in user.above():
        if payer is owner:
            break
        if above.node.node_type in _GATHERS or _prunes(above.node):
            payer = above
        if above is owner:
            break
    return payer


def _prunes(node: PlanNode) -> bool:
    """Whether it is an Append that left out partitions when it started."""
    return node.node_type in ("Append", "MergeAppend", "Merge Append") and any(
        child.actual_loops == 0 for child in node.children
    )


def _unique(places: Iterator[_Place]) -> list[_Place]:
    return list({place.number: place for place in places}.values())


def _own_blocks(places: Sequence[_Place], of: Callable[[PlanNode], int | None]) -> list[int] | None:
    """Own pages of each node; EXPLAIN's are sums over loops and processes already."""
    if of(places[0].node) is None:
        return None
    own = _own(places, [float(of(place.node) or 0) for place in places], lambda _: 0.0)
    return [max(round(each), 0) for each in own]


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _own_cost(root: _Place) -> list[float]:
    """Each node's own planner cost, so that all sum up to the root's.

    A node's cost is the plan's for one whole execution. The inner side of a nested loop runs once per outer row,
    a subplan once per row tested; under a LIMIT only a part is paid. What the children would cost together never
    exceeds what their parent costs.
    """
    own: dict[int, float] = {}

    def share_out(place: _Place, paid: float) -> None:
        whole = place.node.total_cost
        scale = paid / whole if whole else 0.0
        wanted = [min(cost * scale, paid) for cost in _expected_costs(place)]
        limit = min(paid / sum(wanted), 1.0) if sum(wanted) else 0.0
        own[place.number] = max(paid - sum(wanted) * limit, 0.0)
        for child, cost in zip(place.children, wanted, strict=True):
            share_out(child, cost * limit)

    share_out(root, root.node.total_cost)
    return [own[number] for number in range(len(own))]


def _expected_costs(place: _Place) -> list[float]:
    """What each child costs in one execution of its parent."""
    children = place.children
    costs = [child.node.total_cost for child in children]
    outer = next((child.node for child in children if child.node.parent_relationship == "Outer"), None)
    for at, child in enumerate(children):
        if child.node.parent_relationship == "Inner" and place.node.node_type == "Nested Loop" and outer:
            rest = place.node.total_cost - sum(costs[:at]) - sum(costs[at + 1 :])
            costs[at] = min(costs[at] * max(outer.estimated_rows, 1.0), max(rest, costs[at]))
        elif child.node.parent_relationship == "SubPlan" and not _is_hashed(child):
            rest = place.node.total_cost - sum(costs[:at]) - sum(costs[at + 1 :])
            times = rest // costs[at] if costs[at] else 1.0
            costs[at] *= max(times, 1.0)
    return costs


def _is_hashed(subplan: _Place) -> bool:
    """Whether its result is kept in a hash table, so that it runs once."""
    name = subplan.node.subplan_name
    parent = subplan.parent
    return (
        name is not None
        and parent is not None
        and _mentions(parent.node, re.compile(rf"hashed {re.escape(name)}(?!\d)"))
    )


def _rows(node: PlanNode) -> float | None:
    if node.actual_rows is None or node.actual_loops is None:
        return None
    return node.actual_rows * node.actual_loops


def _divisors(plan: Plan) -> Callable[[_Place], float]:
    """How the planner divides rows among processes below a Gather.

    `get_parallel_divisor` in src/backend/optimizer/path/costsize.c: the workers, and what is left of the leader,
    which loses 0.3 of itself to each worker.
    """
    leads = ("parallel_leader_participation", "off") not in plan.settings

    def divisor(gather: _Place) -> float:
        workers = float(gather.node.workers_planned or 1)
        return workers + (max(1.0 - 0.3 * workers, 0.0) if leads else 0.0)

    return divisor


def _is_partial(place: _Place) -> bool:
    """Whether each process makes only its part of the node's rows."""
    if place.gather is None:
        return False
    if place.node.is_parallel_aware:
        return True
    feeding = [child for child in place.children if child.node.parent_relationship in ("Outer", "Member", "Subquery")]
    return any(_is_partial(child) for child in feeding)


def _estimated_rows(place: _Place, divisor_of: Callable[[_Place], float]) -> float:
    """Estimated rows over all loops: of a partial node its estimate for one process, times the planner's divisor."""
    estimated = place.node.estimated_rows
    if place.gather is not None and _is_partial(place):
        loops = place.gather.loops or 1.0
        return estimated * divisor_of(place.gather) * loops
    return estimated * (place.loops or 1.0)


def _q_error(place: _Place, divisor_of: Callable[[_Place], float]) -> float | None:
    """How far the estimate is off, as a factor; within what rounding hides it is exact.

    Rows are printed per loop, up to PostgreSQL 17 as whole numbers, and the planner never expects less than one:
    over many loops both say little about less than a row per loop.
    """
    rows = _rows(place.node)
    if rows is None or not place.loops or not (place.node.estimated_rows or place.node.total_cost):
        return None  # not run, or printed without costs
    estimated = _estimated_rows(place, divisor_of)
    if place.loops > 1:
        hidden = place.loops * (0.5 if float(place.node.actual_rows or 0.0).is_integer() else 0.005)
        rows = min(max(estimated, max(rows - hidden, 0.0)), rows + hidden)
        if place.node.estimated_rows <= 1 and rows < estimated:
            return 1.0
    if rows < estimated and _may_stop_early(place):
        return None
    return max((estimated + 1) / (rows + 1), (rows + 1) / (estimated + 1))


def _may_stop_early(place: _Place) -> bool:
    """Whether what stands above may have stopped the node before it gave all its rows."""
    above = place.parent
    if above is None:
        return False
    relationship = place.node.parent_relationship
    if relationship == "InitPlan" and (place.node.subplan_name or "").startswith("CTE "):
        return all(_may_stop_early(user) for user in _users(place))
    if relationship in ("InitPlan", "SubPlan"):
        return not _is_hashed(place)
    if _reads_all(above.node):
        return False
    return _stops(above, place) or _may_stop_early(above)


def _reads_all(node: PlanNode) -> bool:
    """Whether the node reads its input to the end before it gives its first row."""
    if node.node_type == "Aggregate":
        return node.strategy in ("Plain", "Hashed")
    return node.node_type in ("Sort", "Hash", "Bitmap Heap Scan", "BitmapAnd", "BitmapOr", "ModifyTable")


def _stops(above: _Place, place: _Place) -> bool:
    """Whether the node above itself may stop this input of its."""
    node, relationship = above.node, place.node.parent_relationship
    if node.node_type == "Limit":
        # Fewer rows than it would have let through: it was never reached.
        return (node.actual_rows or 0.0) >= node.estimated_rows
    if node.node_type == "Merge Join":
        return True
    if node.node_type == "Nested Loop" and relationship == "Inner":
        return node.join_type in ("Semi", "Anti") or ("Inner Unique", "true") in node.other
    if node.node_type == "Hash Join" and relationship == "Outer":
        return any(child.node.node_type == "Hash" and not child.node.actual_rows for child in above.children)
    return False
