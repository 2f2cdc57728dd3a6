"""How near the size model comes to indexes really built: B-tree, INCLUDE, partial, expression, hash, BRIN, GIN, GiST.

    python benchmarks/index_sizes.py [DSN --real DSN] [--binaries DIR] [--most N]

Each index is supposed on a twin made from a snapshot of DSN, and built in `--real`, a copy of it that may be changed
(in a transaction that is rolled back). Without a DSN a made-up table with many types and distributions is used.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.model.catalog import Column, Table
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.whatif import HypotheticalIndex
from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.planner.twin import Twin
from pgadvisor.planner.whatif import TwinPlanner
from pgadvisor.sql.identifiers import quoted, quoted_table

MEDIAN, NINETIETH = 0.05, 0.25
SMALLEST_BYTES = 20 * 8192
"""Smaller indexes cost nothing, and a page more or less is a large share of them."""

MADE_UP = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
SELECT setseed(0.5);
CREATE TABLE made_up AS SELECT
    i AS id, i::int % 7 AS few, (random() * 1000)::int AS some, (random() * 100000)::int AS many,
    (1000 * random() ^ 8)::int AS skewed, (i / 100)::int AS runs, random() < 0.03 AS rare,
    (random() * 10000)::numeric(12,2) AS amount, random() AS ratio, (random() * 100)::real AS score,
    timestamptz '2024-01-01' + i * interval '1 minute' AS at, date '2020-01-01' + (i % 900)::int AS day,
    CASE WHEN random() < 0.3 THEN (random() * 5000)::int END AS maybe,
    CASE WHEN random() < 0.02 THEN timestamptz '2024-01-01' + i * interval '1 minute' END AS deleted_at,
    (array['new','paid','sent','done','done','done'])[1 + floor(random() * 6)::int] AS status,
    md5(i::text) AS hash, md5((i % 500)::text) AS shared_hash, 'user' || i || '@example.org' AS email,
    repeat(chr(97 + (i % 26)::int), (random() * 60)::int) AS padded, md5(i::text)::uuid AS uuid,
    ('10.' || i % 250 || '.' || i % 199 || '.7')::inet AS ip,
    CASE WHEN random() < 0.5 THEN repeat(md5(i::text), 1 + (random() * 5)::int) END AS note,
    jsonb_build_object('color', (array['red','green','blue'])[1 + i % 3], 'n', i % 60,
        'brand', 'b' || (random() * 500)::int) AS data,
    array['t' || (300 * random() ^ 2)::int, 't' || (300 * random() ^ 2)::int, 'u' || i % 40] AS tags,
    array[(random() * 20000)::int, (random() * 20000)::int] AS numbers,
    to_tsvector('simple', 'word' || (random() * 2000)::int || ' item' || (random() * 50)::int || ' '
        || md5((i % 3000)::text)) AS words,
    int4range(i::int % 5000, i::int % 5000 + 10) AS span, point(random() * 100, random() * 100) AS place
FROM generate_series(1, 300000) AS i;
ALTER TABLE made_up ADD PRIMARY KEY (id);
"""

TEXTS = ("text", "character varying")
ORDERED = ("bigint", "integer", "smallint", "date", "timestamp", "numeric", "double precision", "real")


class Measured(Record):
    """One index, supposed and built."""

    kind: str
    definition: str
    supposed: int
    built: int
    doubts: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        """How far off, as a share of the built size."""
        return abs(self.supposed - self.built) / self.built


def main() -> int:
    """Prints the table; 1 when a figure misses its target."""
    options = _options()
    if options.dsn is not None:
        measured = _measure(options.dsn, options.real, options)
    else:
        with EmbeddedServer(options.binaries) as server:
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute(MADE_UP)
                connection.execute("VACUUM ANALYZE made_up")
            measured = _measure(server.dsn(), server.dsn(), options)
    return _tell(measured, options.all)


def _measure(dsn: str, real: str, options: argparse.Namespace) -> list[Measured]:
    with open_session(dsn) as session:
        snapshot = collect(session)
    found = []
    with (
        Twin(snapshot, binaries=options.binaries) as twin,
        TwinPlanner(twin.connect, twin.label) as planner,
        psycopg.connect(real) as building,
    ):
        building.execute("SET max_parallel_maintenance_workers = 0")
        building.commit()
        every = list(_candidates(snapshot))
        step = max(len(every) / options.most, 1.0) if options.most else 1.0
        candidates = [every[int(at * step)] for at in range(int(len(every) / step))]
        started = time.perf_counter()
        sizes = planner.sizes([index for _, index in candidates])
        print(f"{1000 * (time.perf_counter() - started) / len(candidates):.1f} ms to make an index on the twin")
        for (kind, index), size in zip(candidates, sizes, strict=True):
            built = _built(building, index)
            if size.size_bytes is None or built is None or built < SMALLEST_BYTES:
                if size.error:
                    print(f"not made: {index.definition}: {size.error}")
                continue
            found.append(Measured(kind=kind, definition=index.definition, supposed=size.size_bytes, built=built,
                                  doubts=size.doubts))  # fmt: skip
    return found


def _built(connection: psycopg.Connection[Any], index: HypotheticalIndex) -> int | None:
    """The size of the index really built; None: it cannot be built."""
    try:
        connection.execute(index.definition.encode())
        row = connection.execute("SELECT pg_relation_size(%s::regclass)", (index.name,)).fetchone()
        return int(row[0]) if row else None
    except psycopg.Error:
        return None
    finally:
        connection.rollback()


def _candidates(snapshot: Snapshot) -> Iterator[tuple[str, HypotheticalIndex]]:
    has_trigrams = any(each.name == "pg_trgm" for each in snapshot.extensions)
    number = 0
    for table in snapshot.tables:
        for kind, keys in _keys(table, has_trigrams):
            number += 1
            name = f"pgadvisor_size_{number}"
            definition = f"CREATE INDEX {name} ON {quoted_table(table)} {keys}"
            yield kind, HypotheticalIndex(name=name, schema=table.schema, table_name=table.name, definition=definition)


def _keys(table: Table, has_trigrams: bool) -> Iterator[tuple[str, str]]:
    """(kind, all that follows the table's name)."""
    columns = [each for each in table.columns if not each.type.startswith(("json", "tsvector", "point", "xml"))]
    plain = [each for each in columns if not each.type.endswith("[]")]
    for column in plain:
        name = quoted(column.name)
        yield "btree", f"({name})"
        yield "hash", f"USING hash ({name})"
        if column.type.startswith(TEXTS):
            yield "expression", f"(lower({name}))"
            yield "text_pattern_ops", f"({name} text_pattern_ops)"
        if column.type.startswith(ORDERED):
            yield "brin", f"USING brin ({name}) WITH (pages_per_range = 4)"
        yield from _partial(column, name, plain)
    for left, right in zip(plain, [*plain[3:], *plain[:3]], strict=True):
        if left is not right:
            yield "btree, two keys", f"({quoted(left.name)}, {quoted(right.name)})"
            yield "include", f"({quoted(left.name)}) INCLUDE ({quoted(right.name)})"
    for first, second, third in zip(plain, plain[1:], plain[2:], strict=False):
        yield "btree, three keys", f"({quoted(first.name)}, {quoted(second.name)} DESC, {quoted(third.name)})"
    yield from _inverted(table, has_trigrams)


def _partial(column: Column, name: str, others: Sequence[Column]) -> Iterator[tuple[str, str]]:
    found = column.statistics
    other = quoted(others[-1].name if others[-1] is not column else others[0].name)
    if found is None:
        return
    if 0 < found.null_fraction < 1:
        yield "partial", f"({name}) WHERE {name} IS NOT NULL"
        yield "partial", f"({other}) WHERE {name} IS NULL"
    if found.most_common_values and len(found.most_common_values) < 30:
        value = found.most_common_values[0].replace("'", "''")
        yield "partial", f"({other}) WHERE {name} = '{value}'"
        yield "partial", f"({name}, {other}) WHERE {name} = '{value}'"


def _inverted(table: Table, has_trigrams: bool) -> Iterator[tuple[str, str]]:
    for column in table.columns:
        name = quoted(column.name)
        if column.type == "jsonb":
            yield "gin jsonb", f"USING gin ({name})"
            yield "gin jsonb_path_ops", f"USING gin ({name} jsonb_path_ops)"
        elif column.type.endswith("[]"):
            yield "gin array", f"USING gin ({name})"
        elif column.type == "tsvector":
            yield "gin tsvector", f"USING gin ({name})"
        elif column.type.startswith(TEXTS) and has_trigrams:
            yield "gin trigrams", f"USING gin ({name} gin_trgm_ops)"
        elif column.type.endswith("range") or column.type == "point":
            yield "gist", f"USING gist ({name})"


def _tell(measured: Sequence[Measured], is_whole: bool) -> int:
    if is_whole:
        for each in sorted(measured, key=lambda each: each.supposed / each.built):
            print(f"{each.supposed / each.built:7.2f} {each.built:>12,} {each.definition.partition(' ON ')[2]}")
    for kind in (*dict.fromkeys(each.kind for each in measured), None):
        errors = sorted(each.error for each in measured if kind in (each.kind, None))
        print(f"{kind or 'all':<20} {len(errors):>4} indexes: median error {statistics.median(errors):6.1%},"
              f" 90th percentile {_at(errors, 0.9):6.1%}, worst {errors[-1]:6.1%}")  # fmt: skip
    is_met = statistics.median(errors) <= MEDIAN and _at(errors, 0.9) <= NINETIETH
    print("targets met" if is_met else f"targets missed: {MEDIAN:.0%} and {NINETIETH:.0%}")
    return 0 if is_met else 1


def _at(errors: Sequence[float], share: float) -> float:
    return errors[min(int(share * len(errors)), len(errors) - 1)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dsn", nargs="?")
    parser.add_argument("--real", metavar="DSN", help="a copy of the database, in which indexes may be built")
    parser.add_argument("--binaries", type=Path, metavar="DIR")
    parser.add_argument("--most", type=int, metavar="N", help="try no more than N indexes, spread over all")
    parser.add_argument("--all", action="store_true", help="print each index")
    options = parser.parse_args()
    if options.dsn is not None and options.real is None:
        parser.error("give --real DSN, a copy of the database in which indexes may be built")
    return options


if __name__ == "__main__":
    sys.exit(main())
