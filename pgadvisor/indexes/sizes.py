"""How big an index gets and what it costs to keep, from the statistics of its columns."""

from pgadvisor.facts import DAY_S, Facts
from pgadvisor.indexes.wanted import WantedIndex
from pgadvisor.model.catalog import Column, Table
from pgadvisor.sizes.model import index_pages
from pgadvisor.sizes.predicate import restricted
from pgadvisor.sizes.shape import IndexShape, KeyShape

PAGE = 8192
UNEQUAL_IMAGES = ("numeric", "real", "double precision", "jsonb", "float")
"""Types whose equal values may look different: B-trees do not deduplicate them (`btequalimage`)."""
LENGTHS = {
    "bigint": 8, "integer": 4, "smallint": 2, "boolean": 1, "uuid": 16, "date": 4, "real": 4, "double precision": 8,
    "timestamp": 8, "time with": 12, "time": 8, "interval": 16, "oid": 4, "money": 8,
}  # fmt: skip
"""`typlen` by the beginning of a type's name; other types have values of any length."""
ALIGNMENTS = {"uuid": 1, "interval": 8}
UNKNOWN_WIDTH = 16
SHORT = 126
"""A value up to here has a header of one byte, a longer one of four."""
SAMPLES = 200
TEXTS = ("text", "character varying")
ENTRY_MS = 0.005
"""A new entry in one more small B-tree: 3.1 to 5.3 microseconds measured, rounded up."""
GIN_ENTRY_MS = 0.05
"""A row's entries in a GIN index: 6 microseconds into the pending list, ten times that when it is emptied."""
LOST_HOT_MS = 0.03
"""An update that was HOT and no longer is: 5 to 34 microseconds measured."""


def distinct_values(column: Column, rows: float) -> float:
    """How many different values the column holds; without statistics as many as rows."""
    if column.statistics is None:
        return rows
    count = column.statistics.n_distinct
    return max(1.0, min(rows, count if count > 0 else -count * rows))


def width(column: Column) -> int:
    """The column's average width in bytes."""
    if column.statistics and column.statistics.average_width_bytes:
        return column.statistics.average_width_bytes
    length = _length(column)
    return length if length > 0 else UNKNOWN_WIDTH


def index_bytes(table: Table, wanted: WantedIndex, part: float = 1.0) -> int | None:
    """Size of the index on that table over `part` of its rows; None: the number of rows is not known."""
    if table.rows is None:
        return None
    found = [column for key in wanted.keys if (column := table.column(key.column))]
    shape = IndexShape(
        rows=max(table.rows * part, 1.0),
        keys=tuple(key_shape(column, wanted.predicate) for column in found),
        method=wanted.method,
        operator_class=wanted.keys[0].operator_class or ("jsonb_ops" if found and found[0].type == "jsonb" else ""),
        is_deduplicated=wanted.method == "btree" and not any(each.type.startswith(UNEQUAL_IMAGES) for each in found),
        heap_pages=table.pages,
        heap_rows=max(table.rows, 1.0),
    )
    return index_pages(shape).size_bytes


def _length(column: Column) -> int:
    """Bytes of each value; -1 where each has its own."""
    bare = column.type.partition("(")[0]
    fitting = (length for name, length in LENGTHS.items() if bare == name or bare.startswith(f"{name} "))
    return -1 if bare.endswith("[]") else next(fitting, -1)


def key_shape(column: Column, predicate: str | None) -> KeyShape:
    """What the size model has to know of a column as a key of an index with that predicate."""
    length = _length(column)
    samples = _sampled(column) if length < 0 and column.statistics else ()
    return KeyShape(
        length=length,
        alignment=ALIGNMENTS.get(column.type, length if length > 0 else 4),
        statistics=restricted(column.statistics, predicate, column.name),
        widths=tuple(_stored(value) for value in samples) if column.type.startswith(TEXTS) else (),
        values=samples,
    )


def _sampled(column: Column) -> tuple[str, ...]:
    """Values of the column, each as often as its share of the rows asks; none: the snapshot holds no values."""
    found = column.statistics
    if found is None:
        return ()
    common = zip(found.most_common_values or (), found.most_common_frequencies, strict=False)
    rest = 1.0 - found.null_fraction - sum(found.most_common_frequencies)
    bounds = found.histogram_bounds or ()
    weighed = [*common, *((value, rest / len(bounds)) for value in bounds)]
    return tuple(value for value, share in weighed for _ in range(max(round(share * SAMPLES), 1)))


def _stored(value: str) -> int:
    size = len(value.encode())
    return size + 1 if size <= SHORT else size + 4


def upkeep_ms_per_day(facts: Facts, wanted: WantedIndex) -> float | None:
    """What writes would pay for the index: by the table's counters or the workload's writes, whichever says more."""
    found = [each for each in (_counted_upkeep(facts, wanted), _observed_upkeep(facts, wanted)) if each is not None]
    return max(found, default=None)


def pays_off(facts: Facts, wanted: WantedIndex, gain_ms_per_day: float | None) -> bool:
    """Whether the index saves more than it costs, as far as both are known."""
    upkeep = upkeep_ms_per_day(facts, wanted)
    return gain_ms_per_day is None or upkeep is None or gain_ms_per_day > upkeep


def _counted_upkeep(facts: Facts, wanted: WantedIndex) -> float | None:
    """From the counters of the table since the database's statistics were reset; None: it is not known when."""
    days, tables = facts.counted_days, leaves(facts, wanted.table)
    counted = [table.counters for table in tables if table.counters]
    if days is None or len(counted) < len(tables):
        return None
    entries = sum(each.rows_inserted + each.rows_updated - each.rows_hot_updated for each in counted)
    hot = sum(each.rows_hot_updated for each in counted)
    lost = hot * LOST_HOT_MS if updated_columns(facts, wanted.table) & wanted.columns else 0.0
    return (entries * _entry_ms(wanted) + lost) / days


def _observed_upkeep(facts: Facts, wanted: WantedIndex) -> float | None:
    """From the statements of the workload that write the table."""
    if facts.window_s is None:
        return None
    total = 0.0
    for key, query in facts.queries.items():
        statement = facts.statement(key)
        rows = max(statement.rows or 0, statement.calls or 0) if statement else 0
        for scope in query.scopes:
            if scope.target is None or not _is(facts, scope.target.table, wanted.table):
                continue
            is_set = bool(wanted.columns.intersection(each.column for each in scope.assigned))
            if scope.write == "insert":
                total += rows * _entry_ms(wanted)
            elif scope.write == "update" and is_set:
                total += rows * (_entry_ms(wanted) + LOST_HOT_MS)
    return total * DAY_S / max(facts.window_s, 60.0)


def _entry_ms(wanted: WantedIndex) -> float:
    return ENTRY_MS if wanted.method == "btree" else GIN_ENTRY_MS


def updated_columns(facts: Facts, table: str) -> frozenset[str]:
    """Columns of the table that some statement of the workload sets in an UPDATE."""
    return facts.updated_columns.get(table, frozenset())


def leaves(facts: Facts, table: str) -> tuple[Table, ...]:
    """The table itself, or of a partitioned one all its partitions that hold rows."""
    below = facts.partitions(table)
    if below:
        return tuple(leaf for each in below for leaf in leaves(facts, each.qualified))
    found = facts.table(table)
    return (found,) if found else ()


def _is(facts: Facts, name: str | None, table: str) -> bool:
    found = facts.table(name)
    return found is not None and found.qualified == table
