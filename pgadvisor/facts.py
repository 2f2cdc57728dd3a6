"""What rules may ask of a Snapshot; look-ups are built once."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TypeVar, cast

from pgadvisor.model.advice import IndexAdvice
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.catalog import Column, Constraint, Index, Table
from pgadvisor.model.finding import Severity
from pgadvisor.model.plan import Plan, PlanNode, StatementPlan
from pgadvisor.model.plan_figures import NodeFigures, figures
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.query import ColumnUse, Predicate, Query, Scope, TableUse, Value

Made = TypeVar("Made")

SMALL_TABLE_PAGES = 64
"""Below this (512 kB) a sequential scan takes about a millisecond and an index seldom pays."""
TINY_TABLE_ROWS = 1_000
"""Up to here a small table is read whole in a tenth of a millisecond: nothing about reading it is worth a word."""
PART = 0.25
"""A plan that reads a table for less than this share of the cost of all of it has an index that works."""
PART_ROWS = 0.03
"""So has one whose bitmap holds less than this share of the rows."""
FEW = 0.05
"""A join that brings fewer rows than this share of a table pays for an index lookup of each (a random page per row)."""
DAY_S = 86_400.0
HEAVY_SHARE, HEAVY_MS_PER_DAY = 0.10, 60_000.0
"""A tenth of all database time, and a minute a day at least: whoever reads the report should act."""
LIGHT_SHARE, LIGHT_MS_PER_DAY = 0.005, 1_000.0
"""Below either, curing it changes nothing that anyone would see."""
LEAST_PART, LEAST_CALL_MS = 0.05, 5.0
"""A smaller part of a statement, or of a call that is as fast as this, is worth a word only when it adds up."""


class PlannedStatement:
    """A plan with the statement it is of: what a plan rule receives."""

    def __init__(self, planned: StatementPlan, plan: Plan, statement: Statement | None, query: Query | None) -> None:
        self.key = planned.statement
        self.kind = planned.kind
        self.plan = plan
        self.root = plan.root
        self.statement = statement
        self.query = query
        self.nodes: tuple[PlanNode, ...] = tuple(plan.root.walk())
        self.generic = planned.generic
        self.alternatives = planned.alternatives

    @property
    def is_analyzed(self) -> bool:
        """Whether it was really run."""
        return self.plan.is_analyzed

    @cached_property
    def figures(self) -> tuple[NodeFigures, ...]:
        """The figures of each node, in the order of `nodes`."""
        return figures(self.plan)

    def numbered(self) -> Iterator[tuple[PlanNode, NodeFigures]]:
        """Each node with its figures, parents first."""
        return zip(self.nodes, self.figures, strict=True)

    def scans(self, alias: str | None) -> tuple[PlanNode, ...]:
        """The nodes that read the relation of that alias; EXPLAIN numbers a partition's alias: `events_1`."""
        return tuple(
            node
            for node in self.nodes
            if node.alias and node.table and alias and re.fullmatch(rf"{re.escape(alias)}(_\d+)?", node.alias)
        )

    def scan_number(self, alias: str | None) -> int | None:
        """The number of the node that reads the relation of that alias; None: none does, or several."""
        scans = self.scans(alias)
        return next((at for at, node in enumerate(self.nodes) if node is scans[0]), None) if len(scans) == 1 else None

    def scan_share(self, alias: str | None) -> float:
        """The share of the statement that reading the relation of that alias takes, over its partitions."""
        return self.share_below(*self.scans(alias))

    def share_below(self, *tops: PlanNode) -> float:
        """The share of the statement that those nodes take with all that is below them."""
        below = {id(node) for top in tops for node in top.walk()}
        return min(sum(each.share for node, each in self.numbered() if id(node) in below), 1.0)

    def children(self, number: int) -> Iterator[tuple[PlanNode, NodeFigures]]:
        """The nodes directly below the node of that number."""
        return ((node, each) for node, each in self.numbered() if each.parent == number)

    def parent(self, number: int) -> PlanNode | None:
        """The node above."""
        above = self.figures[number].parent
        return None if above is None else self.nodes[above]


class Facts:
    """A Snapshot with its queries, indexed for questions."""

    def __init__(
        self,
        snapshot: Snapshot,
        queries: Mapping[str, Query],
        advice: IndexAdvice | None = None,
        budgets: tuple[EndpointBudget, ...] = (),
    ) -> None:
        """`queries`: by `Statement.key`, those that were understood. `advice`: on the indexes of the whole workload;
        None: no planner was asked. `budgets`: of the endpoints of the application."""
        self.snapshot = snapshot
        self.queries = queries
        self.advice = advice
        self.budgets = budgets
        self._made: dict[object, object] = {}

    def once(self, make: "Callable[[Facts], Made]") -> Made:
        """What `make` works out of these facts: worked out at the first call, remembered for the next."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast(Made, self._made[make])

    # Tables and columns

    @cached_property
    def _tables(self) -> dict[str, Table]:
        return {table.qualified: table for table in self.snapshot.tables}

    @property
    def has_catalog(self) -> bool:
        """Whether a database's catalog was read: without it, text alone speaks."""
        return self.snapshot.server is not None

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables."""
        return self.snapshot.tables

    def table(self, name: str | None) -> Table | None:
        """The table of that name, `schema.table` or bare (then looked up along the search path)."""
        if name is None:
            return None
        if name in self._tables:
            return self._tables[name]
        return next(
            (self._tables[at] for schema in self.snapshot.search_path if (at := f"{schema}.{name}") in self._tables),
            None,
        )

    def column(self, table: str | None, column: str) -> Column | None:
        """The column of that table."""
        found = self.table(table)
        return found.column(column) if found else None

    def partitions(self, table: str) -> tuple[Table, ...]:
        """The direct partitions of a table given as `schema.table`."""
        return self._partitions.get(table, ())

    @cached_property
    def updated_columns(self) -> dict[str, frozenset[str]]:
        """Columns by `schema.table` that some statement of the workload sets in an UPDATE."""
        found: dict[str, set[str]] = {}
        for query in self.queries.values():
            for scope in query.scopes:
                if scope.write == "update" and scope.target and (table := self.table(scope.target.table)):
                    found.setdefault(table.qualified, set()).update(each.column for each in scope.assigned)
        return {table: frozenset(columns) for table, columns in found.items()}

    @cached_property
    def _partitions(self) -> dict[str, tuple[Table, ...]]:
        found: dict[str, tuple[Table, ...]] = {}
        for table in self.tables:
            if table.partition_of:
                found[table.partition_of] = (*found.get(table.partition_of, ()), table)
        return found

    def pages(self, table: str | None) -> int | None:
        """Heap pages as the file system has them, over all partitions; None: not known.

        `relpages` is 0 until the first VACUUM or ANALYZE, so it serves only where the size could not be read.
        """
        found = self.table(table)
        if found is None:
            return None
        below = self.partitions(found.qualified)
        if below:
            return sum(self.pages(each.qualified) or 0 for each in below)
        return found.pages if found.heap_bytes is None else found.heap_bytes // 8192

    def is_small(self, table: str | None) -> bool:
        """Whether reading all of the table costs next to nothing. False when nothing is known of it."""
        pages = self.pages(table)
        return pages is not None and pages < SMALL_TABLE_PAGES

    def is_system(self, table: str | None) -> bool:
        """Whether it is a table or view of PostgreSQL's own catalog: nobody's to tune."""
        schema, _, name = (table or "").rpartition(".")
        return schema in ("pg_catalog", "information_schema") or (name.startswith("pg_") and self.table(table) is None)

    def is_tiny(self, table: str | None) -> bool:
        """Whether the table is small and has few rows: a lookup table. False when nothing is known of it."""
        found = self.table(table)
        return found is not None and self.is_small(table) and (self.rows(table) or 0.0) <= TINY_TABLE_ROWS

    def rows(self, table: str | None) -> float | None:
        """Rows, over all partitions; None: not known."""
        found = self.table(table)
        if found is None:
            return None
        below = self.partitions(found.qualified)
        return sum(self.rows(each.qualified) or 0.0 for each in below) if below else found.rows

    def whole_cost(self, table: str | None) -> float | None:
        """What the planner takes a sequential scan of all of the table for (`cost_seqscan` in costsize.c)."""
        pages, rows = self.pages(table), self.rows(table)
        if pages is None or rows is None:
            return None
        row_cost = self._cost("cpu_tuple_cost", 0.01) + self._cost("cpu_operator_cost", 0.0025)
        return pages * self._cost("seq_page_cost", 1.0) + rows * row_cost

    def _cost(self, setting: str, default: float) -> float:
        value = self.setting(setting)
        return float(value) if value else default

    def reads_part(self, planned: PlannedStatement, alias: str | None, table: str | None) -> bool:
        """Whether the plan reads only a small part of that table, or of those of its partitions that it reads."""
        scans, found = planned.scans(alias), self.table(table)
        own = [self.whole_cost(f"{scan.schema}.{scan.table}" if scan.schema else scan.table) for scan in scans]
        whole = self.whole_cost(table) if None in own else sum(each or 0.0 for each in own)
        if not scans or not whole or found is None:
            return False
        if any(scan.node_type == "Seq Scan" and scan.table == found.name for scan in scans):
            return False
        if sum(scan.total_cost for scan in scans) < PART * whole:
            return True
        # A bitmap scan pays random pages that are often in memory: the rows that it finds tell more than its cost.
        found_rows = [_bitmap_rows(scan) for scan in scans]
        rows = sum(each or 0.0 for each in found_rows)
        return None not in found_rows and rows < PART_ROWS * (self.rows(table) or 0.0)

    def joins_few(self, planned: PlannedStatement, alias: str | None, table: str | None) -> bool:
        """Whether a join brings so few rows to that table that looking them up would beat reading it whole."""
        scans, rows = planned.scans(alias), self.rows(table) or 0.0
        joins = [each for each in planned.nodes if each.node_type.endswith("Join") or each.node_type == "Nested Loop"]
        return any(
            side.estimated_rows < FEW * rows and not any(each in scans for each in side.walk())
            for join in joins
            for side in join.children
        )

    def heap_bytes(self, table: str | None) -> int | None:
        """Heap size, over all partitions."""
        pages = self.pages(table)
        return None if pages is None else pages * 8192

    # Indexes and constraints

    def indexes_led_by(self, table: str | None, key: str) -> tuple[Index, ...]:
        """Valid indexes of the table whose first key is that canonical expression or column."""
        found = self.table(table)
        if found is None:
            return ()
        return tuple(
            index for index in found.indexes if index.is_valid and index.keys and self.index_keys(index)[0] == key
        )

    def index_keys(self, index: Index) -> tuple[str, ...]:
        """The canonical texts of an index's keys."""
        return tuple(key.column or canonical(key.text) for key in index.keys)

    def is_unique(self, table: str | None, columns: frozenset[str]) -> bool:
        """Whether those columns hold a unique key (without predicate) of the table."""
        found = self.table(table)
        return found is not None and any(
            index.is_unique
            and index.is_valid
            and not index.predicate
            and len(index.columns) == len(index.keys)
            and columns.issuperset(index.columns)
            for index in found.indexes
        )

    def single_rows(self, scope: Scope) -> frozenset[str]:
        """Aliases of the scope's tables of which equalities on a unique key leave at most one row."""
        found: frozenset[str] = frozenset()
        while True:
            more = frozenset(use.alias for use in scope.tables if self._is_pinned(scope, use, found))
            if more <= found:
                return found
            found |= more

    def _is_pinned(self, scope: Scope, use: TableUse, single: frozenset[str]) -> bool:
        columns = frozenset(
            column.column
            for predicate in scope.predicates
            if predicate.operator == "=" and predicate.is_conjunct and not predicate.is_negated
            if predicate.place in ("where", "on") and not predicate.is_wrapped and predicate.column
            for column, other in _both_sides(predicate.column, predicate.value)
            if column.alias == use.alias and column.scope == scope.number and _is_fixed(other, scope, single)
        )
        return self.is_unique(use.table, columns) or (not self.has_catalog and "id" in columns)

    def has_indexed_equality(self, scope: Scope, alias: str | None, *, but: Predicate | None = None) -> bool:
        """Whether an equality on an index's first column may narrow that table: a plan tells. `but` that one."""
        equalities = (
            each.column
            for each in scope.predicates
            if each.operator == "=" and each.is_conjunct and each is not but
            if each.column and not (each.is_negated or each.is_wrapped)
        )
        return any(
            (column.alias, column.scope) == (alias, scope.number) and self.indexes_led_by(column.table, column.column)
            for column in equalities
        )

    def foreign_keys_to(self, table: str) -> Iterator[tuple[Table, Constraint]]:
        """Each foreign key that references the table given as `schema.table`, with the table it stands on."""
        return (
            (each, constraint)
            for each in self.tables
            for constraint in each.constraints
            if constraint.kind == "foreign key" and constraint.references == table
        )

    # Statements and plans

    @cached_property
    def _statements(self) -> dict[str, Statement]:
        return {statement.key: statement for statement in self.snapshot.statements}

    def statement(self, key: str | None) -> Statement | None:
        """The statement of that key."""
        return self._statements.get(key) if key else None

    @cached_property
    def _plans(self) -> dict[str, PlannedStatement]:
        return {
            planned.statement: PlannedStatement(
                planned, planned.plan, self.statement(planned.statement), self.queries.get(planned.statement)
            )
            for planned in self.snapshot.plans
            if planned.plan is not None
        }

    @property
    def plans(self) -> tuple[PlannedStatement, ...]:
        """All plans."""
        return tuple(self._plans.values())

    def plan(self, statement: str | None) -> PlannedStatement | None:
        """The plan of the statement of that key."""
        return self._plans.get(statement) if statement else None

    @cached_property
    def total_ms(self) -> float:
        """All observed database time but our own: what shares are shares of."""
        return self.snapshot.observed_ms

    def share(self, statement: str | None) -> float | None:
        """The statement's share of all observed time, 0 to 1; None: no times are known."""
        found = self.statement(statement)
        if found is None or found.total_ms is None or not self.total_ms:
            return None
        return found.total_ms / self.total_ms

    @cached_property
    def window_s(self) -> float | None:
        """How long the workload's counters had been running."""
        totals, server = self.snapshot.totals, self.snapshot.server
        since = (totals.since if totals else None) or (server.statistics_reset_at if server else None)
        since = since or (server.started_at if server else None)
        return None if since is None else max((self.snapshot.collected_at - since).total_seconds(), 1.0)

    @cached_property
    def counted_days(self) -> float | None:
        """How long the counters of tables and indexes have been running since they were reset; None: not known."""
        server = self.snapshot.server
        since = server.statistics_reset_at if server else None
        return None if since is None else max((self.snapshot.collected_at - since).total_seconds(), 60.0) / DAY_S

    def ms_per_day(self, statement: str | None, part: float = 1.0) -> float | None:
        """The statement's observed time per day, or that of a `part` of it, in milliseconds."""
        found = self.statement(statement)
        if found is None or found.total_ms is None or self.window_s is None:
            return None
        return found.total_ms * DAY_S / self.window_s * min(max(part, 0.0), 1.0)

    def is_heavy(self, ms_per_day: float) -> bool:
        """Whether so much time a day is a large part of all."""
        if self.window_s is None or not self.total_ms:
            return False
        share = ms_per_day * self.window_s / DAY_S / self.total_ms
        return share >= HEAVY_SHARE and ms_per_day >= HEAVY_MS_PER_DAY

    def matters(self, planned: PlannedStatement, part: float) -> bool:
        """Whether a fault that takes `part` of a statement is worth a word: neither a trifle of it nor of a fast call.

        What adds up to a minute a day is one, however fast each call is.
        """
        if part < LEAST_PART:
            return False
        day = self.ms_per_day(planned.key)
        if day is not None and day * part >= HEAVY_MS_PER_DAY:
            return True
        seen = planned.statement.mean_ms if planned.statement else None
        call_ms = planned.plan.execution_ms if seen is None else seen
        return call_ms is None or call_ms >= LEAST_CALL_MS

    def severity(self, statement: str | None, part: float = 1.0, *, worst: Severity = Severity.ERROR) -> Severity:
        """How bad a fault is that takes `part` of the statement's time; a warning when no times are known."""
        return max(self._severity(statement, part), worst, key=lambda severity: severity.rank)

    def _severity(self, statement: str | None, part: float) -> Severity:
        share, ms = self.share(statement), self.ms_per_day(statement)
        if share is None:
            return Severity.WARNING
        if share * part >= HEAVY_SHARE and (ms is None or ms * part >= HEAVY_MS_PER_DAY):
            return Severity.ERROR
        if share * part >= LIGHT_SHARE and (ms is None or ms * part >= LIGHT_MS_PER_DAY):
            return Severity.WARNING
        return Severity.INFO

    # Server

    @cached_property
    def _settings(self) -> dict[str, str]:
        return {setting.name: setting.value for setting in self.snapshot.settings}

    def setting(self, name: str) -> str | None:
        """A setting's value as text, in its own unit."""
        return self._settings.get(name)

    def has_extension(self, name: str) -> bool:
        """Whether the extension is installed in the database."""
        return any(extension.name == name for extension in self.snapshot.extensions)


def _bitmap_rows(scan: PlanNode) -> float | None:
    """Rows that the bitmap below a Bitmap Heap Scan holds; None for any other scan."""
    if scan.node_type == "Bitmap Heap Scan" and scan.children:
        return _bitmap_rows(scan.children[0])
    below = [_bitmap_rows(child) or 0.0 for child in scan.children]
    match scan.node_type:
        case "Bitmap Index Scan":
            return scan.estimated_rows
        case "BitmapAnd":
            return min(below, default=0.0)
        case "BitmapOr":
            return sum(below)
    return None


def _both_sides(column: ColumnUse, value: Value) -> Iterator[tuple[ColumnUse, Value]]:
    """An equality read from the left, and from the right where a bare column stands there."""
    yield column, value
    if value.column is not None:
        yield value.column, Value(kind="column", column=column)


def _is_fixed(value: Value, scope: Scope, single: frozenset[str]) -> bool:
    """Whether the value is the same for all rows: a constant, an outer column, or of a table with a single row."""
    columns = (value.column,) if value.column else value.columns
    if value.kind in ("column", "expression"):
        return all(column.alias in single or column.scope < scope.number for column in columns)
    return value.kind in ("constant", "parameter") or (value.kind == "subquery" and not columns)
