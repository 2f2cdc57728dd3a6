"""The demo's shop: a database with 600,000 rows, made in a few seconds, in which problems are waiting to be found."""

from datetime import datetime
from importlib import resources
from typing import Any

import psycopg

from pgadvisor.demo.server import Server
from pgadvisor.model.progress import Progress
from pgadvisor.sql.splitter import split_statements

DATABASE = "shop"
OWNER = "shop"
"""The role of the application."""
AUDITOR = "auditor"
"""The role that reads: nothing but the two grants that pgadvisor asks for."""
STAGE = "Building the shop"

_ROLES = f"""
CREATE ROLE {OWNER} LOGIN;
CREATE ROLE {AUDITOR} LOGIN;
GRANT pg_monitor, pg_read_all_data TO {AUDITOR};
"""
# Two coupons share a code: the build fails, and leaves an index behind that every write must feed and no query may use.
_INVALID_INDEX = "CREATE UNIQUE INDEX CONCURRENTLY coupons_code_key ON coupons (code)"


def make_shop(server: Server, progress: Progress) -> datetime:
    """Makes roles, database and rows; gives the moment from which the rows count back."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(_ROLES)
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
    with psycopg.connect(server.dsn(DATABASE, OWNER), autocommit=True) as connection:
        made_at = _fill(connection, progress)
        _break_index(connection)
    return made_at


def reset_counters(server: Server) -> None:
    """Sets pg_stat_statements back, so that it holds nothing of how the shop was made."""
    _run_uncounted(server, "SELECT pg_stat_statements_reset()")


def tidy(server: Server) -> None:
    """Does what autovacuum would have done by now: most of the events are gone, and the planner should know."""
    _run_uncounted(server, "VACUUM (ANALYZE) events")


def _run_uncounted(server: Server, statement: str) -> None:
    """Runs a statement of ours without making it a part of the workload."""
    uncounted = "-c pg_stat_statements.track=none"
    with psycopg.connect(server.dsn(DATABASE), autocommit=True, options=uncounted) as connection:
        connection.execute(statement.encode())


def _fill(connection: psycopg.Connection[tuple[Any, ...]], progress: Progress) -> datetime:
    """Runs the SQL files one statement after the other; the moment it began."""
    steps = [step for name in ("schema", "rows", "indexes", "upkeep") for step in _statements(f"{name}.sql")]
    made_at: datetime = connection.execute("SELECT now()").fetchall()[0][0]
    for number, step in enumerate(steps):
        progress(STAGE, number, len(steps))
        connection.execute(step.encode())
    progress(STAGE, len(steps), len(steps))
    return made_at


def _statements(file: str) -> tuple[str, ...]:
    text = resources.files("pgadvisor.demo").joinpath(file).read_text(encoding="utf-8")
    return tuple(statement.text for statement in split_statements(text))


def _break_index(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Leaves an invalid index behind, as a failed deployment does."""
    try:
        connection.execute(_INVALID_INDEX)
    except psycopg.errors.UniqueViolation:
        return
    raise AssertionError("the demo's coupons have become unique: their index is valid")
