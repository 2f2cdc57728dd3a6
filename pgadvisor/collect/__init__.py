"""Server to Snapshot: the only room, beside the planner, that speaks to a database."""
