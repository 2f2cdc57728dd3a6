"""What building an index takes: time, disk and memory, roughly, from the size of the table and of the index.

CREATE INDEX CONCURRENTLY reads the table twice: once to build, and once more to find the rows that came meanwhile.
Between the two it sorts (B-tree, hash), collects (GIN) or inserts (GiST), and writes the index and its WAL. It waits
for older transactions as well, as long as those run; nothing foretells that.

Checked against 42 builds of 0.2 to 3 million rows on an idle server with all in memory, which were 1 to 4 times faster
than is said here: a busy server reads from disk.
"""

from math import log2
from typing import NamedTuple

from pgadvisor.facts import Facts
from pgadvisor.indexes.new_index import NewIndex
from pgadvisor.indexes.sizes import PAGE, leaves, width
from pgadvisor.memory import memory_kb
from pgadvisor.model.catalog import Table
from pgadvisor.model.whatif import IndexSize

READ_BYTES_A_S = 200e6
"""A plain cloud disk; the second pass finds the table in memory where `effective_cache_size` holds it."""
WRITE_BYTES_A_S = 100e6
"""The index and as much WAL, both on such a disk."""
ROW_US = 0.2
"""To read a row and to form its key, in each of both passes: 0.1 to 0.3 microseconds measured."""
COMPARE_US = 0.04
"""One comparison of a sort; a sort takes log2(rows) of them for each row."""
TEXT_COMPARE_US = 0.1
"""The same of texts: 0.06 measured with the collation C, and two to three times that by a language's rules."""
ENTRY_US = {"hash": 0.7, "gin": 3.0, "gist": 8.0, "spgist": 5.0}
"""What these methods take for a row beside its sort: 0.5 to 1 (hash), 1 to 4 (GIN on arrays and jsonb) measured."""
TRIGRAM_US = {"gin": 0.8, "gist": 0.9}
"""The same for each character of a text whose trigrams are indexed: 0.5 to 0.9 measured."""
TUPLE_BYTES = 32
"""What a sort keeps for each entry beside its key: pointer, first key, header (tuplesort.c)."""
MOST_MEMORY_KB = 1024**2
"""More than 1 GB seldom makes a build faster."""
TEXTS = ("text", "character", "citext", "name")


class BuildEffort(NamedTuple):
    """What a build takes; None: not known."""

    seconds: float | None
    disk_bytes: int | None
    """Free space needed while it builds: the index, its sort's temporary files, and WAL."""
    sort_bytes: float | None
    """What it would like to keep in memory."""


def effort(facts: Facts, index: NewIndex, size: IndexSize) -> BuildEffort:
    """What it takes to build the index, of that size and with that many entries, on all partitions together."""
    tables = leaves(facts, index.table)
    heap, rows = facts.heap_bytes(index.table), facts.rows(index.table)
    if heap is None or rows is None or size.size_bytes is None or not tables:
        return BuildEffort(None, None, None)
    entries = rows if size.rows is None else size.rows
    held = entries * (TUPLE_BYTES + sum(_widths(tables[0], index)))
    passes = 1 if heap <= _cache_bytes(facts) else 2
    reading = passes * heap / READ_BYTES_A_S + 2 * rows * ROW_US / 1e6
    making = entries * _entry_us(tables[0], index, entries / len(tables)) / 1e6
    spilled = held if index.method in ("btree", "hash", "gin") and held > _memory_bytes(facts) else 0.0
    writing = (size.size_bytes + spilled) / WRITE_BYTES_A_S
    return BuildEffort(reading + making + writing, round(2 * size.size_bytes + spilled), held)


def wanted_memory(facts: Facts, index: NewIndex, found: BuildEffort) -> str | None:
    """A `maintenance_work_mem` that makes a big build faster: `512MB`; None: the one there is is enough."""
    if found.sort_bytes is None or index.method not in ("btree", "hash", "gin"):
        return None
    there_kb, kb = _memory_bytes(facts) / 1024, found.sort_bytes / 1024
    if kb <= there_kb or there_kb >= MOST_MEMORY_KB:
        return None
    fitting = next((size for size in (128, 256, 512) if size * 1024 > max(kb, there_kb)), None)
    return f"{fitting}MB" if fitting else "1GB"


def size_text(size_bytes: float) -> str:
    """A size for a person: `21 MB`."""
    for unit, each in (("GB", 1024**3), ("MB", 1024**2)):
        if size_bytes >= each:
            return f"{size_bytes / each:.1f} {unit}" if size_bytes < 10 * each else f"{size_bytes / each:.0f} {unit}"
    return f"{max(round(size_bytes / 1024), 8)} kB"


def duration_text(seconds: float) -> str:
    """A duration for a person: `40 s`."""
    if seconds < 1.5:
        return "a second"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _entry_us(table: Table, index: NewIndex, entries: float) -> float:
    """Microseconds for each entry of one table's index."""
    if any("trgm_ops" in (key.operator_class or "") for key in index.keys):
        return TRIGRAM_US.get(index.method, 0.0) * sum(_widths(table, index))
    if index.method == "brin":
        return 0.0
    compare = TEXT_COMPARE_US if _has_text(table, index) else COMPARE_US
    sort = compare * log2(max(entries, 2.0)) if index.method in ("btree", "hash") else 0.0
    return sort + ENTRY_US.get(index.method, 0.0)


def _has_text(table: Table, index: NewIndex) -> bool:
    found = (table.column(name) for name in _held(index))
    texts = [each for each in found if each and each.type.startswith(TEXTS)]
    return any(each.collation not in ("C", "POSIX") for each in texts)


def _widths(table: Table, index: NewIndex) -> list[int]:
    return [width(column) for name in _held(index) if (column := table.column(name))]


def _held(index: NewIndex) -> frozenset[str]:
    """The columns whose values are in the index."""
    return index.columns.difference(index.predicate_columns) or index.columns


def _memory_bytes(facts: Facts) -> float:
    """`maintenance_work_mem`; where it is not known, PostgreSQL's default."""
    return (memory_kb(facts, "maintenance_work_mem") or 64 * 1024) * 1024


def _cache_bytes(facts: Facts) -> float:
    """`effective_cache_size`, which `pg_settings` counts in pages; where it is not known, PostgreSQL's default."""
    value = facts.setting("effective_cache_size") or ""
    return (int(value) if value.isdigit() else 524_288) * PAGE
