"""Many rows changed a few thousand at a time, each batch in a transaction of its own."""

import re

from pgadvisor.migration_facts import MigrationStep
from pgadvisor.safe_forms.spelled import script, table_sql

BATCH_ROWS = 5_000
"""Locked for a fraction of a second together, and few enough that replicas keep up."""
_UPDATE = re.compile(
    r"\s*UPDATE\s+(?:ONLY\s+)?[\w.\"]+\s+SET\s+(?P<column>\w+|\"[^\"]+\")\s*=\s*"
    r"(?P<value>(?:true|false|null|-?\d+(?:\.\d+)?|'(?:[^']|'')*')(?:::\w+)?|[a-z_]\w*)"
    r"(?:\s+WHERE\s+(?P<condition>.+))?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
"""Only to a constant or another column: of what is computed nobody can tell which rows have it already."""
_DELETE = re.compile(
    r"\s*DELETE\s+FROM\s+(?:ONLY\s+)?[\w.\"]+(?:\s+WHERE\s+(?P<condition>.+))?\s*\Z", re.IGNORECASE | re.DOTALL
)
_NO_COLUMN = re.compile(r"default|current_\w+|localtime\w*|user|session_user", re.IGNORECASE)
_NOT_ALONE = re.compile(r"\b(FROM|USING|RETURNING|SELECT)\b", re.IGNORECASE)


def update_in_batches(table: str, assignment: str, rows_left: str) -> str:
    """An UPDATE of the rows that `rows_left` is true of, until there are none; it must be false of those changed."""
    return _loop(f"UPDATE {table} SET {assignment}", table, rows_left)


def delete_in_batches(table: str, rows_left: str) -> str:
    """A DELETE of the rows that `rows_left` is true of, until there are none."""
    return _loop(f"DELETE FROM {table}", table, rows_left)


def _loop(change: str, table: str, rows_left: str) -> str:
    return f"""DO $$
BEGIN
  LOOP
    {change}
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {rows_left} LIMIT {BATCH_ROWS}));
    EXIT WHEN NOT FOUND;
    COMMIT;
  END LOOP;
END $$"""


def rows_in_batches(step: MigrationStep) -> str | None:
    """An UPDATE or DELETE of the migration as a loop, where it is a plain one on one table."""
    span = step.step.span
    text = step.statement.text if span is None else step.statement.text[span.start : span.end]
    update, delete = _UPDATE.match(text), _DELETE.match(text)
    if (update is None and delete is None) or _NOT_ALONE.search(text.split(None, 2)[-1]):
        return None
    if delete:
        return script(delete_in_batches(table_sql(step), delete["condition"] or "true"))
    assert update
    if update["value"].lower() == update["column"].lower() or _NO_COLUMN.fullmatch(update["value"]):
        return None
    left = f"{update['column']} IS DISTINCT FROM ({update['value']})"
    condition = f"({update['condition']}) AND {left}" if update["condition"] else left
    return script(update_in_batches(table_sql(step), f"{update['column']} = {update['value']}", condition))
