"""Rows that a scan reads and throws away, and the index that would spare it them."""

from collections.abc import Iterable

import msgspec

from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.indexes.needs import Need, base_table, join_need, need_of, scanned_table
from pgadvisor.model.finding import Rung
from pgadvisor.model.plan import PlanNode
from pgadvisor.model.record import Record

MOST_KEPT = 0.1
"""A scan that keeps more than this share of what it reads is about as fast without an index."""
LEAST_READ = 10_000
"""Fewer rows thrown away in one execution cost about a millisecond: not worth an index."""
FASTEST_ROW_MS = 0.00001
"""No sequential scan is faster than 10 ns a row: a statement that is does not use the plan we see."""
FEW_ASKED = 0.01
"""A hundred look-ups in an index cost about as much as ten thousand rows read in order."""
INEXACT = 2.0
"""How much more of the table the statistics may leave than the scan really kept, for an index that is not whole."""


class Waste(Record):
    """What one scan of a plan reads in vain."""

    number: int
    """Of the node, the most costly one where several partitions are scanned alike."""
    need: Need
    read: float
    """Rows read in one execution, over all loops and partitions."""
    kept: float
    share: float
    """The scans' share of the statement."""
    rung: Rung
    scans: int = 1

    @property
    def discarded(self) -> float:
        """Rows thrown away."""
        return self.read - self.kept

    @property
    def saved_share(self) -> float:
        """Share of the statement's time that the index would save: what it would no longer read."""
        left = self.kept / self.read if self.need.is_whole else max(self.kept / self.read, self.need.selectivity)
        return self.share * max(1.0 - left, 0.0)


def wastes_of(facts: Facts, planned: PlannedStatement) -> tuple[Waste, ...]:
    """The scans of a plan that throw nearly everything away and that an index would help; partitions as one."""
    found: dict[str, list[Waste]] = {}
    for number in range(len(planned.nodes)):
        waste = _waste(facts, planned, number)
        if waste:
            found.setdefault(waste.need.index.cause, []).append(waste)
    together = (_together(group) for group in found.values())
    return tuple(waste for waste in together if _is_worth_it(facts, planned, waste))


def join_wastes_of(facts: Facts, planned: PlannedStatement) -> tuple[Waste, ...]:
    """Tables read whole for a join that meets few of their rows, because no index leads to those."""
    found = (_join_waste(facts, planned, number) for number in range(len(planned.nodes)))
    return tuple(waste for waste in found if waste is not None)


def read_fraction(planned: PlannedStatement, number: int) -> float:
    """Share of a scan's rows that its parents are planned to ask for: a LIMIT without a sort below stops it early."""
    above: int | None = planned.figures[number].parent
    fraction, at = 1.0, number
    while above is not None:
        node, below = planned.nodes[above], planned.nodes[at]
        if node.node_type in ("Sort", "Hash") or (node.node_type == "Aggregate" and node.strategy != "Sorted"):
            return fraction
        if node.node_type == "Limit" and below.estimated_rows:
            fraction *= min(1.0, node.estimated_rows / below.estimated_rows)
        at = above
        above = planned.figures[at].parent
    return fraction


def _waste(facts: Facts, planned: PlannedStatement, number: int) -> Waste | None:
    node, figures = planned.nodes[number], planned.figures[number]
    if not node.filter or "Scan" not in node.node_type or base_table(facts, node) is None:
        return None
    if planned.is_analyzed:
        counted = _measured(node)
    else:
        counted = _estimated(facts, planned, number)
    need = need_of(facts, planned, number) if counted else None
    if counted is None or need is None:
        return None
    read, kept = counted
    rung = Rung.MEASURED if planned.is_analyzed else Rung.ESTIMATED
    return Waste(number=number, need=need, read=read, kept=kept, share=figures.share, rung=rung)


def _join_waste(facts: Facts, planned: PlannedStatement, number: int) -> Waste | None:
    """A sequential scan whose rows a hash or merge join looks through for those of a much smaller side."""
    sides = _joined_with(planned, number) if planned.nodes[number].node_type == "Seq Scan" else None
    if sides is None or not _may_be_looked_up(planned, *sides):
        return None
    join, scan_side, other = sides
    read = _rows(planned, number) + (planned.nodes[number].rows_removed_by_filter or 0.0)
    kept, asked = _rows(planned, join), _rows(planned, other)
    few = read_fraction(planned, join) == 1.0 and asked <= FEW_ASKED * read and kept <= FEW_ASKED * read
    if read < LEAST_READ or not few or facts.is_small(planned.nodes[number].table):
        return None
    need = join_need(facts, planned, number, other)
    if need is None or _is_slow_estimate(planned, read):
        return None
    share = sum(planned.figures[at].share for at in {number, scan_side, join})
    rung = Rung.MEASURED if planned.is_analyzed else Rung.ESTIMATED
    return Waste(number=number, need=need, read=read, kept=min(kept + asked, read), share=min(share, 1.0), rung=rung)


def _joined_with(planned: PlannedStatement, number: int) -> tuple[int, int, int] | None:
    """The join above a scan, the join's child on the scan's side, and the other child."""
    at: int = number
    above = planned.figures[number].parent
    while above is not None and planned.nodes[above].node_type in ("Hash", "Sort", "Materialize"):
        at, above = above, planned.figures[above].parent
    if above is None or planned.nodes[above].node_type not in ("Hash Join", "Merge Join"):
        return None
    others = [
        figures.number
        for child, figures in planned.children(above)
        if figures.number != at and child.parent_relationship in ("Outer", "Inner", None)
    ]
    return (above, at, others[0]) if len(others) == 1 else None


def _may_be_looked_up(planned: PlannedStatement, join: int, scan_side: int, other: int) -> bool:
    """Whether the join could look its rows up from the other side: the scan's rows are not all wanted."""
    is_first = scan_side < other
    kind = planned.nodes[join].join_type or "Inner"
    return kind == "Inner" or (kind in ("Left", "Semi", "Anti") and not is_first) or (kind == "Right" and is_first)


def _rows(planned: PlannedStatement, number: int) -> float:
    """Rows of the node, counted where it was run, else planned."""
    rows = planned.figures[number].rows
    return planned.figures[number].estimated_rows if rows is None or not planned.is_analyzed else rows


def _is_slow_estimate(planned: PlannedStatement, read: float) -> bool:
    """Whether the statement is faster in production than the plan could be."""
    mean_ms = planned.statement.mean_ms if planned.statement else None
    return not planned.is_analyzed and mean_ms is not None and mean_ms < read * FASTEST_ROW_MS


def _measured(node: PlanNode) -> tuple[float, float] | None:
    """Rows read and kept, over all loops."""
    if not node.was_run or node.actual_rows is None or node.actual_loops is None:
        return None
    removed = (node.rows_removed_by_filter or 0.0) + (node.rows_removed_by_index_recheck or 0.0)
    return (node.actual_rows + removed) * node.actual_loops, node.actual_rows * node.actual_loops


def _estimated(facts: Facts, planned: PlannedStatement, number: int) -> tuple[float, float] | None:
    """Rows that a sequential scan is planned to read and keep; other scans do not say what they discard."""
    node = planned.nodes[number]
    table = scanned_table(facts, node)
    if node.node_type != "Seq Scan" or table is None or not table.rows:
        return None
    fraction = read_fraction(planned, number)
    return table.rows * fraction, min(planned.figures[number].estimated_rows, table.rows) * fraction


def _together(group: list[Waste]) -> Waste:
    """Scans that one index would serve, as one: the partitions of a table."""
    first = max(group, key=lambda waste: waste.share)
    return msgspec.structs.replace(
        first,
        read=sum(waste.read for waste in group),
        kept=sum(waste.kept for waste in group),
        share=min(sum(waste.share for waste in group), 1.0),
        scans=len(group),
    )


def _is_worth_it(facts: Facts, planned: PlannedStatement, waste: Waste) -> bool:
    if waste.discarded < LEAST_READ or waste.kept > MOST_KEPT * waste.read:
        return False
    if not waste.need.is_whole and waste.need.selectivity > INEXACT * MOST_KEPT:
        return False
    if facts.is_small(waste.need.index.table) and waste.rung is not Rung.MEASURED:
        return False
    return waste.rung is Rung.MEASURED or _is_believable(facts, planned, waste)


def _is_believable(facts: Facts, planned: PlannedStatement, waste: Waste) -> bool:
    """Whether nothing observed speaks against the estimate."""
    if planned.kind == "generic" and not waste.need.has_equality:
        return False
    statement = planned.statement
    if statement is None:
        return True
    if _is_slow_estimate(planned, waste.read):
        return False
    rows = statement.rows_per_call
    return rows is None or not _gives_its_rows(planned, waste.number) or rows <= MOST_KEPT * waste.read


def _gives_its_rows(planned: PlannedStatement, number: int) -> bool:
    """Whether the statement returns the scan's rows one to one."""
    at: int | None = number
    passing: Iterable[str] = ("Seq Scan", "Gather", "Gather Merge", "Sort", "ModifyTable", "LockRows", "Append")
    while at is not None:
        if planned.nodes[at].node_type not in passing:
            return False
        at = planned.figures[at].parent
    return True
