"""Read every statement of a snapshot into a Query, and list those that are not understood."""

from pgadvisor.model.report import UnreadStatement
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, Unread, read_query


def read_queries(snapshot: Snapshot) -> tuple[dict[str, Query], list[UnreadStatement]]:
    """Queries by `Statement.key`, and the statements whose text is not understood, with their share of the time."""
    schema = Schema(snapshot.tables, snapshot.views, snapshot.search_path)
    total_ms = snapshot.observed_ms
    queries: dict[str, Query] = {}
    unread: list[UnreadStatement] = []
    for statement in snapshot.statements:
        if not statement.text:
            continue  # a plan was pasted without its query
        found = read_query(statement.text, schema, statement=statement.key, is_truncated=statement.is_truncated)
        if isinstance(found, Unread):
            share = (statement.total_ms or 0.0) / total_ms if total_ms else None
            unread.append(UnreadStatement(statement=statement.key, reason=found.reason, share=share))
        else:
            queries[statement.key] = found
    return queries, unread
