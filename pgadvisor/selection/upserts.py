"""Which columns an INSERT … ON CONFLICT DO UPDATE sets in rows that are there."""

from pgadvisor.sql.parse import Unread, parse


def conflict_columns(text: str) -> frozenset[str]:
    """The columns that the DO UPDATE of an INSERT sets; none, where it has none."""
    parsed = parse(text)
    if isinstance(parsed, Unread) or parsed.kind != "InsertStmt":
        return frozenset()
    clause = parsed.body.get("onConflictClause", {})
    if clause.get("action") != "ONCONFLICT_UPDATE":
        return frozenset()
    return frozenset(each["ResTarget"]["name"] for each in clause.get("targetList", ()) if "ResTarget" in each)
