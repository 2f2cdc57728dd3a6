"""Schema: the tables and views that names in a query may mean."""

from pgadvisor.model.catalog import Table, View
from pgadvisor.sql.nodes import base_type

SYSTEM_COLUMNS = frozenset(("ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"))
_TEXT = frozenset(("text", "character varying"))


class Schema:
    """The tables and views that names in a query may mean; built once from a snapshot, empty without a database."""

    def __init__(
        self, tables: tuple[Table, ...] = (), views: tuple[View, ...] = (), search_path: tuple[str, ...] = ("public",)
    ) -> None:
        self._path = search_path
        self._columns: dict[str, tuple[str, ...]] = {f"{view.schema}.{view.name}": view.columns for view in views}
        self._views = frozenset(self._columns)
        self._types: dict[tuple[str, str], str] = {}
        for table in tables:
            self._columns[table.qualified] = tuple(column.name for column in table.columns)
            self._types.update({(table.qualified, column.name): column.type for column in table.columns})

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known: names are then taken as written."""
        return not self._columns

    def find(self, schema: str | None, name: str) -> str | None:
        """The `schema.table` that the name means."""
        schemas = (schema,) if schema else self._path
        return next((at for each in schemas if (at := f"{each}.{name}") in self._columns), None)

    def columns(self, table: str) -> tuple[str, ...] | None:
        """The columns of a table or view given as `schema.table`; None: not known."""
        return self._columns.get(table) or None

    def is_view(self, table: str) -> bool:
        """Whether `schema.table` is a view."""
        return table in self._views

    def meaning(self, names: frozenset[tuple[str | None, str]]) -> tuple[object, ...]:
        """All that those names, as `find` takes them, tell: equal where a query with them means the same."""
        found = sorted({at for schema, name in names if (at := self.find(schema, name))})
        columns = tuple((at, self.is_view(at), self._columns[at]) for at in found)
        types = tuple(self._types.get((at, column)) for at, _, all_of in columns for column in all_of)
        return self.is_empty, columns, types

    def type_of(self, table: str | None, column: str) -> str | None:
        """The type of a table's column."""
        return None if table is None else self._types.get((table, column))


def is_relabelling(column_type: str, target: str) -> bool:
    """Whether a cast of a column of that type changes nothing that an index would notice.

    varchar and text share representation and operators (`pg_cast.castmethod` b); a length after the target cuts.
    """
    base = base_type(column_type)
    return target in (column_type, base) or (base in _TEXT and target in _TEXT)
