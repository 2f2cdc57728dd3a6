"""What the catalog says: server, settings, tables, columns, indexes, constraints and their counters."""

from datetime import datetime
from typing import Literal

from pgadvisor.model.record import Record


class Server(Record):
    """The audited server and database."""

    version_num: int
    """As `server_version_num`: 150018."""
    version: str
    """As PostgreSQL prints it: `15.18`."""
    database: str
    host: str | None = None
    """Host name or socket directory; never a user name or a password."""
    size_bytes: int | None = None
    is_standby: bool = False
    started_at: datetime | None = None
    statistics_reset_at: datetime | None = None
    """When the database's counters (`pg_stat_database.stats_reset`) were last reset; None: never, or not known."""

    @property
    def major(self) -> int:
        """The major version: 15."""
        return self.version_num // 10000


class Setting(Record):
    """One row of `pg_settings`."""

    name: str
    value: str
    unit: str | None = None
    is_default: bool = True


class ColumnStatistics(Record):
    """One row of `pg_stats`. The values themselves are user data: present in memory, in a file only when asked for."""

    null_fraction: float
    average_width_bytes: int
    n_distinct: float
    """As in `pg_stats`: below 0, minus the share of distinct values among the rows."""
    correlation: float | None = None
    most_common_frequencies: tuple[float, ...] = ()
    most_common_values: tuple[str, ...] | None = None
    histogram_bounds: tuple[str, ...] | None = None
    common_elements: tuple[str, ...] | None = None
    """Of an array (or tsvector) column: its most common elements; user data as well."""
    common_element_frequencies: tuple[float, ...] = ()
    """As in `pg_stats`: of each element, then the lowest, the highest and, with nulls, the share of null elements."""
    element_count_histogram: tuple[float, ...] = ()
    range_bounds: tuple[str, ...] | None = None
    """Of a range column: its bounds as ranges; user data. From PostgreSQL 17 on, as the two fields below."""
    range_lengths: tuple[float, ...] = ()
    range_empty_fraction: float | None = None
    smallest: str | None = None
    """The column's present ends, where an index gives them at once; user data. The histogram's are a sample's."""
    largest: str | None = None
    with_children: bool = False
    """They are of the table together with its partitions or children (`inherited`)."""


class Column(Record):
    """A column of a table."""

    name: str
    type: str
    """As `format_type` prints it: `character varying(255)`, `timestamp with time zone`."""
    not_null: bool = False
    default: str | None = None
    is_generated: bool = False
    is_virtual: bool = False
    """Of a generated column: it is computed when it is read, and not stored."""
    is_identity: bool = False
    collation: str | None = None
    """Only where it is not the type's own."""
    collation_schema: str | None = None
    """Of that collation; None: it is one of the system's."""
    type_schema: str | None = None
    """Where `type` is told without its schema."""
    statistics: ColumnStatistics | None = None
    statistics_with_children: ColumnStatistics | None = None
    """Beside the table's own ones, where it has children by inheritance."""


class IndexKey(Record):
    """One key of an index."""

    text: str
    """As PostgreSQL prints it: `email`, `lower((email)::text)`."""
    column: str | None = None
    """The column, when the key is a bare column."""
    is_descending: bool = False
    is_nulls_first: bool = False
    operator_class: str | None = None
    """Only where it is not the type's default: `text_pattern_ops`, `gin_trgm_ops`."""
    collation: str | None = None
    statistics: ColumnStatistics | None = None
    """Of an expression: ANALYZE keeps them with the index."""


class Index(Record):
    """An index of a table."""

    schema: str
    name: str
    definition: str
    """`pg_get_indexdef`, whole: also what re-creates it."""
    method: str = "btree"
    keys: tuple[IndexKey, ...] = ()
    included: tuple[str, ...] = ()
    predicate: str | None = None
    is_unique: bool = False
    is_primary: bool = False
    is_exclusion: bool = False
    is_valid: bool = True
    is_ready: bool = True
    is_replica_identity: bool = False
    is_clustered: bool = False
    constraint: str | None = None
    """The constraint that owns it, if one does."""
    partition_of: str | None = None
    """The index of the partitioned table that it belongs to."""
    size_bytes: int | None = None
    pages: int | None = None
    """`relpages`, as VACUUM or ANALYZE last saw it; None: not known."""
    rows: float | None = None
    """`reltuples`: how many entries; None: not known."""
    scans: int | None = None
    last_scan_at: datetime | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The bare columns among the keys, in order."""
        return tuple(key.column for key in self.keys if key.column is not None)


ConstraintKind = Literal["primary key", "unique", "foreign key", "check", "exclusion", "not null", "trigger"]


class Constraint(Record):
    """A constraint of a table."""

    name: str
    kind: ConstraintKind
    definition: str
    columns: tuple[str, ...] = ()
    is_validated: bool = True
    is_deferrable: bool = False
    references: str | None = None
    """The referenced table of a foreign key, as `schema.table`."""
    referenced_columns: tuple[str, ...] = ()
    on_delete: str | None = None
    """`no action`, `restrict`, `cascade`, `set null`, `set default`."""
    on_update: str | None = None


class Trigger(Record):
    """A trigger that a user made."""

    name: str
    definition: str
    is_enabled: bool = True


class Policy(Record):
    """A policy of row security."""

    name: str
    command: Literal["all", "select", "insert", "update", "delete"] = "all"
    is_permissive: bool = True
    """Permissive ones are joined by OR; restrictive ones must hold as well."""
    roles: tuple[str, ...] = ("public",)
    using: str | None = None
    """What a row must fulfil to be seen, changed or deleted, as PostgreSQL prints it."""
    check: str | None = None
    """What a new row must fulfil; None: as `using`."""


class ExtendedStatisticsData(Record):
    """What ANALYZE found for an object made by CREATE STATISTICS; columns are numbers here, as `numbers` names them."""

    n_distinct: str | None = None
    """As `pg_ndistinct` prints it: `{"2, 3": 4000}`."""
    dependencies: str | None = None
    """As `pg_dependencies` prints it: `{"2 => 3": 1.000000}`."""
    most_common: bytes | None = None
    """The list of most common values as PostgreSQL stores it; user data."""
    with_children: bool = False
    """Of the table together with its partitions or children."""


class ExtendedStatistics(Record):
    """An object made by CREATE STATISTICS."""

    name: str
    definition: str
    columns: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    schema: str | None = None
    """Of the object itself; None: not known."""
    numbers: tuple[int, ...] = ()
    """Of the columns, in their order."""
    data: tuple[ExtendedStatisticsData, ...] = ()
    """Empty: not analyzed, or the role may not read it."""


class ColumnGroup(Record):
    """How many different values columns of a table have, each and together, counted in a sample of its pages."""

    columns: tuple[str, ...]
    distinct: tuple[int, ...]
    """Of each column, in their order; nulls are not counted."""
    combinations: int
    """Different rows of all of them together."""
    rows: int
    """Rows of the sample."""
    is_whole: bool = False
    """All of the table was read."""


class TableCounters(Record):
    """`pg_stat_user_tables` of one table."""

    sequential_scans: int = 0
    sequential_rows_read: int = 0
    index_scans: int = 0
    rows_inserted: int = 0
    rows_updated: int = 0
    rows_deleted: int = 0
    rows_hot_updated: int = 0
    live_rows: int = 0
    dead_rows: int = 0
    modified_since_analyze: int = 0
    inserted_since_vacuum: int | None = None
    """None: not known. The updated and deleted rows since then are about the dead ones."""
    last_vacuum_at: datetime | None = None
    """The later of VACUUM and autovacuum."""
    last_analyze_at: datetime | None = None
    """The later of ANALYZE and autoanalyze."""


TableKind = Literal["table", "partitioned table", "materialized view", "foreign table"]


class Table(Record):
    """A table, partitioned table, materialized view or foreign table."""

    schema: str
    name: str
    kind: TableKind = "table"
    columns: tuple[Column, ...] = ()
    indexes: tuple[Index, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    extended_statistics: tuple[ExtendedStatistics, ...] = ()
    column_groups: tuple[ColumnGroup, ...] = ()
    """Counted where a statement that compares those columns was estimated far off; empty: nothing was asked."""
    rows: float | None = None
    """`reltuples`; None: never vacuumed or analyzed. For a partitioned table the sum over its partitions."""
    pages: int = 0
    """`relpages`: as VACUUM or ANALYZE last saw it, 0 before; the file's present size is `heap_bytes`."""
    all_visible_pages: int = 0
    heap_bytes: int | None = None
    """The file's present size; for a partitioned table, as the other sizes, the sum over its partitions."""
    index_bytes: int | None = None
    total_bytes: int | None = None
    """Heap, TOAST and indexes together."""
    is_unlogged: bool = False
    partition_of: str | None = None
    """The partitioned table that this is a partition of, as `schema.table`."""
    partition_key: str | None = None
    """`pg_get_partkeydef`: `RANGE (occurred_at)`."""
    partition_bound: str | None = None
    inherits: tuple[str, ...] = ()
    """Parents by old-style inheritance."""
    has_row_security: bool = False
    policies: tuple[Policy, ...] = ()
    """Of row security; they hold only where `has_row_security`."""
    rewrite_rules: tuple[str, ...] = ()
    """Names of what CREATE RULE made."""
    options: tuple[str, ...] = ()
    """`reloptions`: `fillfactor=80`."""
    access_method: str | None = None
    """Only where it is not `heap`."""
    counters: TableCounters | None = None
    hidden_statistics: bool = False
    """The reading role may not see the column statistics (row security, or no SELECT)."""

    @property
    def qualified(self) -> str:
        """`schema.name`, unquoted: the identity of a table within a snapshot."""
        return f"{self.schema}.{self.name}"

    @property
    def label(self) -> str:
        """The name for a message: bare in `public`, qualified elsewhere."""
        return self.name if self.schema == "public" else self.qualified

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def primary_key(self) -> Constraint | None:
        """The primary key constraint."""
        return next((each for each in self.constraints if each.kind == "primary key"), None)


class View(Record):
    """A view; its definition is read to see what it hides."""

    schema: str
    name: str
    definition: str
    columns: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """`reloptions`: `security_barrier=true`."""


class UserType(Record):
    """A type that a user made: what a table's columns may be of."""

    schema: str
    name: str
    kind: Literal["enum", "domain", "composite", "range"]
    base: str | None = None
    """Of a domain: the type below; of a range: the type of its ends."""
    collation: str | None = None
    """Of a domain, as SQL, only where it is not that of the type below."""
    labels: tuple[str, ...] = ()
    """Of an enum, in order."""
    fields: tuple[str, ...] = ()
    """Of a composite: `name type`, in order."""


class Function(Record):
    """A function, procedure or aggregate of a user or an extension."""

    schema: str
    name: str
    kind: Literal["function", "procedure", "aggregate", "window"] = "function"
    language: str = "sql"
    arguments: str = ""
    """With names, modes and defaults, as CREATE FUNCTION takes them."""
    signature: str = ""
    """Those that tell it from others of its name, as ALTER FUNCTION takes them."""
    argument_types: tuple[str, ...] = ()
    result: str | None = None
    returns_row: bool = False
    """It gives several rows, or one by OUT arguments."""
    volatility: Literal["immutable", "stable", "volatile"] = "volatile"
    is_strict: bool = False
    parallel: Literal["safe", "restricted", "unsafe"] = "unsafe"
    cost: float | None = None
    rows: float | None = None
    extension: str | None = None
    definition: str | None = None
    """Whole, only where the planner may inline or run it."""


class SecurityDefiner(Record):
    """A function or procedure that runs with its owner's rights, and looks up names along the caller's search path."""

    schema: str
    name: str
    signature: str = ""
    """Its arguments, as ALTER ROUTINE takes them."""
    is_owner_superuser: bool = False


class CollationChange(Record):
    """A collation whose provider (the C library, ICU) sorts by another version now than its indexes were built with."""

    recorded: str
    """The version when the indexes were built."""
    present: str
    schema: str | None = None
    name: str | None = None
    """None: the database's own collation."""


class Collation(Record):
    """A collation that a user made, or one of the system's that a column uses."""

    schema: str
    name: str
    provider: Literal["libc", "icu", "builtin"]
    locale: str
    is_deterministic: bool = True


class TextSearch(Record):
    """A text search configuration or dictionary of a user or an extension."""

    schema: str
    name: str
    kind: Literal["configuration", "dictionary"]


class Sequence(Record):
    """A sequence and how far it has come."""

    schema: str
    name: str
    type: str
    last_value: int | None = None
    max_value: int | None = None
    increment: int = 1
    is_cycled: bool = False
    """It begins anew after its last value."""
    owned_by: str | None = None
    """`schema.table.column`."""


class Extension(Record):
    """An installed extension."""

    name: str
    version: str
    schema: str


class Replica(Record):
    """One row of `pg_stat_replication`."""

    name: str
    state: str
    is_synchronous: bool = False
    lag_bytes: int | None = None
