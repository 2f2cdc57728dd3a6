"""Read every statement of a snapshot into a Query, and list those that are not understood."""

from pgadvisor.model.report import UnreadStatement
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, Unread, read_query
from pgadvisor.sql.readings import Readings


def read_queries(
    snapshot: Snapshot, readings: Readings | None = None
) -> tuple[dict[str, Query], list[UnreadStatement]]:
    """Queries by `Statement.key`, and the statements whose text is not understood, with their share of the time.

    `readings`: of another snapshot of the database, which are taken over where they hold for this one.
    """
    read = readings.read if readings else read_query
    schema = Schema(snapshot.tables, snapshot.views, snapshot.search_path)
    total_ms = snapshot.observed_ms
    queries: dict[str, Query] = {}
    unread: list[UnreadStatement] = []
    for statement in snapshot.statements:
        if not statement.text:
            continue  # a plan was pasted without its query
        found = read(statement.text, schema, statement=statement.key, is_truncated=statement.is_truncated)
        if isinstance(found, Unread):
            share = (statement.total_ms or 0.0) / total_ms if total_ms else None
            unread.append(UnreadStatement(statement=statement.key, reason=found.reason, share=share))
        else:
            queries[statement.key] = found
    return queries, unread
