"""Tables, partitions, inheritance and views of a twin."""

from collections.abc import Iterator, Mapping

from pgadvisor.model.catalog import Column, Table
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.twin_schema_steps import Step
from pgadvisor.planner.twin_schema_text import bare_type, name_parts, named
from pgadvisor.planner.twin_schema_types import column_type
from pgadvisor.sql.identifiers import quoted

Names = frozenset[tuple[str, str]]
"""Schema and name of types that stand-ins were made for."""


def table_steps(snapshot: Snapshot, stand_ins: Names) -> Iterator[Step]:
    """The tables, partitioned ones before their partitions. Materialized views and foreign tables stand as plain ones:
    they are read the same way, or cannot be read at all. Where a default or a generated column cannot be made, the
    table stands without."""
    identities = {each.owned_by: named(each.schema, each.name) for each in snapshot.sequences if each.owned_by}
    tables = {table.qualified: table for table in snapshot.tables}
    for table in sorted(snapshot.tables, key=lambda each: partition_depth(each, tables)):
        maker = _Maker(table, stand_ins, identities)
        texts = [maker.text(), maker.text(has_defaults=False), maker.text(is_plain=True)]
        if (parent := _parent_alike(table, tables)) is not None:
            texts.insert(0, maker.partition_text(parent))
        yield Step(
            kind="table",
            subject=table.qualified,
            texts=tuple(dict.fromkeys(texts)),
            needs=parent.qualified if parent else None,
            makes=table.qualified,
        )


def partition_depth(table: Table, tables: Mapping[str, Table]) -> int:
    """How many partitioned tables stand above it."""
    above = tables.get(table.partition_of or "")
    return 0 if above is None else 1 + partition_depth(above, tables)


def _parent_alike(table: Table, tables: Mapping[str, Table]) -> Table | None:
    """The partitioned table whose partition it is, when it has the same columns in the same order: then it is made as
    one at once, which takes half the time. With thousands of partitions that is what counts."""
    parent = tables.get(table.partition_of or "")
    is_alike = (
        parent is not None
        and parent.partition_key
        and list(map(_form, parent.columns)) == list(map(_form, table.columns))
    )
    return parent if is_alike and table.partition_bound is not None else None


def _form(column: Column) -> tuple[str, str, bool, str | None]:
    return column.name, column.type, column.not_null, column.default


class _Maker:
    """The texts of one table."""

    def __init__(self, table: Table, stand_ins: Names, identities: Mapping[str, str]) -> None:
        self._table = table
        self._stand_ins = stand_ins
        self._identities = identities

    def text(self, *, has_defaults: bool = True, is_plain: bool = False) -> str:
        """CREATE TABLE; `is_plain`: without anything that could be refused but types."""
        table = self._table
        lines = [
            self._column(place, has_default=has_defaults and not is_plain, is_plain=is_plain)
            for place in range(len(table.columns))
        ]
        if not is_plain:
            lines += self._checks()
        return f"{self._head()} ({', '.join(lines)}){self._tail(has_options=not is_plain)}"

    def partition_text(self, parent: Table) -> str:
        """CREATE TABLE as a partition of one that stands."""
        checks = f" ({', '.join(checks)})" if (checks := self._checks()) else ""
        of = f"PARTITION OF {named(parent.schema, parent.name)}{checks}"
        return f"{self._head()} {of} {self._table.partition_bound}{self._tail()}"

    def _head(self) -> str:
        kind = "UNLOGGED TABLE" if self._table.is_unlogged and self._table.kind == "table" else "TABLE"
        return f"CREATE {kind} {named(self._table.schema, self._table.name)}"

    def _checks(self) -> list[str]:
        return [
            f"CONSTRAINT {quoted(each.name)} {each.definition}"
            for each in self._table.constraints
            if each.kind == "check" and each.is_validated
        ]

    def _tail(self, *, has_options: bool = True) -> str:
        text = "" if self._table.partition_key is None else f" PARTITION BY {self._table.partition_key}"
        options = self._table.options if has_options else ()
        return f"{text} WITH ({', '.join(map(option, options))})" if options else text

    def _column(self, place: int, *, has_default: bool, is_plain: bool) -> str:
        column = self._table.columns[place]
        text = f"{quoted(column.name)} {self._type(place)}"
        if column.collation is not None:
            schema = f"{quoted(column.collation_schema)}." if column.collation_schema else ""
            text += f" COLLATE {schema}{quoted(column.collation)}"
        if column.is_generated and not is_plain and column.default is not None:
            text += f" GENERATED ALWAYS AS ({column.default}) {'VIRTUAL' if column.is_virtual else 'STORED'}"
        elif column.is_identity and self._table.partition_of is None and not is_plain:
            text += f" GENERATED BY DEFAULT AS IDENTITY{self._sequence(column)}"
        elif column.default is not None and not column.is_generated and has_default:
            text += f" DEFAULT {column.default}"
        return f"{text} NOT NULL" if column.not_null else text

    def _type(self, place: int) -> str:
        """The type; of a stand-in without a length, which a domain does not take."""
        whole = column_type(self._table, place)
        bare = bare_type(whole)
        is_stand_in = any(name_parts(bare) in ((schema, name), (None, name)) for schema, name in self._stand_ins)
        return bare + whole[len(whole.rstrip("[]")) :] if is_stand_in else whole

    def _sequence(self, column: Column) -> str:
        name = self._identities.get(f"{self._table.qualified}.{column.name}")
        return f" (SEQUENCE NAME {name})" if name else ""


def option(text: str) -> str:
    """One of `reloptions` as SQL: `fillfactor='80'`."""
    name, _, value = text.partition("=")
    return f"{'.'.join(map(quoted, name.split('.')))} = '{value.replace(chr(39), chr(39) * 2)}'"


def kinship_steps(snapshot: Snapshot) -> Iterator[Step]:
    """Partitions attached to their tables, and children by inheritance to their parents: so each has its own columns
    in its own order."""
    tables = {table.qualified: table for table in snapshot.tables}
    for table in snapshot.tables:
        name = named(table.schema, table.name)
        parent = tables.get(table.partition_of or "")
        if parent is not None and table.partition_bound is not None and _parent_alike(table, tables) is None:
            text = f"ALTER TABLE {named(parent.schema, parent.name)} ATTACH PARTITION {name} {table.partition_bound}"
            yield Step(kind="partition", subject=table.qualified, texts=(text,), needs=table.qualified)
        for above in (tables[each] for each in table.inherits if each in tables):
            text = f"ALTER TABLE {name} INHERIT {named(above.schema, above.name)}"
            yield Step(kind="inheritance", subject=table.qualified, texts=(text,), needs=table.qualified)


def view_steps(snapshot: Snapshot) -> Iterator[Step]:
    """The views of users."""
    for view in snapshot.views:
        name = named(view.schema, view.name)
        query = view.definition.strip().rstrip(";")
        options = f" WITH ({', '.join(map(option, view.options))})" if view.options else ""
        texts = (f"CREATE VIEW {name}{options} AS {query}", f"CREATE VIEW {name} AS {query}")
        yield Step(kind="view", subject=f"{view.schema}.{view.name}", texts=tuple(dict.fromkeys(texts)))
