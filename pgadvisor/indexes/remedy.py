"""The SQL that makes an index, with its undo, its lock and its cost."""

from pgadvisor.facts import Facts
from pgadvisor.indexes.overlap import beginnings
from pgadvisor.indexes.sizes import build_s, index_bytes, leaves, updated_columns
from pgadvisor.indexes.wanted import WantedIndex
from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.finding import Remedy
from pgadvisor.sql.identifiers import object_name, quoted, quoted_table


def create_index(facts: Facts, wanted: WantedIndex, *, why: str = "") -> Remedy:
    """What makes the wanted index without stopping reads or writes."""
    table = facts.table(wanted.table)
    if table is None:
        return Remedy(text=f"Create an index on {wanted.table} {wanted.spelled}.")
    name = index_name(facts, wanted, table)
    extension = f"CREATE EXTENSION IF NOT EXISTS {wanted.extension};\n" if _lacks(facts, wanted) else ""
    if table.kind == "partitioned table":
        sql = extension + "\n".join(_partitioned(facts, wanted, table, name))
        lock = (
            f"ON ONLY builds nothing and locks {table.label} for an instant; each CONCURRENTLY takes "
            "SHARE UPDATE EXCLUSIVE on its partition: reads and writes go on"
        )
        undo = f"DROP INDEX {quoted(table.schema)}.{quoted(name)};"
    else:
        sql = f"{extension}CREATE INDEX CONCURRENTLY {quoted(name)} ON {quoted_table(table)} {wanted.spelled};"
        lock = f"SHARE UPDATE EXCLUSIVE on {table.label} while it builds: reads and writes go on"
        undo = f"DROP INDEX CONCURRENTLY {quoted(table.schema)}.{quoted(name)};"
    text = f"Create an index on {table.label} {wanted.spelled}."
    return Remedy(
        text=" ".join(part for part in (text, why, _redundant(facts, wanted)) if part),
        sql=sql,
        undo=undo,
        lock=lock,
        cost=_cost(facts, wanted, table),
    )


def index_name(facts: Facts, wanted: WantedIndex, table: Table) -> str:
    """A free name in the table's schema, as PostgreSQL would make it."""
    taken = facts.once(_names_in_use)
    return object_name(table.name, tuple(key.label for key in wanted.keys), "idx", taken.get(table.schema, frozenset()))


def size_text(size_bytes: float) -> str:
    """A size for a person: `21 MB`."""
    for unit, each in (("GB", 1024**3), ("MB", 1024**2)):
        if size_bytes >= each:
            return f"{size_bytes / each:.1f} {unit}" if size_bytes < 10 * each else f"{size_bytes / each:.0f} {unit}"
    return f"{max(round(size_bytes / 1024), 8)} kB"


def _names_in_use(facts: Facts) -> dict[str, frozenset[str]]:
    """Names of tables and indexes by schema: they share one space of names."""
    found: dict[str, set[str]] = {}
    for table in facts.tables:
        found.setdefault(table.schema, set()).update([table.name, *(index.name for index in table.indexes)])
    return {schema: frozenset(names) for schema, names in found.items()}


def _partitioned(facts: Facts, wanted: WantedIndex, table: Table, name: str) -> list[str]:
    """An index on a partitioned table cannot be built CONCURRENTLY: made empty above, built and attached below."""
    made = [f"CREATE INDEX {quoted(name)} ON ONLY {quoted_table(table)} {wanted.spelled};"]
    for each in facts.partitions(table.qualified):
        below = index_name(facts, wanted, each)
        if each.kind == "partitioned table":
            made.extend(_partitioned(facts, wanted, each, below))
        else:
            made.append(f"CREATE INDEX CONCURRENTLY {quoted(below)} ON {quoted_table(each)} {wanted.spelled};")
        made.append(
            f"ALTER INDEX {quoted(table.schema)}.{quoted(name)} ATTACH PARTITION {quoted(each.schema)}.{quoted(below)};"
        )
    return made


def _lacks(facts: Facts, wanted: WantedIndex) -> bool:
    return wanted.extension is not None and not facts.has_extension(wanted.extension)


def _redundant(facts: Facts, wanted: WantedIndex) -> str:
    """Which existing indexes the new one makes superfluous."""
    names = [index.name for index in beginnings(facts, wanted)]
    if not names:
        return ""
    verb = "is its beginning and" if len(names) == 1 else "are its beginnings and"
    return f"{', '.join(names)} {verb} can go afterwards."


def _cost(facts: Facts, wanted: WantedIndex, table: Table) -> str | None:
    tables = leaves(facts, wanted.table)
    sizes = [index_bytes(each, wanted, wanted.part) for each in tables]
    times = [build_s(each, wanted) for each in tables]
    parts = []
    if sizes and all(size is not None for size in sizes):
        guess = "about" if wanted.method == "btree" else "very roughly"
        parts.append(f"{guess} {size_text(sum(size or 0 for size in sizes))}")
    if times and all(each is not None for each in times):
        parts.append(f"builds in about {_duration(sum(each or 0 for each in times))}, reading the table twice")
    parts.append("each INSERT, and each UPDATE that is not HOT, writes one more index entry")
    hot = sorted(updated_columns(facts, wanted.table) & wanted.columns)
    if hot:
        parts.append(f"updates of {', '.join(hot)} can no longer be HOT")
    return "; ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 1.5:
        return "a second"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def drop_index(table: Table, index: Index, *, why: str = "") -> Remedy:
    """What drops the index without stopping reads or writes, and what brings it back."""
    name = f"{quoted(index.schema)}.{quoted(index.name)}"
    is_above = table.kind == "partitioned table"
    concurrently = "" if is_above else "CONCURRENTLY "
    lock = (
        f"ACCESS EXCLUSIVE on {table.label} and its partitions for an instant: set lock_timeout"
        if is_above
        else f"SHARE UPDATE EXCLUSIVE on {table.label}: reads and writes go on; it waits for older transactions"
    )
    return Remedy(
        text=" ".join(part for part in (f"Drop {index.name}.", why) if part),
        sql=f"DROP INDEX {concurrently}{name};",
        undo=f"{concurrent_definition(table, index)};",
        lock=lock,
        cost=f"frees {size_text(index.size_bytes)}" if index.size_bytes else None,
    )


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
