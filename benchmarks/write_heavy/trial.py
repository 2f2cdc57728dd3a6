"""One trial: a fresh copy of the database, a set of index changes, all calls committed; what it took."""

import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import pq, sql

from benchmarks.write_heavy.advice import IndexSet
from benchmarks.write_heavy.workload import Call
from pgadvisor.planner.embedded import EmbeddedServer

SOURCE, COPY = "telemetry", "trial"

_FIGURES = """
SELECT sum(n_tup_hot_upd)::float8 / nullif(sum(n_tup_upd), 0) AS hot_share,
       sum(pg_relation_size(relid)) / 2^20 AS heap_mb, sum(pg_indexes_size(relid)) / 2^20 AS index_mb
FROM pg_stat_user_tables
"""


class Trial(NamedTuple):
    """What one run of the calls took."""

    seconds: float
    typical_s: float
    """Of each statement the median call times their number: what others on the machine hold up is left out."""
    cpu_s: float | None
    """Of the session's process; None: the system does not tell."""
    wal_mb: float
    hot_share: float
    index_mb: float
    """Before the calls."""
    by_name: dict[str, float]
    """Seconds of each statement's calls."""


def copy_source(server: EmbeddedServer, name: str = COPY) -> str:
    """The DSN of a fresh copy of the loaded database, in the place of the one of that name."""
    strategy = sql.SQL(" STRATEGY file_copy" if server.version_num >= 150_000 else "")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(SOURCE))
        connection.execute(create + strategy)
    return server.dsn(name)


def run_trial(server: EmbeddedServer, changes: IndexSet, calls: Sequence[Call]) -> Trial:
    """Makes a fresh copy with the changes, sends the calls, each committed, and takes the figures."""
    with psycopg.connect(copy_source(server), autocommit=True) as connection:
        for change in changes.changes:
            connection.execute(change.encode())
        index_mb = _figures(connection)["index_mb"]
        connection.execute("CHECKPOINT")
        before, cpu_before = _wal_position(connection), _cpu_s(connection)
        times, seconds = send(connection, calls)
        cpu_s = None if cpu_before is None else (_cpu_s(connection) or 0.0) - cpu_before
        wal_mb = (_wal_position(connection) - before) / 2**20
        hot_share = _figures(connection)["hot_share"] or 0.0
        by_name = {name: sum(each) for name, each in times.items()}
        typical_s = sum(statistics.median(each) * len(each) for each in times.values())
        return Trial(seconds, typical_s, cpu_s, wal_mb, hot_share, index_mb, by_name)


def send(connection: psycopg.Connection[Any], calls: Sequence[Call]) -> tuple[dict[str, list[float]], float]:
    """Sends the calls one after the other, each its own transaction; the seconds of each by name, and of all.

    By libpq alone: what the driver does around a statement is not what is measured.
    """
    sent = [(each.name, each.text.encode()) for each in calls]
    times: dict[str, list[float]] = defaultdict(list)
    execute, clock = connection.pgconn.exec_, time.perf_counter
    began = last = clock()
    for name, text in sent:
        result = execute(text)
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise RuntimeError(f"{name}: {result.error_message.decode('utf-8', 'replace')}")
        now = clock()
        times[name].append(now - last)
        last = now
    return dict(times), last - began


def _cpu_s(connection: psycopg.Connection[Any]) -> float | None:
    """Seconds that the session's process has had a processor, on Linux."""
    told = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    return int(told.read_text("ascii").split()[0]) / 1e9 if told.exists() else None


def _wal_position(connection: psycopg.Connection[Any]) -> float:
    row = connection.execute("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8").fetchone()
    return float(row[0]) if row else 0.0


def _figures(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    if connection.info.server_version >= 150_000:
        connection.execute("SELECT pg_stat_force_next_flush()")
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute(_FIGURES).fetchone()
    return found or {}
