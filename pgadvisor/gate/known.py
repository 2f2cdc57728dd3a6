"""What is known of a schema: tables by their names, types, functions, settings."""

from collections.abc import Mapping
from typing import Literal

from msgspec import field
from msgspec.structs import replace

from pgadvisor.gate.layered import Layered
from pgadvisor.locks.schema import Name
from pgadvisor.model.catalog import Table, UserType
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.sql.ddl_step import DdlStep


class KnownFunction(Record):
    """A function of the user's."""

    volatility: Literal["immutable", "stable", "volatile"]
    body: tuple[DdlStep, ...] = ()
    """What it does when it is called, where that could be read."""


class Known(Record):
    """The schema at one point; keys are `schema.name`, functions are by their bare lower-case names."""

    tables: Layered[Table] = field(default_factory=Layered)
    """Tables, views and materialized views of which something is known."""
    whole: Layered[bool] = field(default_factory=Layered)
    """Those of which all is known."""
    new: Layered[bool] = field(default_factory=Layered)
    """Those that were made by what is judged."""
    gone: Layered[bool] = field(default_factory=Layered)
    """Those that were dropped or renamed."""
    types: Mapping[str, UserType] = field(default_factory=dict)
    constrained: Mapping[str, bool] = field(default_factory=dict)
    """Of a domain whether it has constraints; not in it: not known."""
    functions: Mapping[str, KnownFunction] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    search_path: tuple[str, ...] = ("public",)
    has_catalog: bool = False
    """Whether a snapshot's catalog was the beginning: then a table that is not here does not exist."""

    def qualified(self, name: Name) -> str:
        """The name as `schema.name`: where it was written bare, in the first schema of the path that has it."""
        schema, bare = name
        if schema is not None:
            return f"{schema}.{bare}"
        found = (f"{each}.{bare}" for each in self.search_path)
        held = (each for each in found if each in self.tables or each in self.types)
        return next(held, f"{next(iter(self.search_path), 'public')}.{bare}")


def known_of(snapshot: Snapshot | None) -> Known:
    """What a snapshot's catalog tells."""
    if snapshot is None or snapshot.server is None:
        return Known()
    tables = {table.qualified: table for table in snapshot.tables}
    return Known(
        tables=Layered(tables),
        whole=Layered(dict.fromkeys(tables, True)),
        types={f"{each.schema}.{each.name}": each for each in snapshot.types},
        functions=_functions(snapshot),
        settings={each.name.lower(): each.value for each in snapshot.settings},
        search_path=tuple(each for each in snapshot.search_path if each != "pg_catalog") or ("public",),
        has_catalog=True,
    )


def _functions(snapshot: Snapshot) -> dict[str, KnownFunction]:
    """By bare name; of several with that name the most volatile."""
    found: dict[str, KnownFunction] = {}
    for each in sorted(snapshot.functions, key=lambda each: ("immutable", "stable", "volatile").index(each.volatility)):
        found[each.name.lower()] = KnownFunction(volatility=each.volatility)
    return found


def joined(caught: Known, migrated: Known) -> Known:
    """What a snapshot tells, and what migrations made that it has not yet."""
    tables = {
        **migrated.tables,
        **{key: _joined_table(table, migrated.tables.get(key)) for key, table in caught.tables.items()},
    }
    return replace(
        caught,
        tables=Layered(tables),
        whole=Layered({**caught.whole, **migrated.whole}),
        types={**migrated.types, **caught.types},
        constrained={**migrated.constrained, **caught.constrained},
        functions={**caught.functions, **migrated.functions},
        search_path=caught.search_path if caught.has_catalog else migrated.search_path,
    )


def _joined_table(caught: Table, migrated: Table | None) -> Table:
    """The snapshot's table with the columns, constraints and indexes that came after it was taken."""
    if migrated is None:
        return caught
    columns = (each for each in migrated.columns if each.type and caught.column(each.name) is None)
    constraints = {each.name for each in caught.constraints}
    indexes = {each.name for each in caught.indexes}
    return replace(
        caught,
        columns=(*caught.columns, *columns),
        constraints=(*caught.constraints, *(each for each in migrated.constraints if each.name not in constraints)),
        indexes=(*caught.indexes, *(each for each in migrated.indexes if each.name not in indexes)),
    )
