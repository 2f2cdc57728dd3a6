"""How long collecting takes, and how much memory, on 2,000 tables with 10,000 indexes and 5,000 statements.

Builds the database on an embedded server, collects in a process of its own, and measures in the same run what
`pg_dump --schema-only` of that database takes, so that the figures of different machines compare.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from pgadvisor.collect.collector import collect
from pgadvisor.collect.file import write_snapshot
from pgadvisor.collect.plans import PlanOptions, collect_plans
from pgadvisor.collect.session import open_session
from pgadvisor.planner.binaries import wheel_directory
from pgadvisor.planner.embedded import EmbeddedServer

LIMIT_S, LIMIT_MB = 15.0, 300.0


def main() -> int:
    """Prints the figures as JSON; 1 when they are over the limits."""
    options = _options()
    if options.collect:
        file = Path(options.file) if options.file else None
        print(json.dumps(_collected(options.collect, file, options.plans)))
        return 0
    settings = {"max_locks_per_transaction": "8192", "pg_stat_statements.max": "20000", "autovacuum": "off"}
    binaries = Path(options.binaries) if options.binaries else None
    with EmbeddedServer(binaries, settings=settings, preload=("pg_stat_statements",)) as server:
        began = time.perf_counter()
        _build(server.dsn(), options)
        print(f"built in {time.perf_counter() - began:.1f} s", file=sys.stderr)
        if options.keep:
            input(f"{server.dsn()}\nEnter ends it: ")
            return 0
        baseline = _dump_seconds(server, binaries)
        command = [sys.executable, __file__, "--collect", server.dsn()]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    figures |= {"pg_dump_schema_s": baseline, "ratio": round(figures["seconds"] / baseline, 2) if baseline else None}
    print(json.dumps(figures, indent=1))
    return int(figures["seconds"] > LIMIT_S or figures["peak_mb"] > LIMIT_MB)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=2_000)
    parser.add_argument("--statements", type=int, default=5_000)
    parser.add_argument("--rows", type=int, default=1_000, help="rows of each table, so that statistics are full")
    parser.add_argument("--binaries", help="directory of another PostgreSQL's programs")
    parser.add_argument("--collect", metavar="DSN", help="only collect, and print the figures")
    parser.add_argument("--plans", type=int, default=0, help="with --collect: run so many statements for their plans")
    parser.add_argument("--keep", action="store_true", help="keep the server up, and print its DSN")
    parser.add_argument("--file", help="with --collect: write the snapshot there, with its values")
    return parser.parse_args()


def _collected(dsn: str, file: Path | None, plans: int) -> dict[str, float]:
    began = time.perf_counter()
    with open_session(dsn) as session:
        snapshot = collect(session)
        seconds = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_SELF)
        if plans:
            snapshot = collect_plans(session, snapshot, PlanOptions(top=plans))
    if file:
        write_snapshot(file, snapshot, keep_values=True)
    return {
        "seconds": round(seconds, 2),
        "own_cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
        "tables": len(snapshot.tables),
        "indexes": sum(len(table.indexes) for table in snapshot.tables),
        "statements": len(snapshot.statements),
        "column_statistics": sum(
            column.statistics is not None for table in snapshot.tables for column in table.columns
        ),
        "gaps": len(snapshot.gaps),
    }


def _build(dsn: str, options: argparse.Namespace) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute("CREATE TYPE state AS ENUM ('new', 'paid', 'sent')")
        connection.execute("SET synchronous_commit = off")
        for first in range(0, options.tables, 100):
            texts = [
                text for number in range(first, min(first + 100, options.tables)) for text in _table(number, options)
            ]
            connection.execute(";".join(texts).encode())
        connection.execute("ANALYZE")
        connection.execute("SELECT pg_stat_statements_reset()")
        for text in _statements(options):
            connection.execute(text.encode())


def _table(number: int, options: argparse.Namespace) -> Iterator[str]:
    """A table of ten columns, five indexes and a foreign key to the one before."""
    name = f"table_{number:04}"
    yield (
        f"CREATE TABLE {name} (id bigint PRIMARY KEY, customer_id bigint NOT NULL, email varchar(255), state state,"
        " amount numeric(12,2) DEFAULT 0 CHECK (amount >= 0), note text, tags text[], created_at timestamptz DEFAULT"
        " now(), deleted_at timestamptz, attributes jsonb)"
    )
    yield (
        f"INSERT INTO {name} SELECT i, i % 97, 'user' || i || '@{name}.example',"
        " (ARRAY['new','paid','sent'])[1 + i % 3]::state, i * 1.5, md5(i::text), ARRAY['a' || i % 7, 'b' || i % 11],"
        " '2024-01-01'::timestamptz + i * interval '1 hour', CASE WHEN i % 10 = 0 THEN now() END,"
        " jsonb_build_object('k', i % 13)"
        f" FROM generate_series(1, {options.rows}) AS i"
    )
    yield f"CREATE INDEX ON {name} (customer_id, created_at DESC)"
    yield f"CREATE INDEX ON {name} (lower(email))"
    yield f"CREATE INDEX ON {name} (created_at) WHERE deleted_at IS NULL"
    yield f"CREATE INDEX ON {name} USING gin (tags)"
    if number:
        yield f"ALTER TABLE {name} ADD FOREIGN KEY (customer_id) REFERENCES table_{number - 1:04} (id) NOT VALID"


def _statements(options: argparse.Namespace) -> Iterator[str]:
    """Five shapes of statement for each table, as many as asked for. Without aliases: since PostgreSQL 18 statements
    on different tables under the same alias have the same queryid."""
    shapes = (
        "SELECT * FROM {0} WHERE id = 7",
        "SELECT {0}.id, {0}.note, {1}.email FROM {0} JOIN {1} ON {1}.id = {0}.customer_id WHERE {0}.state = 'paid'"
        " AND {0}.created_at > '2024-02-01' ORDER BY {0}.created_at DESC LIMIT 20 OFFSET 40",
        "SELECT customer_id, count(*), sum(amount) FROM {0} WHERE deleted_at IS NULL AND lower(email) = 'user5@x'"
        " GROUP BY customer_id HAVING count(*) > 3",
        "SELECT id FROM {0} WHERE NOT EXISTS (SELECT FROM {1} WHERE {1}.customer_id = {0}.id) LIMIT 5",
        "UPDATE {0} SET note = 'x' WHERE id = -1",
    )
    for number in range(options.statements):
        table = (number // len(shapes)) % (options.tables - 1)
        yield shapes[number % len(shapes)].format(f"table_{table:04}", f"table_{table + 1:04}")


def _dump_seconds(server: EmbeddedServer, binaries: Path | None) -> float | None:
    """What pg_dump needs for the schema alone; None where it is not at hand."""
    program = (binaries or wheel_directory()) / "pg_dump"
    if not program.exists():
        return None
    began = time.perf_counter()
    subprocess.run([str(program), "--schema-only", "--dbname", server.dsn()], check=True, stdout=subprocess.DEVNULL)
    return round(time.perf_counter() - began, 2)


if __name__ == "__main__":
    sys.exit(main())
