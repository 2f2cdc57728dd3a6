"""What an endpoint may cost: budgets that a team sets for its requests."""

from pgadvisor.model.record import Record


class EndpointBudget(Record):
    """The most that a request of the endpoints of that name may take; None: as much as it wants."""

    pattern: str
    """A name, or one with `*` for anything: `GET /orders*`."""
    queries: int | None = None
    ms: float | None = None
    """Database time."""
    rows: int | None = None
