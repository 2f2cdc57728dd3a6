"""Server to Snapshot: all that is read, in order; what cannot be read is a Gap."""

from pgadvisor import __version__
from pgadvisor.collect.activity import read_activity
from pgadvisor.collect.catalog import read_sequences, read_tables, read_types, read_views
from pgadvisor.collect.column_ends import with_ends
from pgadvisor.collect.reading import Reading
from pgadvisor.collect.routines import (
    read_collation_changes,
    read_collations,
    read_functions,
    read_security_definers,
    read_text_searches,
)
from pgadvisor.collect.server import (
    read_extensions,
    read_replicas,
    read_search_path,
    read_server,
    read_settings,
)
from pgadvisor.collect.session import Session
from pgadvisor.collect.statements import read_statements
from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.model.snapshot import FORMAT, Snapshot

STEPS = 8
"""Calls of `Reading.step` but the last, here and in catalog.py."""


def collect(session: Session, *, keep_values: bool = True, progress: Progress = no_progress) -> Snapshot:
    """All that the server says, without plans. `keep_values`: column statistics hold their values in memory, for what
    is planned with them; `strip_values` takes them out. Raises ServerError only when the connection is lost."""
    reading = Reading(session, progress, STEPS)
    reading.step("server")
    server, collected_at = read_server(reading)
    settings = read_settings(reading)
    search_path = read_search_path(reading, settings)
    extensions = read_extensions(reading)
    tables = read_tables(reading, search_path, keep_values=keep_values)
    if keep_values:
        tables = with_ends(reading, tables)
    reading.step("views")
    views, types = read_views(reading), read_types(reading)
    sequences, replicas = read_sequences(reading), read_replicas(reading)
    functions, collations = read_functions(reading), read_collations(reading)
    activity = read_activity(reading)
    reading.step("statements")
    statements, totals = read_statements(reading, extensions, settings)
    reading.step("statements")
    return Snapshot(
        format=FORMAT,
        pgadvisor=__version__,
        collected_at=collected_at,
        server=server,
        settings=settings,
        search_path=search_path,
        tables=tables,
        views=views,
        types=types,
        sequences=sequences,
        functions=functions,
        security_definers=read_security_definers(reading),
        collations=collations,
        collation_changes=read_collation_changes(reading),
        text_searches=read_text_searches(reading),
        extensions=extensions,
        replicas=replicas,
        activity=activity,
        statements=statements,
        totals=totals,
        gaps=tuple(reading.gaps),
        keeps_values=keep_values,
    )
