"""How indexes are made and dropped on a live server: whole SQL, undo, lock, order, what it takes, what to check."""

from collections.abc import Iterable

from pgadvisor.facts import Facts
from pgadvisor.indexes.build_effort import duration_text, effort, size_text, wanted_memory
from pgadvisor.indexes.names import IndexNames
from pgadvisor.indexes.new_index import NewIndex
from pgadvisor.model.advice import AdvisedIndex
from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import IndexSize
from pgadvisor.sql.identifiers import quoted, quoted_table

UNKNOWN_SIZE = IndexSize()
BIG_S = 60.0
"""A build that takes longer deserves a word about its memory and its disk."""
CAUTIONS = (
    "CONCURRENTLY cannot run inside a transaction: send each statement by itself.",
    "A build waits for every transaction that is older than it, idle ones too: look for those in pg_stat_activity.",
    "A build that fails or is cancelled leaves an INVALID index, which writes keep up and no query uses: drop it with "
    "DROP INDEX CONCURRENTLY, then build again.",
)
"""What holds for every build."""


class IndexBuild(Record):
    """How a new index is built without stopping reads or writes."""

    name: str
    """Bare."""
    definition: str
    """CREATE INDEX, whole, without CONCURRENTLY."""
    sql: str
    """Whole statements, one after the other, each in a transaction of its own."""
    undo: str
    lock: str
    then: str | None = None
    """What is to follow it once it is built: a whole statement."""
    size_bytes: int | None = None
    build_s: float | None = None
    """About how long it takes, waiting for others aside."""
    disk_bytes: int | None = None
    """Free space needed while it builds."""
    checks: tuple[str, ...] = ()
    """Whole statements that show whether it is built, and later whether it is used."""
    notes: tuple[str, ...] = ()
    """What to heed with this one, as clauses; `CAUTIONS` holds for all."""


class IndexDrop(Record):
    """How an index is dropped, and what makes it again."""

    sql: str
    undo: str
    lock: str


def build(facts: Facts, index: NewIndex, table: Table, names: IndexNames, size: IndexSize = UNKNOWN_SIZE) -> IndexBuild:
    """How to build the index on its table.

    `names`: the same for all indexes that are built together; `size`: by the planner, or by the size model; of a
    partitioned table over all partitions.
    """
    name = names.of(index, table)
    whole = f"{quoted(table.schema)}.{quoted(name)}"
    is_above = table.kind == "partitioned table"
    steps = [f"CREATE EXTENSION IF NOT EXISTS {quoted(index.extension)};"] if _lacks_extension(facts, index) else []
    steps += _partitioned(facts, index, table, name, names) if is_above else [_concurrently(index, table, name)]
    found = effort(facts, index, size)
    return IndexBuild(
        name=name,
        definition=f"CREATE INDEX {quoted(name)} ON {quoted_table(table)} {index.spelled}",
        sql="\n".join(steps),
        undo=f"DROP INDEX {'' if is_above else 'CONCURRENTLY '}{whole};",
        # The planner knows nothing of an expression's values before.
        then=None if all(key.is_column for key in index.keys) else f"ANALYZE {quoted_table(table)};",
        lock=_above_lock(table) if is_above else f"{_SHARED} on {table.label} while it builds: reads and writes go on",
        size_bytes=size.size_bytes,
        build_s=found.seconds,
        disk_bytes=found.disk_bytes,
        checks=_checks(table, name, is_above),
        notes=tuple(_notes(facts, index, size)),
    )


def drop(table: Table, index: Index, facts: Facts | None = None) -> IndexDrop:
    """How to drop an index of the table without stopping reads or writes.

    `facts` tell the partitions: without them, what makes an index on a partitioned table again stops writes meanwhile.
    """
    is_above = table.kind == "partitioned table"
    lock = (
        f"ACCESS EXCLUSIVE on {table.label} and its partitions for an instant: set lock_timeout"
        if is_above
        else f"{_SHARED} on {table.label}: reads and writes go on; it waits for older transactions"
    )
    again = _restored(facts, table, index) if is_above and facts else [f"{concurrent_definition(table, index)};"]
    if any(key.column is None for key in index.keys):
        again.append(f"ANALYZE {quoted_table(table)};")
    return IndexDrop(
        sql=f"DROP INDEX {'' if is_above else 'CONCURRENTLY '}{quoted(index.schema)}.{quoted(index.name)};",
        undo="\n".join(again),
        lock=lock,
    )


def build_order(indexes: Iterable[AdvisedIndex]) -> tuple[AdvisedIndex, ...]:
    """In the order in which to build them: what saves most for each second of building first."""
    return tuple(sorted(indexes, key=lambda each: (-each.gain / max(each.build_s or 0.0, 1.0), each.name)))


def concurrent_definition(table: Table, index: Index) -> str:
    """What makes the index again, built CONCURRENTLY where PostgreSQL can."""
    if table.kind == "partitioned table":
        # `pg_get_indexdef` writes ON ONLY, which would leave the partitions out and the index invalid.
        only = f" ON ONLY {quoted_table(table)} "
        return index.definition.replace(only, f" ON {quoted_table(table)} ", 1)
    for start in ("CREATE INDEX ", "CREATE UNIQUE INDEX "):
        if index.definition.startswith(start):
            return f"{start}CONCURRENTLY {index.definition.removeprefix(start)}"
    return index.definition


_SHARED = "SHARE UPDATE EXCLUSIVE"


def _above_lock(table: Table) -> str:
    return (
        f"ON ONLY builds nothing and locks {table.label} for an instant; each CONCURRENTLY takes {_SHARED} on its "
        "partition: reads and writes go on"
    )


def _concurrently(index: NewIndex, table: Table, name: str) -> str:
    return f"CREATE INDEX CONCURRENTLY {quoted(name)} ON {quoted_table(table)} {index.spelled};"


def _partitioned(facts: Facts, index: NewIndex, table: Table, name: str, names: IndexNames) -> list[str]:
    """An index on a partitioned table cannot be built CONCURRENTLY: made empty above, built and attached below."""
    made = [f"CREATE INDEX {quoted(name)} ON ONLY {quoted_table(table)} {index.spelled};"]
    for each in facts.partitions(table.qualified):
        if each.kind == "foreign table":
            continue
        below = names.of(index, each)
        if each.kind == "partitioned table":
            made.extend(_partitioned(facts, index, each, below, names))
        else:
            made.append(_concurrently(index, each, below))
        made.append(_attached(table, name, each, below))
    return made


def _restored(facts: Facts, table: Table, index: Index) -> list[str]:
    """The same for an index that was there: on each partition under the name that it had."""
    if table.kind != "partitioned table":
        return [f"{concurrent_definition(table, index)};"]
    made = [f"{index.definition};"]
    for each in facts.partitions(table.qualified):
        for below in each.indexes:
            if below.partition_of == f"{index.schema}.{index.name}":
                made.extend([*_restored(facts, each, below), _attached(table, index.name, each, below.name)])
    return made


def _attached(table: Table, name: str, partition: Table, below: str) -> str:
    child = f"{quoted(partition.schema)}.{quoted(below)}"
    return f"ALTER INDEX {quoted(table.schema)}.{quoted(name)} ATTACH PARTITION {child};"


def _lacks_extension(facts: Facts, index: NewIndex) -> bool:
    return index.extension is not None and not facts.has_extension(index.extension)


def _checks(table: Table, name: str, is_above: bool) -> tuple[str, ...]:
    """Queries about the index; PostgreSQL counts the scans of a partitioned one on its partitions."""
    text = f"{quoted(table.schema)}.{quoted(name)}".replace("'", "''")
    found = f"'{text}'::regclass"
    which = f"IN (SELECT relid FROM pg_partition_tree({found}))" if is_above else f"= {found}"
    return (
        f"SELECT indexrelid::regclass AS index, indisvalid FROM pg_index WHERE indexrelid {which};",
        f"SELECT indexrelname, idx_scan FROM pg_stat_user_indexes WHERE indexrelid {which};",
    )


def _notes(facts: Facts, index: NewIndex, size: IndexSize) -> Iterable[str]:
    found = effort(facts, index, size)
    if found.seconds is not None and found.seconds >= BIG_S:
        yield f"the build takes about {duration_text(found.seconds)}, longer where the server is busy"
        yield f"it needs about {size_text(found.disk_bytes or 0)} of free disk meanwhile: index, sort and WAL"
        if memory := wanted_memory(facts, index, found):
            yield f"SET maintenance_work_mem = '{memory}' before makes it faster: more of its sort stays in memory"
    if _lacks_extension(facts, index):
        yield f"it needs the extension {index.extension}, which is not installed in this database"
    foreign = [each.label for each in _foreign(facts, index.table)]
    if foreign:
        yield f"{', '.join(foreign)} cannot have it (foreign table), so that PostgreSQL keeps the whole marked invalid"
    table = facts.table(index.table)
    if table is not None and not is_known(facts, table):
        yield f"low confidence: nothing is known of the values of {table.label}; ANALYZE it, then ask again"


def is_known(facts: Facts, table: Table) -> bool:
    """Whether ANALYZE has told anything of its values, or of those of a partition of it."""
    parts = (table, *facts.partitions(table.qualified))
    return any(column.statistics for each in parts for column in each.columns) or any(
        is_known(facts, each) for each in parts[1:]
    )


def _foreign(facts: Facts, table: str) -> Iterable[Table]:
    for each in facts.partitions(table):
        if each.kind == "foreign table":
            yield each
        yield from _foreign(facts, each.qualified)
