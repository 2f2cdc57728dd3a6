"""From the catalog's rows to the indexes of each table."""

from collections import defaultdict
from collections.abc import Mapping

from pgadvisor.collect.reading import Reading
from pgadvisor.collect.session import Row
from pgadvisor.collect.statistics import Statistics, read_index_counters
from pgadvisor.model.catalog import Index, IndexKey
from pgadvisor.sql.identifiers import quoted

DESCENDING, NULLS_FIRST = 1, 2
"""INDOPTION_DESC and INDOPTION_NULLS_FIRST (src/include/catalog/pg_index.h)."""
UNREAD = "(not read: the table was locked)"
"""Stands for an expression that could not be read, so that no key or predicate seems to be missing."""
PAGE_BYTES = 8192


class Indexes:
    """The indexes of a database, by their table's oid."""

    def __init__(self, found: Mapping[int, tuple[Index, ...]]) -> None:
        self._found = found

    def of(self, table_oid: int) -> tuple[Index, ...]:
        """The indexes of a table, by name."""
        return self._found.get(table_oid, ())


def read_indexes(reading: Reading, statistics: Statistics, owners: Mapping[int, str]) -> Indexes:
    """All indexes; `owners`: the constraint that owns an index, by the index's oid."""
    rows = reading.rows("indexes", "catalog", "the indexes")
    counters = read_index_counters(reading)
    names = {row["oid"]: f"{row['schema']}.{row['name']}" for row in rows}
    found: dict[int, list[Index]] = defaultdict(list)
    for row in rows:
        counted = counters.get(row["oid"], {})
        found[row["table_oid"]].append(
            Index(
                schema=row["schema"],
                name=row["name"],
                definition=row["definition"] or _composed(row),
                method=row["method"],
                keys=tuple(_key(row, place, statistics) for place in range(row["key_count"])),
                included=tuple(row["columns"][row["key_count"] :]),
                predicate=row["predicate"] or (UNREAD if row["is_partial"] else None),
                is_unique=row["is_unique"],
                is_primary=row["is_primary"],
                is_exclusion=row["is_exclusion"],
                is_valid=row["is_valid"],
                is_ready=row["is_ready"],
                is_replica_identity=row["is_replica_identity"],
                is_clustered=row["is_clustered"],
                constraint=owners.get(row["oid"]),
                partition_of=names.get(row["parent_oid"]),
                size_bytes=row["pages"] * PAGE_BYTES if row["size_bytes"] is None else row["size_bytes"],
                pages=row["pages"],
                rows=None if row["rows"] < 0 else row["rows"],
                scans=counted.get("scans"),
                last_scan_at=counted.get("last_scan_at"),
            )
        )
    return Indexes({oid: tuple(indexes) for oid, indexes in found.items()})


def _key(row: Row, place: int, statistics: Statistics) -> IndexKey:
    column, option = row["columns"][place], row["options"][place]
    return IndexKey(
        text=quoted(column) if column is not None else row["texts"][place] or UNREAD,
        column=column,
        is_descending=bool(option & DESCENDING),
        is_nulls_first=bool(option & NULLS_FIRST),
        operator_class=row["operator_classes"][place],
        collation=row["collations"][place],
        statistics=None if column is not None else statistics.of(row["schema"], row["name"], row["names"][place]),
    )


def _composed(row: Row) -> str:
    """The definition of an index on a table that could not be asked for it, as far as the catalog's columns tell."""
    keys = ", ".join(UNREAD if column is None else quoted(column) for column in row["columns"][: row["key_count"]])
    unique = "UNIQUE " if row["is_unique"] else ""
    table = f"{quoted(row['schema'])}.{quoted(row['table_name'])}"
    return f"CREATE {unique}INDEX {quoted(row['name'])} ON {table} USING {row['method']} ({keys})"
