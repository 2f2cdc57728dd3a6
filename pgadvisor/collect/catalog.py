"""From the catalog's rows to tables, views, types and sequences."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from pgadvisor.collect.extended_statistics import read_extended
from pgadvisor.collect.indexes import Indexes, read_indexes
from pgadvisor.collect.reading import Reading
from pgadvisor.collect.session import Row
from pgadvisor.collect.statistics import Statistics, note_hidden, read_statistics, read_table_counters
from pgadvisor.model.catalog import (
    Column,
    Constraint,
    ConstraintKind,
    Policy,
    Table,
    TableCounters,
    TableKind,
    Trigger,
    UserType,
    View,
)
from pgadvisor.model.catalog import Sequence as UserSequence
from pgadvisor.model.snapshot import Gap
from pgadvisor.sql.identifiers import quoted

PAGE_BYTES = 8192
"""BLCKSZ of nearly every server."""

TABLE_KINDS: Mapping[str, TableKind] = {
    "r": "table",
    "p": "partitioned table",
    "m": "materialized view",
    "f": "foreign table",
}
CONSTRAINT_KINDS: Mapping[str, ConstraintKind] = {
    "p": "primary key",
    "u": "unique",
    "f": "foreign key",
    "c": "check",
    "x": "exclusion",
    "n": "not null",
    "t": "trigger",
}
ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
TYPE_KINDS: Mapping[str, Literal["enum", "domain", "composite", "range"]] = {
    "e": "enum",
    "d": "domain",
    "c": "composite",
    "r": "range",
}


def read_tables(reading: Reading, search_path: Sequence[str], *, keep_values: bool) -> tuple[Table, ...]:
    """All tables of users with what belongs to them, by schema and name."""
    reading.step("tables")
    rows = reading.rows("tables", "catalog", "the tables")
    statistics = read_statistics(reading, keep_values=keep_values)
    parts = _Parts(reading, statistics, search_path, keep_values=keep_values)
    tables = [parts.table(row) for row in rows]
    names = {row["oid"]: table.qualified for row, table in zip(rows, tables, strict=True)}
    placed = [_placed(table, row, names) for row, table in zip(rows, tables, strict=True)]
    _note_locked(reading, [table.qualified for row, table in zip(rows, tables, strict=True) if row["is_locked"]])
    note_hidden(reading, placed, frozenset(names[row["oid"]] for row in rows if row["is_filtered"]))
    return _with_sums(placed)


class _Parts:
    """All that belongs to tables, each kind read once for the whole database and grouped by the table's oid."""

    def __init__(
        self, reading: Reading, statistics: Statistics, search_path: Sequence[str], *, keep_values: bool
    ) -> None:
        self._statistics = statistics
        self._search_path = search_path
        self._has_old_counts = reading.session.version_num < 140_000
        reading.step("columns")
        self._columns = _by_table(reading.rows("columns", "catalog", "the columns"))
        reading.step("constraints")
        constraints = reading.rows("constraints", "catalog", "the constraints")
        self._constraints = _by_table(constraints)
        self._triggers = _by_table(reading.rows("triggers", "catalog", "the triggers", subject="triggers"))
        self._policies = _by_table(reading.rows("policies", "catalog", "the policies", subject="row security"))
        self._rules = _by_table(reading.rows("rewrite_rules", "catalog", "the rewrite rules", subject="rewrite rules"))
        self._extended = read_extended(reading, keep_values=keep_values)
        reading.step("indexes")
        owners = {row["index_oid"]: row["name"] for row in constraints if row["kind"] in ("p", "u", "x")}
        self._indexes: Indexes = read_indexes(reading, statistics, owners)
        reading.step("sizes")
        sizes = reading.rows("table_sizes", "catalog", "the tables' sizes", subject="sizes")
        self._sizes = {row["oid"]: row for row in sizes}
        self._counters: dict[int, TableCounters] = read_table_counters(reading)

    def table(self, row: Row) -> Table:
        """The table of a row of `tables.sql`; without what depends on other tables."""
        oid = row["oid"]
        kind = TABLE_KINDS[row["kind"]]
        unknown = row["rows"] < 0 or (self._has_old_counts and row["rows"] == 0 and row["pages"] == 0)
        unvalidated = self._unvalidated(oid)
        table = Table(
            schema=row["schema"],
            name=row["name"],
            kind=kind,
            columns=tuple(self._column(row, kind, each, unvalidated) for each in self._columns.get(oid, ())),
            indexes=self._indexes.of(oid),
            constraints=tuple(_constraint(each) for each in self._constraints.get(oid, ()) if _is_known(each)),
            triggers=tuple(
                Trigger(name=each["name"], definition=each["definition"], is_enabled=each["is_enabled"])
                for each in self._triggers.get(oid, ())
                if each["definition"]
            ),
            extended_statistics=self._extended.get(oid, ()),
            rows=None if unknown else row["rows"],
            pages=row["pages"],
            all_visible_pages=row["all_visible_pages"],
            is_unlogged=row["is_unlogged"],
            partition_key=row["partition_key"],
            partition_bound=row["partition_bound"],
            has_row_security=row["has_row_security"],
            policies=tuple(_policy(each) for each in self._policies.get(oid, ())),
            rewrite_rules=tuple(each["name"] for each in self._rules.get(oid, ())),
            options=tuple(row["options"]),
            access_method=row["access_method"],
            counters=self._counters.get(oid),
            hidden_statistics=not row["may_select"] or bool(row["is_filtered"]),
        )
        return msgspec.structs.replace(table, **self._sizes_of(row, kind))

    def _sizes_of(self, row: Row, kind: TableKind) -> dict[str, int | None]:
        """The sizes in bytes; where they could not be asked, those that VACUUM or ANALYZE last saw."""
        if kind not in ("table", "materialized view"):
            return {}
        found = self._sizes.get(row["oid"])
        if found:
            return {name: found[name] for name in ("heap_bytes", "index_bytes", "total_bytes")}
        heap = row["pages"] * PAGE_BYTES
        indexes = sum(index.size_bytes or 0 for index in self._indexes.of(row["oid"]))
        return {"heap_bytes": heap, "index_bytes": indexes, "total_bytes": heap + indexes}

    def _unvalidated(self, oid: int) -> frozenset[str]:
        """Columns whose NOT NULL is declared but not validated (PostgreSQL 18): older rows may hold nulls."""
        return frozenset(
            column for each in self._constraints.get(oid, ()) if each["kind"] == "n" for column in each["columns"]
        )

    def _column(self, table: Row, kind: TableKind, row: Row, unvalidated: frozenset[str]) -> Column:
        type_name = bare_type(row["type"], self._search_path)
        schema = _unquoted(row["type"].removesuffix(f".{type_name}")) if type_name != row["type"] else None
        return Column(
            name=row["name"],
            type=type_name,
            type_schema=schema,
            not_null=row["not_null"] and row["name"] not in unvalidated,
            default=row["default"],
            is_generated=row["is_generated"],
            is_virtual=row["is_virtual"],
            is_identity=row["is_identity"],
            collation=row["collation"],
            collation_schema=row["collation_schema"],
            statistics=self._statistics.of(
                table["schema"], table["name"], row["name"], with_children=kind == "partitioned table"
            ),
            statistics_with_children=None
            if kind == "partitioned table"
            else self._statistics.beside(table["schema"], table["name"], row["name"]),
        )


def bare_type(name: str, search_path: Sequence[str]) -> str:
    """The type's name without a schema of the search path, as a statement would write it: `citext`."""
    prefixes = (f"{quoted(schema)}." for schema in search_path)
    return next((name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)), name)


def _unquoted(name: str) -> str:
    """The name itself, of one in SQL's spelling."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _by_table(rows: Sequence[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["table_oid"]].append(row)
    return dict(found)


def _is_known(row: Row) -> bool:
    """Whether the constraint can be told: of a check on a locked table the expression is missing."""
    return row["definition"] is not None or row["kind"] in ("p", "u", "f")


def _constraint(row: Row) -> Constraint:
    is_foreign = row["kind"] == "f"
    return Constraint(
        name=row["name"],
        kind=CONSTRAINT_KINDS[row["kind"]],
        definition=row["definition"] or _composed(row),
        columns=tuple(row["columns"]),
        is_validated=row["is_validated"],
        is_deferrable=row["is_deferrable"],
        references=row["references"] if is_foreign else None,
        referenced_columns=tuple(row["referenced_columns"]),
        on_delete=ACTIONS.get(row["on_delete"]) if is_foreign else None,
        on_update=ACTIONS.get(row["on_update"]) if is_foreign else None,
    )


def _policy(row: Row) -> Policy:
    return Policy(
        name=row["name"],
        command=row["command"],
        is_permissive=row["is_permissive"],
        roles=tuple(row["roles"]),
        using=row["using"],
        check=row["check"],
    )


def _composed(row: Row) -> str:
    """The definition of a key on a table that could not be asked for it."""
    columns = ", ".join(map(quoted, row["columns"]))
    if row["kind"] != "f":
        return f"{CONSTRAINT_KINDS[row['kind']].upper()} ({columns})"
    target = ".".join(map(quoted, row["references"].split(".", 1)))
    return f"FOREIGN KEY ({columns}) REFERENCES {target}({', '.join(map(quoted, row['referenced_columns']))})"


def _placed(table: Table, row: Row, names: Mapping[int, str]) -> Table:
    """The table with its parents named."""
    parents = tuple(names[oid] for oid in row["parents"] if oid in names)
    if row["is_partition"]:
        return msgspec.structs.replace(table, partition_of=next(iter(parents), None))
    return msgspec.structs.replace(table, inherits=parents)


def _note_locked(reading: Reading, names: list[str]) -> None:
    reading.gaps += [
        Gap(
            area="catalog",
            subject=name,
            reason="another session holds an exclusive lock on it: its sizes are those of the last VACUUM or ANALYZE, "
            "and expressions on it were not read",
            cure="collect again when no other session changes the table",
        )
        for name in names
    ]


def _with_sums(tables: Sequence[Table]) -> tuple[Table, ...]:
    """The tables, with rows and sizes of partitioned ones summed over their partitions."""
    below: dict[str, list[Table]] = defaultdict(list)
    for table in tables:
        if table.partition_of:
            below[table.partition_of].append(table)

    def leaves(table: Table) -> list[Table]:
        if table.kind != "partitioned table":
            return [table]
        return [leaf for each in below.get(table.qualified, ()) for leaf in leaves(each)]

    return tuple(_summed(table, leaves(table)) if table.kind == "partitioned table" else table for table in tables)


def _summed(table: Table, leaves: Sequence[Table]) -> Table:
    known = [leaf.rows for leaf in leaves if leaf.rows is not None]
    return msgspec.structs.replace(
        table,
        rows=sum(known) if known else None,
        heap_bytes=sum(leaf.heap_bytes or 0 for leaf in leaves),
        index_bytes=sum(leaf.index_bytes or 0 for leaf in leaves),
        total_bytes=sum(leaf.total_bytes or 0 for leaf in leaves),
    )


def read_views(reading: Reading) -> tuple[View, ...]:
    """The views of users."""
    return tuple(
        View(
            schema=row["schema"],
            name=row["name"],
            definition=row["definition"],
            columns=tuple(row["columns"]),
            options=tuple(row["options"]),
        )
        for row in reading.rows("views", "catalog", "the views", subject="views")
        if row["definition"]
    )


def read_types(reading: Reading) -> tuple[UserType, ...]:
    """The types that users made."""
    return tuple(
        UserType(
            schema=row["schema"],
            name=row["name"],
            kind=TYPE_KINDS[row["kind"]],
            base=row["base"],
            collation=row["collation"],
            labels=tuple(row["labels"]),
            fields=tuple(row["fields"]),
        )
        for row in reading.rows("types", "catalog", "the types", subject="types")
    )


def read_sequences(reading: Reading) -> tuple[UserSequence, ...]:
    """The sequences of users."""
    rows = reading.rows("sequences", "catalog", "the sequences", subject="sequences")
    return tuple(UserSequence(**row) for row in rows)
