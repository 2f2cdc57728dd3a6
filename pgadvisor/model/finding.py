"""What a rule says: finding, evidence, remedy."""

import re
from enum import StrEnum
from typing import Literal

from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.record import Record


class Severity(StrEnum):
    """How bad it is; not how sure we are."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return ("error", "warning", "info").index(self.value)


class Rung(StrEnum):
    """How we know."""

    INFERRED = "inferred"
    """From text or catalog."""
    ESTIMATED = "estimated"
    """From the planner or its statistics."""
    MEASURED = "measured"
    """From execution or counters."""

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return ("measured", "estimated", "inferred").index(self.value)


class Evidence(Record):
    """Why we believe it."""

    rung: Rung
    text: str
    comparison: PlanComparison | None = None
    """The finding's own statement planned, or run, without and with the remedy."""


class Span(Record):
    """A part of a text: offsets in characters, end exclusive."""

    start: int
    end: int


def first_sentence(text: str) -> str:
    """The first sentence, without its full stop; a stop inside a name or a number ends none."""
    return re.split(r"(?<=[^.\d])\.(?=\s|$)", text, maxsplit=1)[0]


class Remedy(Record):
    """What to do about it. Text for a person: pgadvisor never runs it."""

    text: str
    """Imperative, one or two sentences."""
    sql: str | None = None
    """Whole statements, each ended by `;` when there are several."""
    code: str | None = None
    """The same for the file where the finding stands, as Python of its framework: Alembic or Django."""
    undo: str | None = None
    lock: str | None = None
    """What it locks and for how long: `SHARE UPDATE EXCLUSIVE on orders: reads and writes go on`."""
    cost: str | None = None
    """What it costs: size, writes, time to build."""
    needs_rewrite: bool = False
    """Its SQL helps only together with a change of the statement that its text asks for."""

    @property
    def change(self) -> str | None:
        """What to put in: code where the finding stands in code, else SQL."""
        return self.code or self.sql


class Where(Record):
    """What a finding is about."""

    table: str | None = None
    """`schema.table`."""
    column: str | None = None
    index: str | None = None
    statement: str | None = None
    """`Statement.key`."""
    file: str | None = None
    line: int | None = None
    endpoint: str | None = None


class Finding(Record):
    """One thing found. A rule fills what it knows; `rule`, `also`, `key` and the share are filled in by advise."""

    where: Where
    message: str
    """The fact with its names and numbers, lower case, no full stop."""
    evidence: tuple[Evidence, ...]
    """First the piece that the message rests on."""
    remedy: Remedy
    wrong_if: str
    """What would make it false, as a clause."""
    severity: Severity
    gain_ms_per_day: float | None = None
    """Observed time × planner ratio; never raw cost."""
    at_most_ms_per_day: float | None = None
    """Where the gain is not known: the observed time of what it is about, of which its remedy frees some or all."""
    saves_ms_per_request: float | None = None
    """Of a finding about an endpoint: database time that its remedy saves, at most, of each request."""
    cause: str | None = None
    """Findings of one rule with the same cause are one finding: `index public.orders (customer_id)`. None: its own."""
    spans: tuple[Span, ...] = ()
    """The guilty parts of the statement's text."""
    node: int | None = None
    """The guilty node of the statement's plan, numbered from 0 in `PlanNode.walk` order."""
    rule: str = ""
    also: tuple[str, ...] = ()
    """Other rules that found the same cause; what they say stands among the evidence."""
    key: str = ""
    """Identity across runs: no numbers in it."""
    statements: tuple[str, ...] = ()
    """Keys of all statements concerned, the most costly first."""
    share: float | None = None
    """Their share of all observed database time, 0 to 1."""
    status: Literal["new", "known"] | None = None
    """Against the previous run or the baseline that was given; None: neither was."""

    @property
    def comparison(self) -> PlanComparison | None:
        """The plans without and with its remedy, where that was tried."""
        return next((each.comparison for each in self.evidence if each.comparison is not None), None)

    @property
    def rung(self) -> Rung:
        """That of its first piece of evidence, on which its message rests: others may be surer and say less."""
        return self.evidence[0].rung if self.evidence else Rung.INFERRED
