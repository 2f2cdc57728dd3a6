"""The schema of a twin: made from a snapshot alone; what cannot be made is a gap, and the rest goes on."""

import psycopg
from psycopg.conninfo import make_conninfo

from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.planner.twin_access import OWNER, give_access
from pgadvisor.planner.twin_schema_functions import function_steps
from pgadvisor.planner.twin_schema_gaps import foreseen, gaps_of
from pgadvisor.planner.twin_schema_indexes import (
    constraint_steps,
    extended_statistics_steps,
    index_steps,
    unusable_indexes,
)
from pgadvisor.planner.twin_schema_steps import run_steps
from pgadvisor.planner.twin_schema_tables import kinship_steps, table_steps, view_steps
from pgadvisor.planner.twin_schema_types import (
    collation_steps,
    extension_steps,
    opening_steps,
    schema_steps,
    sequence_steps,
    stand_in_steps,
    stand_in_types,
    text_search_steps,
    type_steps,
)
from pgadvisor.sql.identifiers import quoted

STAGE = "planner twin"

# As collecting has them: definitions are told under these.
_SETTINGS = (
    "SET client_min_messages = error; SET check_function_bodies = off; SET statement_timeout = '60s'; SET jit = off;"
    " SET DateStyle = 'ISO, MDY'; SET IntervalStyle = postgres; SET TimeZone = 'UTC'"
)


def create_schema(
    connection: psycopg.Connection, snapshot: Snapshot, progress: Progress = no_progress
) -> tuple[Gap, ...]:
    """Makes all that the snapshot tells of, in the database of a superuser's connection in autocommit."""
    give_access(connection, next(iter(snapshot.search_path), "public"))
    extensions, lacking, refused = extension_steps(connection, snapshot)
    missing = (*lacking, *refused)
    short = [*run_steps(connection, [*schema_steps(snapshot, OWNER), *extensions, *opening_steps(snapshot, OWNER)])]
    stand_ins = stand_in_types(connection, snapshot, missing)
    steps = [
        *stand_in_steps(stand_ins),
        *type_steps(snapshot.types),
        *text_search_steps(connection, snapshot.text_searches),
        *sequence_steps(snapshot),
        *function_steps(snapshot, missing),
        *table_steps(snapshot, frozenset(stand_ins)),
        *kinship_steps(snapshot),
        *index_steps(snapshot),
        *constraint_steps(snapshot),
        *extended_statistics_steps(snapshot),
        *view_steps(snapshot),
    ]
    with as_owner(connection, snapshot) as owner:
        short += run_steps(owner, list(collation_steps(connection, snapshot)))
        short += run_steps(owner, steps, lambda done: progress(STAGE, done, len(steps)))
    _hide(connection, unusable_indexes(snapshot))
    return (*foreseen(snapshot, lacking, refused, stand_ins), *gaps_of(short))


def as_owner(connection: psycopg.Connection, snapshot: Snapshot) -> psycopg.Connection:
    """A connection of the role without rights. Types of older snapshots are told without their schemas."""
    # libpq leaves out what is its default, and a PG* variable would take the place.
    places = {"port": str(connection.info.port), "hostaddr": "", "target_session_attrs": "any"}
    dsn = make_conninfo(connection.info.dsn, user=OWNER, options="", **places)
    owner = psycopg.connect(dsn, autocommit=True, client_encoding="UTF8")
    path = ", ".join(map(quoted, ("pg_catalog", *filter(None, snapshot.search_path))))
    owner.execute(f"{_SETTINGS}; SET search_path = {path}".encode())
    return owner


def _hide(connection: psycopg.Connection, indexes: tuple[tuple[str, bool], ...]) -> None:
    for name, is_ready in indexes:
        connection.execute(
            "UPDATE pg_catalog.pg_index SET indisvalid = false, indisready = %s"
            " WHERE indexrelid = pg_catalog.to_regclass(%s)",
            (is_ready, name),
        )
