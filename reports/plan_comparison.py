"""Two plans side by side as the lines of a table, the same for every format."""

from typing import Literal

from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.record import Record
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports.plan_diff import Difference, NodePair, PlanDiff, compare
from pgadvisor.reports.plan_rows import PlanRow, PlanTable, plan_table
from pgadvisor.reports.plan_sentence import sentence

SIGNS = {"unchanged": "=", "changed": "≠", "moved": "↕", "only before": "−", "only after": "+"}
"""The shape beside the word."""


class ComparedNode(Record):
    """A node on its side of a line."""

    row: PlanRow
    own: str
    """`cost 9,800` or `161 ms`: its own part."""
    rows: str
    share: float
    """Its own part of the dearer plan's total: bars of both sides can be held against each other."""


class ComparedLine(Record):
    """Nodes that are the same step, or one that has no like."""

    change: Literal["unchanged", "changed", "moved", "only before", "only after"]
    sign: str
    words: tuple[str, ...]
    """What is different, and by how much: `access path`, `27× less cost`."""
    before: ComparedNode | None = None
    after: ComparedNode | None = None


class ComparedPlans(Record):
    """Two plans ready to be shown."""

    change: str
    """What was tried, as DDL or a clause."""
    tried_on: str
    sentence: str
    before: PlanTable
    after: PlanTable
    before_total: str
    after_total: str
    lines: tuple[ComparedLine, ...]


def compared(comparison: PlanComparison) -> ComparedPlans:
    """The two plans, line by line."""
    before, after = comparison.before, comparison.after
    diff = compare(before, after)
    tables = plan_table(before), plan_table(after)
    of_before = {pair.before: pair for pair in diff.pairs if pair.before is not None}
    of_after = {pair.after: pair for pair in diff.pairs if pair.after is not None}
    lines = []
    for one, other in diff.lines:
        pair = of_before[one] if one is not None else of_after[other or 0]
        lines.append(_line(diff, pair, (one, other), tables))
    return ComparedPlans(
        change=comparison.change,
        tried_on=comparison.tried_on,
        sentence=sentence(before, after, diff),
        before=tables[0],
        after=tables[1],
        before_total=_amount(diff, diff.before_total),
        after_total=_amount(diff, diff.after_total),
        lines=tuple(lines),
    )


def _line(
    diff: PlanDiff, pair: NodePair, at: tuple[int | None, int | None], tables: tuple[PlanTable, PlanTable]
) -> ComparedLine:
    one, other = at
    is_split = pair.is_moved and (one is None or other is None)
    # A step that has moved stands on two lines; what is different about it is said on the second plan's.
    words = tuple(_words(each) for each in pair.differences) if not is_split or one is None else ()
    change = "moved" if is_split else pair.change
    return ComparedLine(
        change=change,
        sign=SIGNS[change],
        words=words,
        before=None if one is None else _node(diff, tables[0].rows[one], diff.before_own[one], diff.before_rows[one]),
        after=None
        if other is None
        else _node(diff, tables[1].rows[other], diff.after_own[other], diff.after_rows[other]),
    )


def _node(diff: PlanDiff, row: PlanRow, own: float, rows: float) -> ComparedNode:
    whole = max(diff.before_total, diff.after_total)
    counted = [numbers.count(each) for each in ((row.estimated_rows, row.rows) if diff.has_real_rows else (rows,))]
    return ComparedNode(
        row=row,
        own="never run" if row.is_never_run and diff.has_real_rows else _amount(diff, own),
        rows=f"{' → '.join(counted)} {'row' if counted == ['1'] else 'rows'}",
        share=min(own / whole, 1.0) if whole > 0 else 0.0,
    )


def _amount(diff: PlanDiff, number: float) -> str:
    return numbers.time(number) if diff.measure == "time" else f"cost {numbers.count(number)}"


def _words(difference: Difference) -> str:
    if difference.what == "join order":
        return f"join order: {difference.before} → {difference.after}"
    if difference.is_doing:
        return difference.what
    old, new = difference.before_value, difference.after_value
    few, many = sorted((old, new))
    if difference.what == "rows":
        word = "fewer rows" if new < old else "more rows"
    else:
        word = f"{'less' if new < old else 'more'} {difference.what}"
    # A million times says no more than that it is hardly anything.
    return f"{numbers.factor(many / few)} {word}" if few * 1e6 > many else f"far {word}"
