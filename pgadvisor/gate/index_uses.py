"""The indexes that migrations make: who uses them, and what does their work already."""

from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

import psycopg

from pgadvisor.facts import Facts
from pgadvisor.gate.schema_after import index_of
from pgadvisor.gate.schema_change import SchemaChange
from pgadvisor.indexes.overlap import is_covered, is_same, supports_foreign_key
from pgadvisor.model.catalog import Index
from pgadvisor.model.plan_change import MadeIndex
from pgadvisor.planner.twin_changes import Standing

_SIZES: LiteralString = """/* pgadvisor */
SELECT o::pg_catalog.int8, pg_catalog.pg_relation_size(o::pg_catalog.oid)
FROM pg_catalog.unnest(%s::pg_catalog.int8[]) AS u(o)
"""


def made_by(
    change: SchemaChange, after: Facts, used: Mapping[str, set[str]], owner: psycopg.Connection[Any]
) -> tuple[MadeIndex, ...]:
    """The indexes that stand at the end and did not before, but for those of constraints and of partitions.

    `after`: of the schema as it is then; `used`: by index the statements that use it; `owner`: on that twin.
    """
    made = [change.final[oid] for oid in change.definitions]
    below = _below(change.final.values())
    parts = {top.oid: [top.oid, *below.get(top.oid, ())] for top in made}
    every = [oid for each in parts.values() for oid in each]
    sizes: dict[int, int] = dict(owner.execute(_SIZES, (every,)).fetchall())
    found = []
    for standing in made:
        index = index_of(standing, change.definitions[standing.oid])
        if index is None or standing.parent:
            continue
        names = {change.final[oid].qualified for oid in parts[standing.oid]}
        users = {key for name in names for key in used.get(name, ())}
        size = sum(sizes.get(oid, 0) for oid in parts[standing.oid])
        found.append(_made(change, after, standing, index, tuple(sorted(users)), size))
    return tuple(found)


def _below(standing: Iterable[Standing]) -> dict[int, list[int]]:
    """By an index on a partitioned table those of its partitions, at any depth."""
    children: dict[int, list[int]] = {}
    for each in standing:
        if each.is_index and each.parent:
            children.setdefault(each.parent, []).append(each.oid)

    def walk(oid: int) -> list[int]:
        return [found for child in children.get(oid, ()) for found in (child, *walk(child))]

    return {oid: walk(oid) for oid in children}


def _made(
    change: SchemaChange, after: Facts, standing: Standing, index: Index, users: tuple[str, ...], size: int
) -> MadeIndex:
    table = change.final[standing.table]
    found = after.table(table.qualified)
    # Of two new ones that are alike, the one that is made later is too many.
    later = {change.final[oid].name for oid in change.definitions if oid >= standing.oid}
    others = [each for each in (found.indexes if found else ()) if each.is_valid and each.name not in later]
    wide = next((each for each in others if is_same(after, index, each)), None)
    is_equal = wide is not None and (not index.is_unique or wide.is_unique)
    if not is_equal:
        wide = next((each for each in others if is_covered(after, index, each)), None)
    keys = change.foreign_keys.get(standing.table, ())
    return MadeIndex(
        index=index,
        table=table.qualified,
        definition=change.definitions[standing.oid],
        place=change.maker(standing.oid),
        size_bytes=size or None,
        used_by=users,
        covered_by=f"{wide.schema}.{wide.name}" if wide else None,
        is_equal=is_equal,
        is_on_new_table=standing.table not in change.initial,
        serves_foreign_key=any(supports_foreign_key(index, columns) for columns in keys),
    )
