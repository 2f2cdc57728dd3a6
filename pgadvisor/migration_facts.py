"""What rules of migrations may ask: each step with what it locks, the schema before it, sizes and traffic."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pgadvisor.facts import Facts
from pgadvisor.locks.effect import LockEffect
from pgadvisor.locks.modes import LockMode, blocks_reads, blocks_writes
from pgadvisor.locks.schema import Name, Schema
from pgadvisor.model.catalog import Table
from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.model.plan_change import PlanChanges
from pgadvisor.model.trace import Trace, Traced
from pgadvisor.sql.ddl_step import DdlConstraint, DdlStep
from pgadvisor.sql.query import Query

SCAN_BYTES_A_S = 200e6
"""Reading a table from a plain cloud disk, one process: the figure that the effort of index builds rests on as well."""
BUILD_BYTES_A_S = 60e6
"""Heap bytes for which a B-tree is built in a second: read once at the above, sorted, then the index, about a quarter
of the heap, and as much WAL written at 100 MB/s."""
REWRITE_BYTES_A_S = 40e6
"""Heap and index bytes written anew in a second: read once at 200 MB/s, written at 100 MB/s, and WAL as well."""
SMALL_BYTES = 10 * 1024 * 1024
"""Read in 50 ms and written anew in a quarter of a second: nobody notices."""
NOTICED_MS = 1_000.0
"""A lock held longer is seen by users: the time after which a web request is called slow."""


class Steps(list["MigrationStep"]):
    """Steps in their order, found by table, name or transaction without a look at all of them.

    It is asked only when all steps are in it.
    """

    def __init__(self, steps: Iterable["MigrationStep"] = ()) -> None:
        super().__init__(steps)
        self._counted = 0
        self._by_table: dict[str | None, list[MigrationStep]] = {}
        self._by_name: dict[str | None, list[MigrationStep]] = {}
        self._by_transaction: dict[int | None, list[MigrationStep]] = {}
        self._places: dict[int, int] = {}

    def on(self, table: str | None) -> Sequence["MigrationStep"]:
        """Those on that table, as `schema.table`."""
        self._count()
        return self._by_table.get(table, ())

    def naming(self, name: str) -> Sequence["MigrationStep"]:
        """Those that make, change or drop an object of that bare name."""
        self._count()
        return self._by_name.get(name, ())

    def place(self, step: "MigrationStep") -> int:
        """Which of them the step is, from 0."""
        self._count()
        return self._places[id(step)]

    def within(self, transaction: int) -> Sequence["MigrationStep"]:
        """Those in that transaction of the migration."""
        self._count()
        return self._by_transaction.get(transaction, ())

    def _count(self) -> None:
        if self._counted == len(self):
            return
        self._counted = len(self)
        for place, each in enumerate(self):
            self._places[id(each)] = place
            self._by_table.setdefault(each.target, []).append(each)
            for name in {each.step.name, *(bare for _, bare in each.step.names)}:
                self._by_name.setdefault(name, []).append(each)
            self._by_transaction.setdefault(each.transaction, []).append(each)


@dataclass(frozen=True, kw_only=True)
class MigrationStep:
    """One step of a migration, as a rule receives it."""

    migration: Migration
    statement: MigrationStatement
    step: DdlStep
    position: int
    """Among the steps of its migration, from 0."""
    schema: Schema
    """The schema as it is before the step."""
    effect: LockEffect
    transaction: int | None = None
    """Number of the transaction within the migration that it runs in; None: in none, it commits by itself."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings that the migration made before and that are in force: `lock_timeout`, `statement_timeout`, …"""
    siblings: Steps = field(default_factory=Steps, repr=False, compare=False)
    """All steps of the migration, in order."""
    judged: Steps = field(default_factory=Steps, repr=False, compare=False)
    """All steps of all that is judged, in order: an index may follow in a migration of its own."""

    @property
    def command(self) -> str:
        """What it does: `add column`."""
        return self.step.command

    @property
    def spelled(self) -> str:
        """The command as SQL spells it, for messages: `ADD COLUMN`."""
        return self.step.command.upper()

    @property
    def target(self) -> str | None:
        """The table (or view) that it is about, as `schema.table`; of CREATE INDEX the index's table."""
        return self.effect.table

    @property
    def label(self) -> str:
        """The target's name for a message: bare in `public`, qualified elsewhere; `the table` when not known."""
        return (self.target or "the table").removeprefix("public.")

    @cached_property
    def table(self) -> Table | None:
        """The target as known before the step. None: nothing is known of it: it exists, and counts as big.

        Where only earlier migrations were seen it may hold a part of its columns and constraints:
        `schema.is_whole(target)` tells.
        """
        return self.schema.table(self.target)

    @property
    def is_new(self) -> bool:
        """Whether the target was made by what is judged: no program uses it yet, and its locks harm nobody."""
        return self.schema.is_new(self.target)

    @property
    def is_in_transaction(self) -> bool:
        """Whether it shares a transaction with its neighbours."""
        return self.transaction is not None

    @property
    def before(self) -> tuple["MigrationStep", ...]:
        """The earlier steps of the same transaction."""
        if self.transaction is None:
            return ()
        own = self.siblings.within(self.transaction)
        return tuple(own[: bisect_left(own, self.position, key=_position)])

    @property
    def after(self) -> tuple["MigrationStep", ...]:
        """The later steps of the same transaction."""
        if self.transaction is None:
            return ()
        own = self.siblings.within(self.transaction)
        return tuple(own[bisect_right(own, self.position, key=_position) :])

    def comes_before(self, other: "MigrationStep") -> bool:
        """Whether it runs earlier than another one of all that is judged."""
        if self.migration is other.migration:
            return self.position < other.position
        return self.judged.place(self) < self.judged.place(other)

    def shares_transaction(self, other: "MigrationStep") -> bool:
        """Whether both run in one transaction, or are clauses of one statement, of the same migration."""
        if self.migration is not other.migration:
            return False
        return self.statement is other.statement or (self.is_in_transaction and self.transaction == other.transaction)

    @property
    def clauses(self) -> Sequence["MigrationStep"]:
        """The steps of the same statement, in order, with this one."""
        first = last = self.position
        while first and self.siblings[first - 1].statement is self.statement:
            first -= 1
        while last < len(self.siblings) and self.siblings[last].statement is self.statement:
            last += 1
        return self.siblings[first:last]

    @property
    def added_constraints(self) -> tuple[DdlConstraint, ...]:
        """The constraints that it adds, by themselves or with a column or table."""
        return (*((self.step.constraint,) if self.step.constraint else ()), *self.step.constraints)

    def named(self, name: Name) -> str:
        """A name of the statement as `schema.table`."""
        return self.schema.qualified(name)


class GateFacts:
    """What is known beside the steps: the server's version, the snapshot, sizes and traffic of tables."""

    def __init__(
        self,
        migrations: Iterable[Migration],
        *,
        version: int,
        facts: Facts | None = None,
        version_is_known: bool = True,
        plans: PlanChanges | None = None,
        trace: Trace | None = None,
    ) -> None:
        """`version`: the major version that the migrations will run on; `facts`: of a snapshot of that database;
        `plans`: what was found by planning its workload before and after; `trace`: what running the migrations on a
        scratch server showed."""
        self.migrations = tuple(migrations)
        self.version = version
        self.version_is_known = version_is_known
        self.facts = facts
        self.plans = plans
        self.trace = trace
        self._places: dict[int, dict[int, int]] = {}
        self._first: dict[tuple[Callable[[MigrationStep, GateFacts], bool], int], MigrationStep | None] = {}

    def first(self, step: MigrationStep, holds: Callable[[MigrationStep, "GateFacts"], bool]) -> MigrationStep | None:
        """The first step of the step's migration of which that holds; looked for once a migration.

        `holds` is a function with a name, which asks the same of every step.
        """
        key = holds, id(step.siblings)
        if key not in self._first:
            self._first[key] = next((each for each in step.siblings if holds(each, self)), None)
        return self._first[key]

    def traced(self, step: MigrationStep) -> Traced | None:
        """What the step's statement, whole, did on the scratch server; None: it was not run there, or failed."""
        places = self._places.get(id(step.migration))
        if places is None:
            places = {id(each): at for at, each in enumerate(step.migration.up)}
            self._places[id(step.migration)] = places
        found = self._ups.get((step.migration.file, step.migration.name, places.get(id(step.statement))))
        return found if found is not None and found.error is None and _was_run(found) else None

    @cached_property
    def _ups(self) -> dict[tuple[str, str, int | None], Traced]:
        statements = self.trace.statements if self.trace is not None else ()
        return {(each.file, each.migration, each.place): each for each in statements if each.direction == "up"}

    def table(self, name: str | None) -> Table | None:
        """The table as the snapshot has it; None: there is no snapshot, or no such table in it."""
        return self.facts.table(name) if self.facts is not None else None

    def rows(self, name: str | None) -> float | None:
        """Rows of the table, over all partitions; None: not known."""
        return self.facts.rows(name) if self.facts is not None else None

    def heap_bytes(self, name: str | None) -> int | None:
        """Size of the table without its indexes, over all partitions; None: not known."""
        return self.facts.heap_bytes(name) if self.facts is not None else None

    def total_bytes(self, name: str | None) -> int | None:
        """Size with indexes and TOAST; None: not known."""
        found = self.table(name)
        return None if found is None else (found.total_bytes or self.heap_bytes(name))

    def is_small(self, name: str | None) -> bool:
        """Whether the table is known to be so small that nothing done to it takes time. Not known is not small."""
        found = self.total_bytes(name)
        return found is not None and found <= SMALL_BYTES

    def is_new(self, step: MigrationStep) -> bool:
        """Whether the step's table was made by what is judged."""
        return step.is_new

    def held_ms(self, step: MigrationStep) -> float | None:
        """How long the step's own work takes while it holds its lock, roughly; None: the table's size is not known.

        0 for what takes no time whatever the size. What waits for the lock itself, and what comes later in the same
        transaction, is not in it.
        """
        effect = step.effect
        worked = effect.worked_table or effect.table
        if step.schema.is_new(worked) or not effect.is_long:
            return 0.0
        heap, total = self.heap_bytes(worked), self.total_bytes(worked)
        if heap is None or total is None:
            return None
        if effect.rewrites != "no":
            return total / REWRITE_BYTES_A_S * 1_000
        return heap / (BUILD_BYTES_A_S if effect.builds_index != "no" else SCAN_BYTES_A_S) * 1_000

    def queued_calls_per_s(self, name: str | None, mode: LockMode | None = "ACCESS EXCLUSIVE") -> float | None:
        """How many calls a second of the workload would wait behind that lock on the table; None: not known."""
        if self.facts is None or not self.facts.snapshot.statements or self.facts.window_s is None or name is None:
            return None
        reads, writes = self._traffic.get(name, (0, 0))
        calls = (reads if blocks_reads(mode) else 0) + (writes if blocks_writes(mode) else 0)
        return calls / self.facts.window_s

    @cached_property
    def _traffic(self) -> dict[str, tuple[int, int]]:
        """Of each table the calls that read it, and those that write it."""
        found: dict[str, tuple[int, int]] = {}
        if self.facts is None:
            return found
        for key, query in self.facts.queries.items():
            statement = self.facts.statement(key)
            calls = (statement.calls or 0) if statement else 0
            for name, is_written in self._used(query):
                reads, writes = found.get(name, (0, 0))
                found[name] = (reads, writes + calls) if is_written else (reads + calls, writes)
        return found

    def _used(self, query: Query) -> set[tuple[str, bool]]:
        """The tables of a query as `schema.table`, each once: written, or only read."""
        assert self.facts is not None
        found: dict[str, bool] = {}
        for use in query.tables():
            table = self.facts.table(use.table)
            if table is not None:
                found[table.qualified] = found.get(table.qualified, False) or use.is_target
        return set(found.items())


def _position(step: MigrationStep) -> int:
    return step.position


def _was_run(traced: Traced) -> bool:
    return traced.not_run is None and traced.passed_over is None
