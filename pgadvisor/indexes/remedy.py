"""Indexes to create and to drop as remedies: what to do, its SQL with its undo, its lock and its cost."""

from msgspec.structs import replace

from pgadvisor.facts import Facts
from pgadvisor.indexes.build_effort import duration_text, size_text
from pgadvisor.indexes.build_plan import IndexBuild, build, drop
from pgadvisor.indexes.names import IndexNames
from pgadvisor.indexes.overlap import beginnings
from pgadvisor.indexes.sizes import index_bytes, leaves, updated_columns
from pgadvisor.indexes.wanted import WantedIndex
from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.finding import Remedy
from pgadvisor.model.whatif import IndexSize


def create_index(facts: Facts, wanted: WantedIndex, *, why: str = "") -> Remedy:
    """What makes the wanted index without stopping reads or writes."""
    table = facts.table(wanted.table)
    if table is None:
        return Remedy(text=f"Create an index on {wanted.table} {wanted.spelled}.")
    if table.kind == "foreign table":
        return Remedy(text=f"Create an index {wanted.spelled} on the server where {table.label} really is.")
    made = build(facts, wanted, table, facts.once(IndexNames), _size(facts, wanted))
    text = f"Create an index on {table.label} {wanted.spelled}."
    return Remedy(
        text=" ".join(part for part in (text, why, _redundant(facts, wanted)) if part),
        sql=made.sql,
        undo=made.undo,
        lock=made.lock,
        cost=_cost(facts, wanted, made),
    )


def drop_index(table: Table, index: Index, *, why: str = "") -> Remedy:
    """What drops the index without stopping reads or writes, and what brings it back."""
    dropped = drop(table, index)
    return Remedy(
        text=" ".join(part for part in (f"Drop {index.name}.", why) if part),
        sql=dropped.sql,
        undo=dropped.undo,
        lock=dropped.lock,
        cost=f"frees {size_text(index.size_bytes)}" if index.size_bytes else None,
    )


def exchange_index(facts: Facts, table: Table, index: Index, wanted: WantedIndex, *, text: str) -> Remedy:
    """What makes the wanted index and then drops the one that it stands for."""
    made, dropped = create_index(facts, wanted), drop_index(table, index)
    return replace(made, text=text, sql=f"{made.sql}\n{dropped.sql}", undo=f"{dropped.undo}\n{made.undo}")


def _size(facts: Facts, wanted: WantedIndex) -> IndexSize:
    """Over all partitions, by the size model."""
    tables = leaves(facts, wanted.table)
    sizes = [index_bytes(each, wanted, wanted.part) for each in tables]
    if not sizes or None in sizes:
        return IndexSize()
    return IndexSize(
        size_bytes=sum(size or 0 for size in sizes), rows=sum((each.rows or 0.0) * wanted.part for each in tables)
    )


def _redundant(facts: Facts, wanted: WantedIndex) -> str:
    """Which existing indexes the new one makes superfluous."""
    names = [index.name for index in beginnings(facts, wanted)]
    if not names:
        return ""
    verb = "is its beginning and" if len(names) == 1 else "are its beginnings and"
    return f"{', '.join(names)} {verb} can go afterwards."


def _cost(facts: Facts, wanted: WantedIndex, made: IndexBuild) -> str:
    parts = []
    if made.size_bytes is not None:
        guess = "about" if wanted.method == "btree" else "very roughly"
        parts.append(f"{guess} {size_text(made.size_bytes)}")
    if made.build_s is not None:
        parts.append(f"builds in about {duration_text(made.build_s)}, reading the table twice")
    parts.append("each INSERT, and each UPDATE that is not HOT, writes one more index entry")
    hot = sorted(updated_columns(facts, wanted.table) & wanted.columns)
    if hot:
        parts.append(f"updates of {', '.join(hot)} can no longer be HOT")
    return "; ".join(parts)
