"""The schema as it is before each step: from a snapshot's catalog, and from what earlier steps made of it."""

from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from pgadvisor.gate.applying import changed
from pgadvisor.gate.known import Known, KnownFunction, joined, known_of
from pgadvisor.locks.schema import Name
from pgadvisor.model.catalog import Table, UserType
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.nodes import base_type


class SchemaHistory:
    """The schema at one point. `apply` gives the next; what it does not know it says is None."""

    def __init__(self, known: Known | None = None) -> None:
        self._known = known or Known()

    @classmethod
    def of(cls, snapshot: Snapshot | None) -> "SchemaHistory":
        """The schema of a snapshot; of none, nothing is known."""
        return cls(known_of(snapshot))

    def apply(self, step: DdlStep, *, is_judged: bool = True) -> "SchemaHistory":
        """The schema after a step; what a judged one makes is new."""
        return SchemaHistory(changed(self._known, step, is_judged=is_judged))

    def beneath(self, snapshot: Snapshot | None) -> "SchemaHistory":
        """The same with a snapshot's catalog over it: what production has comes first, migrations add what is newer."""
        return self if snapshot is None else SchemaHistory(joined(known_of(snapshot), self._known))

    def with_settings(self, settings: Mapping[str, str]) -> "SchemaHistory":
        """The same with these settings in force."""
        return SchemaHistory(replace(self._known, settings={**self._known.settings, **settings}))

    def qualified(self, name: Name) -> str:
        """The name as `schema.name`, by the search path where it was written bare."""
        return self._known.qualified(name)

    def table(self, name: Name | str | None) -> Table | None:
        """The table, as far as it is known; None: nothing is known of it."""
        return self._known.tables.get(self._key(name))

    def is_whole(self, name: Name | str | None) -> bool:
        """Whether all columns, constraints and indexes of the table are known."""
        return self._key(name) in self._known.whole

    def is_new(self, name: Name | str | None) -> bool:
        """Whether the table was made by what is judged: no program reads or writes it yet."""
        return self._key(name) in self._known.new

    def is_gone(self, name: Name | str | None) -> bool:
        """Whether an earlier step dropped the table or gave it another name."""
        return self._key(name) in self._known.gone

    def table_of_index(self, name: Name) -> str | None:
        """The table of an index, as `schema.table`."""
        wanted, bare = self.qualified(name), name[0] is None
        for table in self._known.tables.values():
            for index in table.indexes:
                if f"{index.schema or table.schema}.{index.name}" == wanted or (bare and index.name == name[1]):
                    return table.qualified
        return None

    def tables(self) -> tuple[Table, ...]:
        """All tables of which something is known."""
        return tuple(self._known.tables.values())

    def user_type(self, spelled: str) -> UserType | None:
        """The enum, domain, composite or range of that name, array brackets and modifiers left out."""
        schema, _, name = base_type(spelled.removesuffix("[]")).rpartition(".")
        return self._known.types.get(self.qualified((schema or None, name.strip('"'))))

    def has_constraints(self, domain: str) -> bool | None:
        """Whether a domain has constraints."""
        schema, _, name = domain.rpartition(".")
        return self._known.constrained.get(self.qualified((schema or None, name.strip('"'))))

    def function(self, name: str) -> KnownFunction | None:
        """The user's function of that bare name."""
        return self._known.functions.get(name.lower())

    def volatility(self, function: str) -> Literal["immutable", "stable", "volatile"] | None:
        """Of the user's function of that bare name."""
        found = self.function(function)
        return found.volatility if found else None

    def setting(self, name: str) -> str | None:
        """A setting in force: set by the migration, or that of the database."""
        return self._known.settings.get(name.lower())

    def _key(self, name: Name | str | None) -> str:
        if name is None:
            return ""
        return name if isinstance(name, str) else self.qualified(name)
