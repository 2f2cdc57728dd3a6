"""The form of index advice in the JSON report, written down as records."""

from typing import Literal

from pgadvisor.model.advice import Unit
from pgadvisor.reports.json_record import JsonRecord, Key


class JsonEffect(JsonRecord):
    """What advice does to one statement."""

    statement: Key
    ratio: float
    """Its planned cost with the advice, upkeep of indexes included, over that without."""
    before: float
    """In the advice's unit."""
    after: float


class JsonComparedCosts(JsonRecord):
    """A statement planned without and with all advice, in the planner's units."""

    cost_before: float
    cost_after: float


class JsonCreate(JsonRecord):
    """An index to create."""

    name: str
    table: str
    definition: str
    """CREATE INDEX, whole, without CONCURRENTLY."""
    sql: str
    """How to build it without stopping reads or writes."""
    then: str | None
    """What is to follow it once it is built."""
    undo: str
    lock: str
    size_bytes: int | None
    build_s: float | None
    gain_ms_per_day: float | None
    """What it alone saves beside the others, upkeep taken off; null: no times are known."""
    gain: float
    """The same in `unit`."""
    unit: Unit
    """`ms`, milliseconds a day (the calls of a workload file are taken for those of a day), or `cost`, planner cost of
    all calls where no times are known."""
    upkeep: float
    """What keeping it costs the writes of the workload."""
    helps: tuple[JsonEffect, ...]
    """Statements that cost less with it than with all the others alone; the most first."""
    hurts: tuple[JsonEffect, ...]
    checks: tuple[str, ...]
    """How to see afterwards that it is built and used."""
    doubts: tuple[str, ...]
    comparison: JsonComparedCosts | None
    """Of the statement that it helps most."""


class JsonDrop(JsonRecord):
    """An index to drop."""

    name: str
    table: str
    why: Literal["redundant", "unused", "replaced", "costs more than it gives"]
    reason: str
    sql: str
    undo: str
    """What makes it again."""
    lock: str
    size_bytes: int | None
    gain_ms_per_day: float | None
    """What dropping it saves the writes; null: no times are known."""
    gain: float
    unit: Unit
    helps: tuple[JsonEffect, ...]
    """Always empty: what a drop saves are writes as a whole."""
    hurts: tuple[JsonEffect, ...]
    """Always empty: what changes for statements with all advice followed is in `statements`."""
    replaced_by: tuple[str, ...]
    cautions: tuple[str, ...]


class JsonKeep(JsonRecord):
    """An existing index that stays."""

    name: str
    table: str
    definition: str
    why: str
    size_bytes: int | None
    statements: tuple[Key, ...]
    """Those whose plans use it, the advice followed."""


class JsonCurvePoint(JsonRecord):
    """What the best choice gives at one budget."""

    budget_bytes: int | None
    """null: no limit."""
    size_bytes: int
    indexes: int
    cost_ratio: float
    bound: float | None
    """No choice among those tried has a lower ratio; null: nothing is proved."""
    gap: float
    is_knee: bool


class JsonLeftOut(JsonRecord):
    """A statement that could not be planned."""

    statement: Key
    reason: str


class JsonWhyNot(JsonRecord):
    """An answer to `--why`."""

    definition: str
    is_chosen: bool
    is_there: bool
    """It exists: `alone` and `beside` tell what taking it away changes."""
    verdict: str
    alone: tuple[JsonEffect, ...]
    """Statements that change when it alone is added to what is there today (or taken away)."""
    beside: tuple[JsonEffect, ...]
    """Statements that change when it is added to the advice (or taken from it)."""
    size_bytes: int | None
    upkeep: float
    gain_alone: float | None
    """What it saves today; null: it was not tried."""
    gain_beside: float | None
    """What it saves beside the advice."""
    dominated_by: tuple[str, ...]
    error: str | None


class JsonMeasured(JsonRecord):
    """A statement timed on the copy that `--measure` names."""

    statement: Key
    before_ms: float
    after_ms: float


class JsonAdvice(JsonRecord):
    """What to do about the indexes, for the whole workload."""

    create: tuple[JsonCreate, ...]
    """In the order in which to build them."""
    drop: tuple[JsonDrop, ...]
    keep: tuple[JsonKeep, ...]
    unit: Unit
    before: float
    """The workload's cost today, in the unit."""
    after: float
    """With all advice followed, upkeep of indexes included."""
    cost_ratio: float
    """`after` over `before`."""
    bound: float | None
    """No choice among the indexes tried has a lower `cost_ratio`: proved; null: nothing is proved."""
    gap: float
    """How far `cost_ratio` is above `bound`, as a share of it: 0 to 1."""
    budget_bytes: int | None
    """null: no limit."""
    size_bytes: int
    """Of all indexes to create."""
    curve: tuple[JsonCurvePoint, ...]
    """From the smallest budget to none."""
    statements: tuple[JsonEffect, ...]
    """Every statement that changes, with all advice followed; the most saved first."""
    tried_on: str
    candidates: int
    """How many indexes were tried."""
    plans: int
    considered: int
    """How many statements it rests on."""
    left_out: tuple[JsonLeftOut, ...]
    nothing_because: str | None
    """Why nothing is advised; null: something is."""
    doubts: tuple[str, ...]
    guessed: tuple[str, ...]
    """`schema.table` of those that get indexes and of whose values nothing is known: low confidence."""
    why: tuple[JsonWhyNot, ...]
    measured: tuple[JsonMeasured, ...]
    measured_ratio: float | None
    """Of all times, weighed by calls, with the advice built over those without; null: nothing was built."""
