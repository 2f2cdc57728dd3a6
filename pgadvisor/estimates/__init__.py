"""Why the planner expected other row counts than came: where it goes wrong first, and the cause."""
