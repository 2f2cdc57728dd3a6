"""What-if: a change that is supposed, and what the planner answers under it. Who asks needs no database driver."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pgadvisor.model.plan import Plan
from pgadvisor.model.record import Record


class HypotheticalIndex(Record):
    """An index that does not exist, as CREATE INDEX would make it."""

    name: str
    """As it would be called, bare: plans show it."""
    schema: str
    """Of the table, and so of the index."""
    table_name: str
    """Bare."""
    definition: str
    """The whole CREATE INDEX, with its name, without CONCURRENTLY."""

    @property
    def table(self) -> str:
        """`schema.table`, unquoted."""
        return f"{self.schema}.{self.table_name}"

    @property
    def qualified(self) -> str:
        """`schema.name`: an index lives in its table's schema."""
        return f"{self.schema}.{self.name}"


class Configuration(Record):
    """What is supposed to be different: indexes that exist or not, settings, and any other DDL."""

    create: tuple[HypotheticalIndex, ...] = ()
    hide: tuple[str, ...] = ()
    """Existing indexes that shall not be there: `schema.name`, or a bare name that is the only one."""
    settings: tuple[tuple[str, str], ...] = ()
    ddl: tuple[str, ...] = ()
    """Other DDL, one statement each, run before planning and taken back after it."""


NOTHING = Configuration()
"""Everything as it is."""


class LookUps(Record):
    """Look-ups by an index on the inner side of a nested loop: how many, and what the planner takes them for."""

    index: str
    """`schema.name`."""
    table: str
    """`schema.table`."""
    loops: float
    rows: float
    """That each finds."""
    cost: float
    """Of all together, as far as a LIMIT lets them run."""
    is_index_only: bool
    is_ordered: bool
    """Whether the outer side comes in the order in which its table lies on disk."""


class Answer(Record):
    """What the planner says of one statement under one configuration."""

    plan: Plan | None = None
    """None: an error, or only the cost was asked for."""
    cost: float | None = None
    """The planner's total cost; None: an error."""
    indexes_used: tuple[str, ...] = ()
    """`schema.name`, each once, sorted."""
    look_ups: tuple[LookUps, ...] = ()
    """The many ones of its plan; of a twin only where costs were asked for."""
    error: str | None = None
    """Why there is no plan, as a clause."""
    doubts: tuple[str, ...] = ()
    """What the planner had to guess for an index of the configuration, as clauses: how far the cost can be trusted."""


class IndexSize(Record):
    """How big an index would be, freshly built."""

    size_bytes: int | None = None
    """None: the index cannot be made."""
    rows: float | None = None
    """How many entries."""
    doubts: tuple[str, ...] = ()
    """What was not known and had to be guessed, as clauses."""
    error: str | None = None
    """Why it cannot be made, as a clause."""


class Question(NamedTuple):
    """Texts to plan under one configuration."""

    configuration: Configuration
    texts: tuple[str, ...]


class Planner(Protocol):
    """Plans statements under configurations. Texts have values in the place of parameters."""

    @property
    def label(self) -> str:
        """Where it plans: `planner twin, PostgreSQL 18.6`."""

    def plan(self, text: str, configuration: Configuration = NOTHING) -> Answer:
        """The plan of one statement."""

    def plan_all(self, texts: Sequence[str], configuration: Configuration = NOTHING) -> list[Answer]:
        """The plans of several statements, in their order."""

    def costs(self, questions: Sequence[Question]) -> list[list[Answer]]:
        """For each question the answers for its texts, without plans: the fast way for many."""

    def sizes(self, indexes: Sequence[HypotheticalIndex]) -> list[IndexSize]:
        """How big each index would be, built; the fast way to have many of them made before they are asked for."""

    def size(self, index: HypotheticalIndex) -> IndexSize:
        """How big the index would be."""
