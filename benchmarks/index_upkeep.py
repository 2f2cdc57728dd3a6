"""What the writes of a table pay for its indexes, measured, beside our constants (`selection/entry_costs.py`).

    python benchmarks/index_upkeep.py [--binaries DIR] [--rows N] [--written N] [--repeat N]

On a throw-away server: the time and the WAL of a row inserted with one index of each kind, of a row deleted and then
vacuumed away, and of a row updated, HOT and not, beside 0 to 6 other indexes. The price of a byte of WAL is that of a
plain cloud disk. Kinds whose extension the server lacks are left out.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from pgadvisor.model.record import Record
from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.selection.entry_costs import UNIT_MS, WAL_BYTES_A_S, Growth, entry_cost

SETTINGS = {
    "autovacuum": "off", "full_page_writes": "on", "wal_level": "replica", "max_wal_senders": "1",
    "shared_buffers": "512MB", "max_wal_size": "16GB", "checkpoint_timeout": "1h", "maintenance_work_mem": "256MB",
}  # fmt: skip
"""As in production, but nothing happens that was not asked for, and memory holds it all."""

ROWS = """
SELECT i AS id, now() AS at, i % 20 AS tenant,
    ('x' || left(md5(i::text), 6))::bit(24)::int % 100000 AS customer, i % 5 AS status,
    md5((i * 7919)::text)::uuid AS token, md5(i::text) AS word, md5(i::text) || md5((i + 1)::text) || md5((i + 2)::text)
    AS wide, array['t' || i % 300, 'u' || (i * 31) % 3000, 'v' || i % 40] AS tags,
    jsonb_build_object('color', i % 30, 'n', (i * 31) % 6000, 'brand', 'b' || i % 500) AS data,
    'the ' || md5((i % 3000)::text) || ' order of ' || (i * 31) % 2000 AS note,
    int4range((i * 31 % 100000)::int, (i * 31 % 100000)::int + 10) AS span,
    point(i * 31 % 1000, i * 17 % 1000) AS place,
    0 AS counter
FROM generate_series({first}::bigint, {last}::bigint) AS i
"""

KINDS: dict[str, tuple[str, Growth, float, float, str]] = {
    "btree, right-growing": ("btree", "right end", 8, 1, "(id)"),
    "btree, right-growing behind 20 leads": ("btree", "few ends", 16, 1, "(tenant, at)"),
    "btree, five values": ("btree", "few ends", 8, 1, "(status)"),
    "btree, random, repeated": ("btree", "anywhere", 8, 1, "(customer)"),
    "btree, random": ("btree", "anywhere", 16, 1, "(token)"),
    "btree, random, two keys": ("btree", "anywhere", 16, 1, "(customer, id)"),
    "btree, random, text of 32": ("btree", "anywhere", 33, 1, "(word)"),
    "btree, random, text of 96": ("btree", "anywhere", 97, 1, "(wide)"),
    "hash": ("hash", "anywhere", 8, 1, "USING hash (customer)"),
    "brin": ("brin", "right end", 8, 1, "USING brin (at)"),
    "gin, array of 3": ("gin", "anywhere", 36, 3, "USING gin (tags)"),
    "gin, jsonb of 3, jsonb_path_ops": ("gin", "anywhere", 60, 3, "USING gin (data jsonb_path_ops)"),
    "gin, jsonb of 3": ("gin", "anywhere", 60, 6, "USING gin (data)"),
    "gin, words of a text of 50": ("gin", "anywhere", 50, 6, "USING gin (to_tsvector('simple', note))"),
    "gin, trigrams of a text of 50": ("gin", "anywhere", 50, 50, "USING gin (note gin_trgm_ops)"),
    "gist, range": ("gist", "anywhere", 14, 1, "USING gist (span)"),
    "gist, point": ("gist", "anywhere", 16, 1, "USING gist (place)"),
    "spgist, point": ("spgist", "anywhere", 16, 1, "USING spgist (place)"),
}
"""Of each kind: the method, where new keys go, the bytes of a key, how many elements a row has, and the keys."""
OTHERS = ("(customer)", "(token)", "(word)", "(customer, id)", "(tenant, customer)", "(status, customer)")


class Taken(Record):
    """What one row took."""

    us: float
    wal_bytes: float

    @property
    def price_us(self) -> float:
        """Time, with its WAL."""
        return self.us + 1e6 * self.wal_bytes / WAL_BYTES_A_S

    def less(self, base: "Taken") -> "Taken":
        """What it took more than that."""
        return Taken(us=self.us - base.us, wal_bytes=self.wal_bytes - base.wal_bytes)


class Bench:
    """A server and a table on it that is made anew for each measurement."""

    def __init__(self, connection: psycopg.Connection, rows: int, written: int, repeat: int) -> None:
        self._connection = connection
        self._rows, self._written, self._repeat = rows, written, repeat
        self._run("CREATE TABLE stock AS " + ROWS.format(first=1, last=rows))
        self._run("CREATE TABLE more AS SELECT * FROM (" + ROWS.format(first=rows + 1, last=rows + written) + ") AS m")

    def inserted(self, keys: str | None) -> Taken:
        """A row inserted into the table with that index and no other."""
        return self._least(lambda: self._made(keys), "INSERT INTO made SELECT * FROM more", keys)

    def deleted(self, keys: str | None) -> Taken:
        """A row deleted, and vacuumed away: one row in five of the whole table."""
        delete = sql.SQL("DELETE FROM made WHERE id % {} = 0").format(max(self._rows // self._written, 1))
        return self._least(lambda: self._made(keys), delete, "(id)", "VACUUM made")

    def updated(self, others: int, *, is_hot: bool) -> Taken:
        """A row updated, wherever it is, and vacuumed, beside that many other indexes and a primary key."""

        def make() -> None:
            self._made(None, "WITH (fillfactor = 60)")
            self._run("ALTER TABLE made ADD PRIMARY KEY (id)")
            for keys in (*OTHERS[:others], *(() if is_hot else ("(counter)",))):
                self._run(f"CREATE INDEX ON made {keys}")
            self._run("VACUUM made")

        update = (
            f"UPDATE made SET counter = counter + 1 FROM (SELECT id FROM made WHERE id % "
            f"{max(self._rows // self._written, 1)} = 0 ORDER BY md5(id::text)) AS drawn WHERE made.id = drawn.id"
        )
        return self._least(make, update, None, "VACUUM made")

    def _made(self, keys: str | None, options: str = "") -> None:
        self._run(f"DROP TABLE IF EXISTS made; CREATE TABLE made (LIKE stock) {options}; INSERT INTO made TABLE stock")
        if keys:
            self._run(f"CREATE INDEX made_idx ON made {keys}")
        self._run("ANALYZE made")

    def _least(self, make: Callable[[], None], write: str | sql.Composed, keys: str | None, after: str = "") -> Taken:
        """The quickest of several runs, from a checkpoint on: a page's first change after it is logged whole."""
        found = []
        for _ in range(self._repeat):
            make()
            self._run("CHECKPOINT")
            found.append(self._once(write, keys, after))
        return min(found, key=lambda taken: taken.us)

    def _once(self, write: str | sql.Composed, keys: str | None, after: str) -> Taken:
        place, start = self._place(), self._busy_s()
        count = self._connection.execute(write).rowcount
        if keys and "gin" in keys:
            self._run("SELECT gin_clean_pending_list('made_idx')")
        if after:
            self._run(after)
        taken = self._busy_s() - start
        return Taken(us=1e6 * taken / count, wal_bytes=(self._place() - place) / count)

    def _busy_s(self) -> float:
        """How long the server's process has been running: on Linux without the time that others took from it."""
        known = Path(f"/proc/{self._connection.info.backend_pid}/schedstat")
        return int(known.read_text().split()[0]) / 1e9 if known.exists() else time.perf_counter()

    def _place(self) -> int:
        """The end of the WAL."""
        row = self._connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        return int(row[0])

    def _run(self, text: str) -> None:
        self._connection.execute(text)


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, help="directory of other PostgreSQL programs")
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--written", type=int, default=80_000)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with EmbeddedServer(given.binaries, SETTINGS) as server, psycopg.connect(server.dsn(), autocommit=True) as opened:
        has_trigrams = _has_trigrams(opened)
        print(f"PostgreSQL {opened.info.server_version // 10000}, {given.rows:,} rows and {given.written:,} written")
        bench = Bench(opened, given.rows, given.written, given.repeat)
        for line in _lines(bench, has_trigrams):
            print(line, flush=True)
    return 0


def _has_trigrams(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("CREATE EXTENSION pg_trgm")
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile):
        return False
    return True


def _lines(bench: Bench, has_trigrams: bool) -> Iterator[str]:
    kinds = {name: kind for name, kind in KINDS.items() if has_trigrams or "trgm" not in kind[-1]}
    base, cleaned = bench.inserted(None), bench.deleted(None)
    yield f"without index: {base.us:.1f} us and {base.wal_bytes:.0f} bytes of WAL a row inserted; " + (
        f"{cleaned.us:.1f} us and {cleaned.wal_bytes:.0f} bytes a row deleted and vacuumed\n"
    )
    yield f"{'one row more in':38} {'us':>6} {'WAL':>6} {'price us':>9} {'units':>6} {'ours':>6} {'removed':>8}"
    for name, (method, growth, width, elements, keys) in kinds.items():
        taken, gone = bench.inserted(keys).less(base), bench.deleted(keys).less(cleaned)
        yield f"{name:38} {taken.us:6.1f} {taken.wal_bytes:6.0f} {taken.price_us:9.1f} " + (
            f"{taken.price_us / UNIT_MS / 1e3:6.2f} {entry_cost(method, growth, width, elements):6.2f} "
            f"{gone.price_us / max(taken.price_us, 0.1):8.2f}"
        )
    yield f"\n{'a row updated beside':38} {'HOT us':>7} {'WAL':>6} {'not us':>7} {'WAL':>6} {'lost price us':>14}"
    for others in range(len(OTHERS) + 1):
        hot, broken = bench.updated(others, is_hot=True), bench.updated(others, is_hot=False)
        yield f"{f'a primary key and {others} others':38} {hot.us:7.1f} {hot.wal_bytes:6.0f} {broken.us:7.1f} " + (
            f"{broken.wal_bytes:6.0f} {broken.less(hot).price_us:14.1f}"
        )


if __name__ == "__main__":
    sys.exit(main())
