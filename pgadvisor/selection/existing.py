"""The indexes that are there: which may be dropped, and which must stay and why."""

from collections.abc import Iterator
from datetime import timedelta

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.facts import Facts
from pgadvisor.indexes.overlap import is_covered, is_same, supports_foreign_key
from pgadvisor.model.catalog import Constraint, Index, IndexKey, Table
from pgadvisor.model.record import Record
from pgadvisor.selection.traits import topmost
from pgadvisor.sql.query import Scope

UNUSED_DAYS = 7.0
"""In less than a week no index is unused: the jobs of the weekend have not run."""
MONTH = timedelta(days=31)
"""It holds the month's end with its reports."""
PROBES = 4
"""Ends that one planning of a statement looks up in an index, at most: both of a range, on either side of a join."""
RANGES = ("<", "<=", ">", ">=", "BETWEEN")
UNREAD = "(not read"
"""How a definition begins to say that the table was locked when it was read."""


class ExistingIndex(Record):
    """An index that is there, with all that depends on it."""

    index: Index
    on: Table
    """The table that it stands on."""
    table: str
    """`schema.table`; of a partition its topmost parent."""
    parts: tuple[Index, ...] = ()
    """Of an index of a partitioned table: those of the partitions."""
    fixed: str | None = None
    """Why it is not among the choices, as a clause; None: it may be dropped."""
    is_broken: bool = False
    """It is invalid: no plan uses it, and what to do about it is not a matter of choice."""
    cautions: tuple[str, ...] = ()
    """What goes with it, as clauses."""

    @property
    def name(self) -> str:
        """`schema.name`, unquoted."""
        return f"{self.index.schema}.{self.index.name}"

    @property
    def size_bytes(self) -> int | None:
        """What dropping it frees; None: not known."""
        sizes = [each.size_bytes for each in (self.index, *self.parts)]
        return None if None in sizes else sum(each or 0 for each in sizes)

    @property
    def scans(self) -> int | None:
        """How often it was scanned, partitions included; None: not known."""
        counted = [each.scans for each in (self.parts or (self.index,))]
        return None if None in counted else sum(each or 0 for each in counted)


def existing_indexes(facts: Facts) -> tuple[ExistingIndex, ...]:
    """All indexes but those of partitions that belong to an index of their parent, in the catalog's order."""
    return tuple(
        _existing(facts, table, index)
        for table in facts.tables
        for index in table.indexes
        if index.partition_of is None
    )


def as_index(candidate: Candidate, name: str | None = None) -> Index:
    """A candidate as if it were there; without a name for comparisons alone."""
    keys = tuple(
        IndexKey(
            text=key.text,
            column=key.held,
            is_descending=key.is_descending,
            is_nulls_first=key.is_nulls_first,
            operator_class=key.operator_class,
            collation=key.collation,
        )
        for key in candidate.keys
    )
    return Index(
        schema=candidate.schema,
        name=name or "",
        definition="" if name is None else candidate.named(name).definition,
        method=candidate.method,
        keys=keys,
        included=candidate.included,
        predicate=candidate.predicate,
        is_unique=candidate.is_unique,
    )


def does_work_of(facts: Facts, other: Index, index: Index) -> bool:
    """Whether another index, of the same table, serves all that this one does."""
    if not (other.is_valid and index.keys and other.keys and index.keys[0].column == other.keys[0].column):
        return False
    return is_same(facts, index, other) or is_covered(facts, index, other)


def unexplained_scans(facts: Facts, existing: ExistingIndex, *, is_used: bool, is_given: bool = False) -> str | None:
    """Why an index that no plan needs must not go as unused; None: nothing speaks against it.

    `is_used`: a statement of the workload uses it today, so that its scans are explained. `is_given`: the workload is
    the user's, and says what runs; counters that are too young do not matter then.
    """
    if is_used or existing.fixed is not None:
        return None
    if existing.scans and not (is_long_unused(facts, existing) or is_only_probed(facts, existing)):
        times = "a scan" if existing.scans == 1 else f"{existing.scans:,} scans"
        return f"{times} that no statement of the workload explains"
    if is_given:
        return None
    if existing.scans is None:
        return "how often it is scanned is not known"
    server, days = facts.snapshot.server, counted_days(facts)
    if server is not None and server.is_standby:
        return "the counters are those of a standby, and the primary may scan it"
    if days is None:
        return "how long its scans have been counted is not known"
    if days < UNUSED_DAYS:
        return f"its scans have been counted for {days_text(days)} only"
    return None


def is_long_unused(facts: Facts, existing: ExistingIndex) -> bool:
    """Whether its last scan is known (PostgreSQL 16 and later) and more than a month ago."""
    parts = existing.parts or (existing.index,)
    last = [each.last_scan_at for each in parts if each.scans]
    known = [each for each in last if each is not None]
    return bool(known) and len(known) == len(last) and facts.snapshot.collected_at - max(known) > MONTH


def is_only_probed(facts: Facts, existing: ExistingIndex) -> bool:
    """Whether its scans are so few that planning the workload explains them.

    To estimate a range or a merge join the planner reads the ends of a B-tree that leads with the column, whether or
    not it then uses it, and each look counts as a scan (`get_actual_variable_range` in selfuncs.c).
    """
    first = existing.index.keys[0].column if existing.index.keys else None
    if existing.index.method != "btree" or first is None or existing.scans is None:
        return False
    return existing.scans <= PROBES * facts.once(_ranged_calls).get((existing.table, first), 0)


def _ranged_calls(facts: Facts) -> dict[tuple[str, str], int]:
    """How often statements ran that compare a column by range, or join by it; by its table (topmost) and name."""
    found: dict[tuple[str, str], int] = {}
    for key, query in facts.queries.items():
        statement = facts.statement(key)
        calls = (statement.calls or 1) if statement else 0
        for table, column in {each for scope in query.scopes for each in _ranged(scope)}:
            if on := facts.table(table):
                place = (topmost(facts, on).qualified, column)
                found[place] = found.get(place, 0) + calls
    return found


def _ranged(scope: Scope) -> Iterator[tuple[str, str]]:
    for predicate in scope.predicates:
        uses = (predicate.column, predicate.value.column)
        is_join = predicate.operator == "=" and None not in uses
        if is_join or predicate.operator in RANGES:
            yield from ((use.table, use.column) for use in uses if use and use.table)


def counted_days(facts: Facts) -> float | None:
    """How long the counters of scans have been running; None: not known."""
    server = facts.snapshot.server
    since = (server.statistics_reset_at or server.started_at) if server else None
    return None if since is None else max((facts.snapshot.collected_at - since).total_seconds() / 86_400, 0.0)


def days_text(days: float) -> str:
    """`3 days`, `5 hours`, `under an hour`."""
    if days * 24 < 1:
        return "under an hour"
    if days < 2:
        return f"{round(days * 24)} hour{'s' if round(days * 24) > 1 else ''}"
    return f"{days:,.0f} days"


def supported_keys(existing: ExistingIndex) -> tuple[Constraint, ...]:
    """The foreign keys of its table that it supports."""
    return tuple(
        each
        for each in existing.on.constraints
        if each.kind == "foreign key" and supports_foreign_key(existing.index, each.columns)
    )


def _existing(facts: Facts, table: Table, index: Index) -> ExistingIndex:
    return ExistingIndex(
        index=index,
        on=table,
        table=topmost(facts, table).qualified,
        parts=_parts(facts, table, index),
        fixed=_fixed(facts, table, index),
        is_broken=not index.is_valid or not index.is_ready,
        cautions=_cautions(index),
    )


def _parts(facts: Facts, table: Table, index: Index) -> tuple[Index, ...]:
    """The indexes of partitions that belong to an index of a partitioned table, at every level."""
    found: list[Index] = []
    for partition in facts.partitions(table.qualified):
        for each in partition.indexes:
            if each.partition_of in (index.name, f"{index.schema}.{index.name}"):
                found.extend((each, *_parts(facts, partition, each)))
    return tuple(found)


def _fixed(facts: Facts, table: Table, index: Index) -> str | None:
    """Why it must stay; None: only queries depend on it."""
    if index.is_primary:
        return "the primary key"
    if index.is_exclusion:
        return "an exclusion constraint"
    if index.constraint is not None:
        return f"constraint {index.constraint}"
    if index.is_replica_identity:
        return "the replica identity, by which subscribers find rows"
    if index.is_clustered:
        return "the table is clustered by it"
    if index.partition_of is not None:
        return f"a part of {index.partition_of}, which stays or goes as a whole"
    if not index.is_valid or not index.is_ready:
        return "it is invalid, which is a finding of its own"
    if index.definition.startswith(UNREAD) or (index.predicate or "").startswith(UNREAD):
        return "its definition could not be read"
    if index.is_unique and not _is_promised_twice(facts, table, index):
        return "it keeps values unique"
    return None


def _is_promised_twice(facts: Facts, table: Table, index: Index) -> bool:
    """Whether a constraint that stays keeps the same values unique, and no foreign key may rest on this index."""
    deferrable = {each.name for each in table.constraints if each.is_deferrable}
    is_kept = any(
        other.is_unique
        and other.is_valid
        and other.constraint is not None
        and other.constraint not in deferrable
        and is_same(facts, index, other)
        and ("NULLS NOT DISTINCT" in index.definition) == ("NULLS NOT DISTINCT" in other.definition)
        for other in table.indexes
        if other is not index
    )
    columns = set(index.columns)
    return is_kept and all(set(key.referenced_columns) != columns for _, key in facts.foreign_keys_to(table.qualified))


def _cautions(index: Index) -> tuple[str, ...]:
    expressions = [key.text for key in index.keys if key.column is None]
    if not expressions:
        return ()
    return (f"the planner's statistics on {', '.join(expressions)} go with it: CREATE STATISTICS keeps them",)
