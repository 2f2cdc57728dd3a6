"""Index advice: which indexes to create, to drop and to keep, for the whole workload, and how near to the best."""

from typing import Literal

from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.record import Record

Unit = Literal["ms", "cost"]
"""Milliseconds a day, or planner cost of all calls where no times are known."""
ToldUnit = Literal["ms a day", "ms", "cost"]
"""The same for words: milliseconds of all calls are not a day's where nobody knows in what time they were made."""


class StatementEffect(Record):
    """What advice does to one statement."""

    statement: str
    """`Statement.key`."""
    ratio: float
    """Its planned cost with the advice, upkeep of indexes included, over that without."""
    before: float
    """In the advice's unit; of a write without known times with what writing its rows costs beside the plan."""
    after: float
    is_write: bool = False
    """It writes, and pays for the upkeep of indexes."""


class AdvisedIndex(Record):
    """An index to create."""

    name: str
    """Bare; free in its schema."""
    table: str
    """`schema.table`, unquoted."""
    definition: str
    """CREATE INDEX, whole, without CONCURRENTLY."""
    sql: str
    """How to build it without stopping reads or writes: whole statements."""
    undo: str
    lock: str
    then: str | None = None
    """What is to follow it once it is built, a whole statement: ANALYZE, for the values of an expression."""
    size_bytes: int | None = None
    build_s: float | None = None
    """About how long it takes to build."""
    gain: float = 0.0
    """What it alone saves beside the others, upkeep taken off, in the advice's unit (leave one out)."""
    upkeep: float = 0.0
    """What keeping it costs the writes of the workload, in the advice's unit."""
    helps: tuple[StatementEffect, ...] = ()
    """Statements that cost less with it than with all the others alone; the most first."""
    hurts: tuple[StatementEffect, ...] = ()
    checks: tuple[str, ...] = ()
    """How to see afterwards that it is built and used: whole statements."""
    doubts: tuple[str, ...] = ()
    """Clauses."""
    comparison: PlanComparison | None = None
    """The statement that it helps most, without and with all advice."""

    @property
    def steps(self) -> str:
        """All that is to be sent: how to build it, and what follows."""
        return "\n".join(each for each in (self.sql, self.then) if each)


class DroppedIndex(Record):
    """An index to drop."""

    name: str
    """`schema.name`, unquoted."""
    table: str
    why: Literal["redundant", "unused", "replaced", "costs more than it gives"]
    reason: str
    """A clause, with the index that does its work where there is one."""
    sql: str
    undo: str
    """What makes it again."""
    lock: str
    size_bytes: int | None = None
    gain: float = 0.0
    """What dropping it saves the writes, in the advice's unit."""
    replaced_by: tuple[str, ...] = ()
    """`schema.name` of those that do its work."""
    cautions: tuple[str, ...] = ()
    """What to check before: clauses."""


class KeptIndex(Record):
    """An existing index that stays."""

    name: str
    """`schema.name`, unquoted."""
    table: str
    definition: str
    why: str
    """A clause: `the primary key`, `used by 3 statements`, `scans that no statement of the workload explains`."""
    size_bytes: int | None = None
    statements: tuple[str, ...] = ()
    """`Statement.key` of those whose plans use it, the advice followed."""


class CurvePoint(Record):
    """What the best choice gives at one budget."""

    budget_bytes: int | None
    """None: no limit."""
    size_bytes: int
    """Of the indexes that it creates."""
    indexes: int
    """How many it creates."""
    cost_ratio: float
    """The workload's cost with it over that without, upkeep included."""
    bound: float
    """No choice among those tried has a lower ratio."""
    gap: float
    """Share of the cost, 0 to 1."""
    is_knee: bool = False
    """More room gives little more from here on."""


class WhyNot(Record):
    """What an index that the user asks about would change, and why it was or was not chosen."""

    definition: str
    """CREATE INDEX, whole; of an existing index its own."""
    is_chosen: bool
    verdict: str
    """A sentence: never used, dominated, too big, writes cost more, a statement gets worse, or already there."""
    is_there: bool = False
    """It exists: `alone` and `beside` tell what taking it away changes."""
    alone: tuple[StatementEffect, ...] = ()
    """Statements that change when it alone is added to what is there today (or taken away)."""
    beside: tuple[StatementEffect, ...] = ()
    """Statements that change when it is added to the advice (or taken from it)."""
    size_bytes: int | None = None
    upkeep: float = 0.0
    gain_alone: float | None = None
    """What it saves today, in the advice's unit, upkeep taken off; None: it was not tried."""
    gain_beside: float | None = None
    """What it saves beside the advice."""
    dominated_by: tuple[str, ...] = ()
    """Names of advised or existing indexes that do its work."""
    error: str | None = None
    """Why it cannot be tried, as a clause."""


class Measured(Record):
    """What the advice did when it was really built, on a copy of the database that the user named."""

    statement: str
    before_ms: float
    """Median of several runs."""
    after_ms: float


class IndexAdvice(Record):
    """What to do about the indexes, for the whole workload."""

    unit: Unit
    tried_on: str
    """`planner twin, PostgreSQL 18.6`."""
    create: tuple[AdvisedIndex, ...] = ()
    """In the order in which to build them: the most gain for its size first."""
    drop: tuple[DroppedIndex, ...] = ()
    keep: tuple[KeptIndex, ...] = ()
    is_per_day: bool = True
    """False: the calls are those that a file gives, or in what time they were counted is not known; they are taken for
    those of a day, and never told so in words."""
    before: float = 0.0
    """The workload's cost today, in the unit."""
    after: float = 0.0
    """With all advice followed, by the planner's own plans, upkeep included."""
    bound: float = 0.0
    """No choice among the candidates tried costs less: proved; in the unit."""
    gap: float = 0.0
    """Share of `after`, 0 to 1."""
    aside: float = 0.0
    """Gains below this share of a statement's cost were not counted, for costs are not so exact: nor in the proof."""
    budget_bytes: int | None = None
    size_bytes: int = 0
    """Of all indexes to create."""
    statements: tuple[StatementEffect, ...] = ()
    """Every statement that changes, with all advice followed; the most saved first."""
    curve: tuple[CurvePoint, ...] = ()
    """From the smallest budget to none."""
    candidates: int = 0
    """How many indexes were tried."""
    plans: int = 0
    """How many plans were made for it."""
    considered: int = 0
    """How many statements it rests on."""
    left_out: tuple[tuple[str, str], ...] = ()
    """(`Statement.key`, why) of statements that could not be planned."""
    nothing_because: str | None = None
    """Why nothing is advised, as a sentence; None: something is."""
    doubts: tuple[str, ...] = ()
    """What all of it rests on and is not sure, as sentences."""
    guessed: tuple[str, ...] = ()
    """`schema.table` of those that get indexes and of whose values nothing is known."""
    why: tuple[WhyNot, ...] = ()
    """Answers to what the user asked (`--why`)."""
    measured: tuple[Measured, ...] = ()
    """Empty: nothing was really built (`--measure`)."""
    measured_ratio: float | None = None
    """Of all times, weighed by calls, with the advice built over those without."""

    @property
    def told_unit(self) -> ToldUnit:
        """The unit in words."""
        return "cost" if self.unit == "cost" else "ms a day" if self.is_per_day else "ms"

    @property
    def cost_ratio(self) -> float:
        """The workload's cost with the advice over that without."""
        return self.after / self.before if self.before > 0 else 1.0
