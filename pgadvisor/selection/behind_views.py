"""What a statement asks of the tables behind a view: its text does not name them, but its plan does."""

from collections.abc import Iterator

from pgadvisor.model.plan import PlanNode
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.normalize import normalize
from pgadvisor.sql.parse import Unread, parse_tree
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, read_query


def behind_views(query: Query | None, root: PlanNode, schema: Schema) -> Query | None:
    """The tables that a plan (VERBOSE) reads with what it compares of them, as a query, constants as parameters; None:
    the statement names no view, or its plan cannot be read so."""
    if query is None or not any(use.kind == "view" for scope in query.scopes for use in scope.tables):
        return None
    relations = {
        node.alias: f"{quoted(node.schema)}.{quoted(node.table)} AS {quoted(node.alias)}"
        for node in root.walk()
        if node.schema and node.table and node.alias
    }
    compared = " AND ".join(dict.fromkeys(_clauses(root)))
    if not relations or not compared:
        return None
    found = read_query(normalize(f"SELECT * FROM {', '.join(relations.values())} WHERE {compared}"), schema)
    return None if isinstance(found, Unread) else found


def _clauses(root: PlanNode) -> Iterator[str]:
    """Conditions of scans and joins that are SQL: those on subplans are not."""
    for node in root.walk():
        for clause in (node.filter, node.index_condition, node.hash_condition, node.merge_condition, node.join_filter):
            if clause and not isinstance(parse_tree(f"SELECT WHERE {clause}"), Unread):
                yield clause
