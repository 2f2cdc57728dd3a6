"""One estimate that is far off, with what is known of it; and a cause that was found for it."""

from dataclasses import dataclass

from pgadvisor.estimates.conditions import Conditions, conditions_of, is_joining, is_unknown, results_of
from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.indexes.needs import scanned_table
from pgadvisor.model.catalog import Table
from pgadvisor.model.finding import Evidence, Remedy
from pgadvisor.model.plan import PlanNode
from pgadvisor.model.record import Record
from pgadvisor.sql.query import Predicate

DEFAULT_TARGET = 100
TOP_TARGET = 1_000
"""Beyond it ANALYZE of the table takes long (it samples 300 rows for each), and so does planning."""
ALIKE = 2.0
"""Estimates within this factor are taken for the same."""


class Cause(Record):
    """Why an estimate is off, and what mends it."""

    name: str
    """Of the kind: `correlated columns`."""
    columns: tuple[str, ...]
    evidence: Evidence
    """What the test of it showed."""
    remedy: Remedy


@dataclass(frozen=True)
class Case:
    """An estimate of a scan, as the node's own figures have it, for all of its runs together."""

    facts: Facts
    plan: PlannedStatement
    number: int
    table: Table
    conditions: Conditions
    expected: float
    actual: float
    loops: float

    @property
    def node(self) -> PlanNode:
        """The scan."""
        return self.plan.nodes[self.number]

    @property
    def rows(self) -> float:
        """Rows of the table that all runs of the scan could have given."""
        return max(self.table.rows or 0.0, 1.0) * self.loops

    @property
    def is_too_low(self) -> bool:
        """Whether more rows came than were expected."""
        return self.expected < self.actual

    @property
    def predicates(self) -> tuple[Predicate, ...]:
        """What it filters by; what joins it to another relation, or compares with a value unknown, is left out."""
        found = self.conditions.predicates
        return tuple(each for each in found if not is_joining(each, self.node.alias) and not is_unknown(each))

    @property
    def is_joined(self) -> bool:
        """Whether rows of another relation say which ones it gives."""
        return any(is_joining(each, self.node.alias) for each in self.conditions.predicates)

    @property
    def is_whole(self) -> bool:
        """Whether `predicates` are all that it filters by."""
        return self.conditions.is_whole and len(self.predicates) == len(self.conditions.predicates)

    @property
    def target(self) -> int:
        """How many common values ANALYZE keeps, unless a column says otherwise."""
        setting = self.facts.setting("default_statistics_target")
        return int(setting) if setting and setting.isdigit() else DEFAULT_TARGET


def case_of(facts: Facts, plan: PlannedStatement, number: int) -> Case | None:
    """The case of a scan of a table that is known; None for any other node."""
    node, figures = plan.nodes[number], plan.figures[number]
    table = scanned_table(facts, node) or _named(facts, node)
    if table is None:
        return None
    return Case(
        facts=facts,
        plan=plan,
        number=number,
        table=table,
        conditions=conditions_of(node, table, results_of(plan.root)),
        expected=figures.estimated_rows,
        actual=figures.rows or 0.0,
        # The processes of a parallel scan share the rows.
        loops=1.0 if node.is_parallel_aware else node.actual_loops or 1.0,
    )


def _named(facts: Facts, node: PlanNode) -> Table | None:
    """The table of a plan that someone pasted, of which nothing is known but its name."""
    if facts.has_catalog or node.table is None:
        return None
    return Table(schema=node.schema or "public", name=node.table)


def alike(one: float, other: float, factor: float = ALIKE) -> bool:
    """Whether two numbers of rows, or shares, are the same within the factor."""
    return min(one, other) > 0.0 and max(one, other) <= factor * min(one, other)
