"""The wrong estimates of a plan that matter: where, why, what was chosen on them, and what mends them."""

from collections.abc import Iterator

from msgspec.structs import replace

from pgadvisor.estimates.case import Cause, case_of
from pgadvisor.estimates.causes import cause_of
from pgadvisor.estimates.groups import GROUPS, cause_of_groups, is_grouping
from pgadvisor.estimates.materialized import materialized
from pgadvisor.estimates.misestimate import Effect, effect_of, far_off, share_above
from pgadvisor.estimates.without_catalog import likely
from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.indexes.needs import base_table
from pgadvisor.model.catalog import Table
from pgadvisor.model.finding import Remedy
from pgadvisor.model.record import Record

LEAST_SHARE = 0.2
"""What stands above the estimate must matter, or a better one would change nothing."""


class Diagnosis(Record):
    """One wrong estimate of a plan, or the same one of several partitions."""

    number: int
    """Of the lowest node at which it goes wrong."""
    what: str
    """The node, for a message: `seq scan on address`."""
    table: Table | None
    """The table whose statistics are at fault; of partitions their parent."""
    expected: float
    actual: float
    share: float
    """Of the statement, in what was chosen on the estimate."""
    effect: Effect
    cause: Cause

    @property
    def identity(self) -> str:
        """The same for every statement that suffers from the same lack."""
        named = f"statistics {self.table.qualified if self.table else self.cause.name}"
        of = "groups of " if self.cause.name == GROUPS else ""
        return f"{named} ({of}{', '.join(sorted(self.cause.columns))})" if self.cause.columns else named


def diagnoses(facts: Facts, plan: PlannedStatement) -> Iterator[Diagnosis]:
    """What is wrong with the estimates of a plan that was run, partitions of one table together."""
    found: dict[str, Diagnosis] = {}
    for number in far_off(plan):
        one = _diagnosis(facts, plan, number)
        if one is not None:
            there = found.get(one.identity)
            found[one.identity] = one if there is None else _together(there, one)
    yield from found.values()


def _diagnosis(facts: Facts, plan: PlannedStatement, number: int) -> Diagnosis | None:
    share = share_above(plan, number)
    effect = effect_of(facts, plan, number)
    if is_grouping(plan.nodes[number]):
        share = max(share, _share_of_grouping(plan, number))
    if effect is None or share < LEAST_SHARE:
        return None
    found = _cause(facts, plan, number)
    if found is None:
        return None
    cause, table = found
    figures = plan.figures[number]
    return Diagnosis(
        number=number,
        what=_what(plan, number, table),
        table=table,
        expected=figures.estimated_rows,
        actual=figures.rows or 0.0,
        share=share,
        effect=effect,
        cause=cause,
    )


def _share_of_grouping(plan: PlannedStatement, number: int) -> float:
    """Of the grouping itself and of the sort below it, which it was chosen with."""
    below = sum(figures.share for child, figures in plan.children(number) if child.node_type == "Sort")
    return plan.figures[number].share + below


def _cause(facts: Facts, plan: PlannedStatement, number: int) -> tuple[Cause, Table | None] | None:
    node = plan.nodes[number]
    if is_grouping(node):
        return cause_of_groups(facts, plan, number)
    if node.node_type == "CTE Scan":
        apart = materialized(facts, plan, number)
        return (apart, None) if apart else None
    case = case_of(facts, plan, number)
    if case is None:
        return None
    cause, table = (cause_of(case), base_table(facts, node)) if facts.has_catalog else (likely(case), case.table)
    return (cause, table) if cause else None


def _what(plan: PlannedStatement, number: int, table: Table | None) -> str:
    node = plan.nodes[number]
    if is_grouping(node):
        return f"grouping {table.label}" if table else "the grouping"
    return f"{node.node_type.lower()} on {table.label if table else node.cte_name}"


def _together(one: Diagnosis, other: Diagnosis) -> Diagnosis:
    """Two partitions, told as one: each needs statistics of its own."""
    remedy = replace(
        one.cause.remedy,
        sql=_lines(one.cause.remedy.sql, other.cause.remedy.sql),
        undo=_lines(one.cause.remedy.undo, other.cause.remedy.undo),
        lock=_widened(one.cause.remedy, other.cause.remedy),
    )
    return replace(
        one,
        expected=one.expected + other.expected,
        actual=one.actual + other.actual,
        cause=replace(one.cause, remedy=remedy),
    )


def _lines(*texts: str | None) -> str | None:
    lines = dict.fromkeys(line for text in texts if text for line in text.splitlines())
    return "\n".join(lines) or None


def _widened(one: Remedy, other: Remedy) -> str | None:
    return one.lock if one.lock == other.lock else "SHARE UPDATE EXCLUSIVE on each partition: reads and writes go on"
