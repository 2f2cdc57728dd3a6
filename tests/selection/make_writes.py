"""Short records for tests of upkeep, existing indexes and drops."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pgadvisor.advise.examples import facts_of
from pgadvisor.candidates.candidate import Candidate, CandidateKey
from pgadvisor.example import Example
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Index, Table
from pgadvisor.selection.traits import IndexTraits
from pgadvisor.selection.workload import WeighedStatement, WeighedText, Write


def facts_about(*tables: Table, sql: str = "SELECT 1", **more: Any) -> Facts:
    """Facts of a snapshot with those tables."""
    return facts_of(Example(sql=sql, tables=tables, **more))


def changed(table: Table, indexes: Mapping[str, Mapping[str, Any]]) -> Table:
    """The table with other fields of some of its indexes, by their names."""
    return msgspec.structs.replace(
        table, indexes=tuple(msgspec.structs.replace(each, **indexes.get(each.name, {})) for each in table.indexes)
    )


def index_of(table: Table, name: str) -> Index:
    """The index of that name."""
    return next(each for each in table.indexes if each.name == name)


def candidate(table: str, *keys: str, **more: Any) -> Candidate:
    """A candidate on bare columns of a table in `public`."""
    made = tuple(CandidateKey(text=key, key=key, columns=(key,), label=key) for key in keys)
    return Candidate(schema="public", table_name=table, keys=made, **more)


def traits(*columns: str, **more: Any) -> IndexTraits:
    """An index on those columns of `public.orders`."""
    return IndexTraits(**{"table": "public.orders", "columns": frozenset(columns), "keys": columns, **more})


def writing(kind: Any, *columns: str, calls: float = 100.0, rows: float = 1.0, table: str = "public.orders") -> Any:
    """A statement that writes."""
    return WeighedStatement(
        key=f"{kind} {', '.join(columns)}",
        texts=(WeighedText(text="SELECT 1", weight=1.0),),
        tables=frozenset({table}),
        calls=calls,
        write=Write(kind=kind, table=table, columns=frozenset(columns), rows=rows),
    )
