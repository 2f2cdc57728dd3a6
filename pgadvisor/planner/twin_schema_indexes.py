"""Keys, indexes, foreign keys and extended statistics of a twin's tables."""

import re
from collections.abc import Iterator

from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.twin_schema_steps import Step
from pgadvisor.planner.twin_schema_tables import partition_depth
from pgadvisor.planner.twin_schema_text import is_whole, named
from pgadvisor.sql.identifiers import quoted

_OPTIONS = re.compile(r" WITH (\([^()]*\))(?: WHERE .*)?\Z", re.DOTALL)


def index_steps(snapshot: Snapshot) -> Iterator[Step]:
    """Indexes with the constraints that own them, then those of partitions attached to those of their tables."""
    for table in snapshot.tables:
        for index in table.indexes:
            if (text := _index(table, index)) is not None:
                name = f"{index.schema}.{index.name}"
                yield Step(kind="index", subject=name, texts=(text,), needs=table.qualified, makes=f"index {name}")
                if (text := _options(index)) is not None:
                    yield Step(kind="options of an index", subject=name, texts=(text,), needs=f"index {name}")
    indexes = {f"{each.schema}.{each.name}": each for table in snapshot.tables for each in table.indexes}
    for name, index in indexes.items():
        if (parent := indexes.get(index.partition_of or "")) is not None:
            text = f"ALTER INDEX {named(parent.schema, parent.name)} ATTACH PARTITION {named(index.schema, index.name)}"
            yield Step(kind="partition of an index", subject=name, texts=(text,), needs=f"index {name}")


def _index(table: Table, index: Index) -> str | None:
    """What makes it; None: a part of it was not read, and the snapshot's own gaps tell of that."""
    owner = next((each for each in table.constraints if each.name == index.constraint), None)
    if not is_whole(index.definition):
        return None
    if owner is None:
        return index.definition
    return f"ALTER TABLE ONLY {named(table.schema, table.name)} ADD CONSTRAINT {quoted(owner.name)} {owner.definition}"


def _options(index: Index) -> str | None:
    """What sets the storage options of a constraint's index, where it has some."""
    found = _OPTIONS.search(index.definition) if index.constraint is not None else None
    return found and f"ALTER INDEX {named(index.schema, index.name)} SET {found[1]}"


def constraint_steps(snapshot: Snapshot) -> Iterator[Step]:
    """Foreign keys, those of partitions first that are another than their table's: it takes them as its own, and makes
    the others. Then checks that are not validated, which the planner must not trust."""
    tables = {table.qualified: table for table in snapshot.tables}
    for table in sorted(snapshot.tables, key=lambda each: -partition_depth(each, tables)):
        alter = f"ALTER TABLE {named(table.schema, table.name)} ADD CONSTRAINT"
        above = tables.get(table.partition_of or "")
        inherited = {(each.name, each.definition) for each in above.constraints} if above else set()
        for each in table.constraints:
            is_key = each.kind == "foreign key" and (each.name, each.definition) not in inherited
            if is_key or (each.kind == "check" and not each.is_validated):
                yield Step(
                    kind=each.kind,
                    subject=f"{table.qualified}.{each.name}",
                    texts=(f"{alter} {quoted(each.name)} {each.definition}",),
                    needs=table.qualified,
                )


def extended_statistics_steps(snapshot: Snapshot) -> Iterator[Step]:
    """The objects alone: their data cannot be copied."""
    for table in snapshot.tables:
        for each in table.extended_statistics:
            subject = f"{table.qualified}.{each.name}"
            yield Step(kind="extended statistics", subject=subject, texts=(each.definition,), needs=table.qualified)


def unusable_indexes(snapshot: Snapshot) -> tuple[tuple[str, bool], ...]:
    """Indexes that the planner does not use, as a CREATE INDEX CONCURRENTLY failed: name, as SQL, and whether writes
    keep it up all the same. That of a partitioned table becomes valid with its parts."""
    return tuple(
        (named(index.schema, index.name), index.is_ready)
        for table in snapshot.tables
        if table.kind != "partitioned table"
        for index in table.indexes
        if not index.is_valid
    )
