"""Makes server logs for real: pgbench and a tagged web workload on a throw-away server that logs all it does."""

import argparse
import contextlib
import json
import os
import random
import subprocess
import threading
from pathlib import Path

import psycopg

from pgadvisor.planner.embedded import EmbeddedServer

SETTINGS = {
    "logging_collector": "on",
    "log_directory": "logs",
    "log_filename": "server.log",
    "log_rotation_size": "0",
    "log_rotation_age": "0",
    "log_truncate_on_rotation": "off",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "log_min_duration_statement": "0",
    "log_temp_files": "0",
    "log_lock_waits": "on",
    "log_checkpoints": "on",
    "log_autovacuum_min_duration": "0",
    "deadlock_timeout": "50ms",
    "track_io_timing": "on",
    "pg_stat_statements.max": "10000",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_nested_statements": "on",
}
SCHEMA = """
    CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE, city text);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, state text, total numeric(10,2));
    CREATE TABLE lines (id serial PRIMARY KEY, order_id int REFERENCES orders, product text, pieces int);
    INSERT INTO customers SELECT i, 'user' || i || '@shop.example', 'city ' || i % 50 FROM generate_series(1, 2000) i;
    INSERT INTO orders SELECT i, 1 + i % 2000, CASE i % 5 WHEN 0 THEN 'new' ELSE 'sent' END, i % 100
      FROM generate_series(1, 10000) i;
    INSERT INTO lines (order_id, product, pieces) SELECT 1 + i % 10000, 'thing ' || i % 300, i % 7
      FROM generate_series(1, 30000) i;
    CREATE INDEX ON orders (customer_id);
    CREATE INDEX ON lines (order_id);
    CREATE FUNCTION order_total(wanted int) RETURNS bigint LANGUAGE plpgsql AS
      'BEGIN RETURN (SELECT sum(pieces) FROM lines WHERE order_id = wanted); END';
    ANALYZE;
"""


def tagged(sql: str, route: str, trace: str) -> str:
    """The statement as sqlcommenter sends it."""
    return f"{sql} /*framework='django%%3A5.2',route='{route}',traceparent='00-{trace}-01'*/"


def browse(connection: psycopg.Connection, random_: random.Random, requests: int) -> None:
    """Requests of a web application: a list with one query per row (N+1), a search, a form that writes."""
    run = psycopg.ClientCursor(connection).execute
    for _ in range(requests):
        trace = f"{random_.getrandbits(128):032x}-{random_.getrandbits(64):016x}"
        customer, kind = random_.randint(1, 2000), random_.random()
        if kind < 0.5:
            found = run(
                tagged("SELECT id, total FROM orders WHERE customer_id = %s ORDER BY id", "orders", trace), (customer,)
            )
            for order, _ in found.fetchall():
                run(tagged("SELECT product, pieces FROM lines WHERE order_id = %s", "orders", trace), (order,))
        elif kind < 0.8:
            pattern = f"%user{customer}@%"
            run(tagged("SELECT id, email FROM customers WHERE email LIKE %s LIMIT 10", "search", trace), (pattern,))
            run(tagged("SELECT order_total(%s)", "search", trace), (customer,))
        else:
            with connection.transaction():
                run(tagged("SELECT state FROM orders WHERE id = %s FOR UPDATE", "pay", trace), (customer,))
                run(tagged("UPDATE orders SET state = %s WHERE id = %s", "pay", trace), ("it's paid", customer))


def misbehave(dsn: str) -> None:
    """Errors, a cancelled statement, a spilled sort, a lock wait and a deadlock."""
    with psycopg.connect(dsn, autocommit=True) as one, psycopg.connect(dsn, autocommit=True) as two:
        for text in (
            "INSERT INTO customers VALUES (1, 'someone@secret.example', 'x')",
            "SELECT 'secret'::int",
            "SET statement_timeout = '20ms'; SELECT pg_sleep(1)",
            "SELECT FROM nowhere",
        ):
            _quietly(one, text)
        one.execute("RESET statement_timeout; SET work_mem = '64kB'")
        one.execute("SELECT * FROM lines ORDER BY product, pieces")
        one.execute("BEGIN; UPDATE orders SET total = 1 WHERE id = 1")
        two.execute("BEGIN; UPDATE orders SET total = 2 WHERE id = 2")
        waiting = threading.Thread(target=_quietly, args=(two, "UPDATE orders SET total = 2 WHERE id = 1"))
        waiting.start()
        _quietly(one, "SELECT pg_sleep(0.2); UPDATE orders SET total = 1 WHERE id = 2")
        waiting.join()
        one.execute("ROLLBACK")
        two.execute("ROLLBACK")
        one.execute("CHECKPOINT")


def _quietly(connection: psycopg.Connection, text: str) -> None:
    with contextlib.suppress(psycopg.Error):
        connection.execute(text)  # type: ignore[arg-type]


def make(folder: Path, programs: Path, *, transactions: int, requests: int, plans: float) -> None:
    """Writes server.log, server.csv and server.json (of 15 and later), and counts.json: what the server counted."""
    settings = {**SETTINGS, "auto_explain.sample_rate": str(plans)}
    with EmbeddedServer(programs, settings=settings, preload=("pg_stat_statements", "auto_explain")) as server:
        forms = "stderr,csvlog,jsonlog" if server.version_num >= 150000 else "stderr,csvlog"
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute("SET auto_explain.log_min_duration = -1")  # else, by chance, a plan for each foreign key
            connection.execute(SCHEMA)  # type: ignore[arg-type]
            connection.execute("RESET auto_explain.log_min_duration")
            _pgbench(programs, server, "-i", "-s", "1", "-q")
            connection.execute(f"ALTER SYSTEM SET log_destination = '{forms}'")  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("SELECT pg_sleep(0.5)")
            connection.execute("SELECT pg_stat_statements_reset()")
            misbehave(server.dsn())
            workers = []
            for number in range(4):
                each = psycopg.connect(f"{server.dsn()} application_name=shop", autocommit=True)
                workers.append(threading.Thread(target=browse, args=(each, random.Random(number), requests // 4)))
            for worker in workers:
                worker.start()
            for mode in ("simple", "extended", "prepared"):
                _pgbench(programs, server, "-n", "-c", "4", "-t", str(transactions // 12), "-M", mode)
            for worker in workers:
                worker.join()
            rows = connection.execute(
                "SELECT query, sum(calls)::bigint, sum(total_exec_time) FROM pg_stat_statements GROUP BY 1"
            ).fetchall()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "counts.json").write_text(json.dumps(rows, indent=0))
        for file in (server.data_directory / "logs").iterdir():
            (folder / file.name).write_bytes(file.read_bytes())


def _pgbench(programs: Path, server: EmbeddedServer, *options: str) -> None:
    environment = {**os.environ, "PGHOST": str(server.directory), "PGUSER": "postgres", "PGPORT": "5432"}
    subprocess.run([programs / "pgbench", *options, "postgres"], env=environment, check=True, capture_output=True)


def main() -> None:
    """One set of logs into a folder."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"), help="of PostgreSQL")
    options.add_argument("--transactions", type=int, default=6000)
    options.add_argument("--requests", type=int, default=6000)
    options.add_argument("--plans", type=float, default=0.05, help="share of statements with a plan in the log")
    asked = options.parse_args()
    make(asked.folder, asked.programs, transactions=asked.transactions, requests=asked.requests, plans=asked.plans)


if __name__ == "__main__":
    main()
