"""Many rows changed a few thousand at a time, each batch in a transaction of its own."""

BATCH_ROWS = 5_000
"""Locked for a fraction of a second together, and few enough that replicas keep up."""


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
