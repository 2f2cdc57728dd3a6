"""How big an index gets and what it costs to build and to keep, from the statistics of its columns."""

from pgadvisor.facts import DAY_S, Facts
from pgadvisor.indexes.wanted import WantedIndex
from pgadvisor.model.catalog import Column, Table

PAGE = 8192
USABLE = 8152
"""Of a page, after its header and the B-tree's special space."""
FILL = 0.9
"""The B-tree's default fill factor."""
UPPER_LEVELS = 1.005
POSTING_BYTES = 6
"""A row's place in a posting list."""
POSTINGS_A_TUPLE = 1300 / POSTING_BYTES
"""A posting list is cut at about a sixth of a page: 1,300 bytes (nbtree README, "Notes about deduplication")."""
UNEQUAL_IMAGES = ("numeric", "real", "double precision", "jsonb")
"""Types whose equal values may look different: B-trees do not deduplicate them (`btequalimage`)."""
TRIGRAM_BYTES_A_CHARACTER = 2.5
"""Measured on ten columns, of random strings and of words: 0.4 to 4.1 bytes; short random strings take most."""
GIN_BYTES_A_BYTE = 0.3
"""Of jsonb and arrays: 0.2 to 0.45 measured on eight columns."""
WIDTHS = {"bigint": 8, "integer": 4, "smallint": 2, "boolean": 1, "uuid": 16, "date": 4, "numeric": 8}
UNKNOWN_WIDTH = 16
BTREE_BUILD_US = 1.0
GIN_BUILD_US = 3.0
TRIGRAM_BUILD_US_A_CHARACTER = 1.5
"""Microseconds a row (or character), measured with rows in memory: 0.8 to 2.4, 0.6 to 3.5, 0.5 to 2.0."""
READ_BYTES_A_S = 200e6
"""A plain cloud disk; CREATE INDEX CONCURRENTLY reads the table twice."""
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
    if column.type.startswith("timestamp"):
        return 8
    return WIDTHS.get(column.type, UNKNOWN_WIDTH)


def index_bytes(table: Table, wanted: WantedIndex, part: float = 1.0) -> int | None:
    """Size of the index on that table over `part` of its rows; None: the number of rows is not known.

    The B-tree model knows deduplication and was within 15 % of nineteen real indexes out of twenty; GIN is a guess
    within a factor of three.
    """
    if table.rows is None:
        return None
    rows = max(table.rows * part, 1.0)
    found = [column for key in wanted.keys if (column := table.column(key.column))]
    total = sum(width(column) for column in found)
    if wanted.method != "btree":
        each = TRIGRAM_BYTES_A_CHARACTER if wanted.is_trigram else GIN_BYTES_A_BYTE
        return int(rows * total * each) + PAGE
    tuple_bytes = -(-(8 + total) // 8) * 8 + 4
    plain = rows * tuple_bytes
    distinct = 1.0
    for column in found:
        distinct = min(distinct * distinct_values(column, rows), rows)
    lists = max(distinct, rows / POSTINGS_A_TUPLE)
    deduplicated = POSTING_BYTES * rows + lists * tuple_bytes
    unequal = any(column.type.startswith(UNEQUAL_IMAGES) for column in found)
    return int((plain if unequal else min(plain, deduplicated)) * PAGE / (FILL * USABLE) * UPPER_LEVELS) + PAGE


def build_s(table: Table, wanted: WantedIndex) -> float | None:
    """Seconds that CREATE INDEX CONCURRENTLY takes, roughly: reading the table twice, and sorting."""
    if table.rows is None:
        return None
    a_row_us = BTREE_BUILD_US if wanted.method == "btree" else GIN_BUILD_US
    if wanted.is_trigram:
        column = table.column(wanted.keys[0].column)
        a_row_us = TRIGRAM_BUILD_US_A_CHARACTER * (width(column) if column else UNKNOWN_WIDTH)
    return 2 * table.pages * PAGE / READ_BYTES_A_S + table.rows * a_row_us / 1e6


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
    server, tables = facts.snapshot.server, leaves(facts, wanted.table)
    counted = [table.counters for table in tables if table.counters]
    if server is None or server.statistics_reset_at is None or len(counted) < len(tables):
        return None
    days = max((facts.snapshot.collected_at - server.statistics_reset_at).total_seconds(), 60.0) / DAY_S
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
    found: set[str] = set()
    for query in facts.queries.values():
        for scope in query.scopes:
            if scope.write == "update" and scope.target and _is(facts, scope.target.table, table):
                found.update(each.column for each in scope.assigned)
    return frozenset(found)


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
