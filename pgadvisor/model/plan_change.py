"""What a pull request does to the plans of the workload: what rules of changes look at."""

from pgadvisor.model.catalog import Index
from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.record import Record

TELLING_SHARE = 0.0005
"""Shares below it would read `0.0 %`."""
MANY_TIMES, ROUND = 2.0, 10.0


class ChangePlace(Record):
    """The statement of a migration that a change comes from."""

    file: str
    line: int
    text: str
    """What it does, on one line and cut short."""

    @property
    def cause(self) -> str:
        """The same whatever comments are added above it."""
        return f"{self.file} {self.text}"


class WholeRead(Record):
    """A table that a plan reads whole."""

    table: str
    """`schema.table`."""
    size_bytes: int


class PlanChange(Record):
    """A statement of the workload that is planned otherwise after the migrations, or no longer at all."""

    statement: str
    """`Statement.key`."""
    place: ChangePlace
    """What it comes from, as far as can be told."""
    label: str = ""
    """The statement's name, or the beginning of its text."""
    endpoint: str | None = None
    error: str | None = None
    """Why the server refuses the statement then, as a clause; None: it is planned."""
    before: float = 0.0
    """The planner's cost as things are, in the mean over the values asked for."""
    after: float = 0.0
    share: float | None = None
    """Of all observed time; where no times are known, of the workload's cost."""
    tables: tuple[str, ...] = ()
    """That the plan reads: `schema.table`."""
    gone_indexes: tuple[str, ...] = ()
    """Used before, and not there any more: `schema.name`."""
    lost_indexes: tuple[str, ...] = ()
    """Used before, and still there, but of no use to the statement."""
    new_indexes: tuple[str, ...] = ()
    """Made by the migrations, and used."""
    whole_reads: tuple[WholeRead, ...] = ()
    """Tables read whole that were not before, the largest first."""
    comparison: PlanComparison | None = None
    doubts: tuple[str, ...] = ()
    """What the planner had to guess, as clauses."""

    @property
    def ratio(self) -> float:
        """Cost afterwards, as a multiple of the cost before."""
        return self.after / self.before if self.before > 0 else 1.0

    @property
    def added(self) -> float | None:
        """What is added to all time, as a share of it; below 0: what is saved."""
        return None if self.share is None else self.share * (self.ratio - 1.0)

    @property
    def weight(self) -> float:
        """Its share of all time, before or after, whichever is more; 1 where that is not known."""
        return 1.0 if self.share is None else self.share * max(self.ratio, 1.0)

    @property
    def who(self) -> str:
        """The statement for a message: its label, its endpoint and its share of the time."""
        more = [self.endpoint] if self.endpoint else []
        more += [f"{self.share:.1%} of the time"] if self.share is not None and self.share >= TELLING_SHARE else []
        return f"{self.label or self.statement} ({', '.join(more)})" if more else self.label or self.statement

    @property
    def times(self) -> str:
        """Its cost afterwards for a message: `12 times as much`, `30% more`, `40% less`, `5 times less`."""
        if self.ratio >= MANY_TIMES:
            return f"{self.ratio:,.0f} times as much" if self.ratio >= ROUND else f"{self.ratio:.1f} times as much"
        if self.ratio >= 1:
            return f"{self.ratio - 1:.0%} more"
        few = max(self.ratio, 1e-6)
        return f"{1 / few:,.0f} times less" if few <= 1 / MANY_TIMES else f"{1 - few:.0%} less"


class MadeIndex(Record):
    """An index that the migrations make, and that stands when all are done."""

    index: Index
    table: str
    """`schema.table`."""
    definition: str
    place: ChangePlace
    size_bytes: int | None = None
    """As it will be, by the model of sizes."""
    used_by: tuple[str, ...] = ()
    """Keys of the statements whose plans use it, queries of the pull request among them."""
    covered_by: str | None = None
    """`schema.name` of an index that does all it would."""
    is_equal: bool = False
    """That one holds the same entries in the same order."""
    is_on_new_table: bool = False
    """Its table is made by the migrations as well: no workload tells what it is for."""
    serves_foreign_key: bool = False
    """A foreign key's check looks rows up in it."""
    is_unplanned: bool = False
    """A statement that reads its table could not be planned: whether it would use the index is not known."""


class NeededIndex(Record):
    """A query that the pull request adds and that reads a big table whole, and the index with which it does not."""

    file: str
    line: int
    name: str | None
    """What its file calls it."""
    text: str
    table: str
    """`schema.table`."""
    size_bytes: int
    """Of the table."""
    definition: str
    sql: str
    """What builds it without stopping reads or writes: whole statements."""
    undo: str
    lock: str
    index_bytes: int | None
    comparison: PlanComparison

    @property
    def ratio(self) -> float:
        """Cost with the index, as a share of the cost without."""
        before = self.comparison.before.root.total_cost
        return self.comparison.after.root.total_cost / before if before > 0 else 1.0


class PlanChanges(Record):
    """All that was found by planning the workload on the schema before and after the migrations."""

    tried_on: str
    """`planner twin, PostgreSQL 18.6`."""
    planned: int
    """How many statements of the workload were planned on both."""
    untouched: int = 0
    """How many were not planned, since nothing that they use changes."""
    statements: tuple[PlanChange, ...] = ()
    """Those that changed, the most costly first."""
    indexes: tuple[MadeIndex, ...] = ()
    queries: tuple[NeededIndex, ...] = ()
