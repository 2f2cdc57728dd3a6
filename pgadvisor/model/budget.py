"""What an endpoint may cost: budgets that a team sets for its requests."""

import re

from pgadvisor.model.record import Record


class EndpointBudget(Record):
    """The most that a request of the endpoints of that name may take; None: as much as it wants.

    Raises ValueError for one that allows everything, or less than nothing.
    """

    pattern: str
    """A name, or one with `*` for anything: `GET /orders*`."""
    queries: int | None = None
    ms: float | None = None
    """Database time."""
    rows: int | None = None

    def __post_init__(self) -> None:
        limits = [each for each in (self.queries, self.ms, self.rows) if each is not None]
        if not self.pattern.strip():
            raise ValueError("the pattern of a budget is empty: give an endpoint's name, or `*` for all")
        if not limits:
            raise ValueError(f'the budget of "{self.pattern}" allows everything: give it queries, ms or rows')
        if min(limits) < 0:
            raise ValueError(f'the budget of "{self.pattern}" is below 0')

    def is_of(self, endpoint: str) -> bool:
        """Whether it holds for the endpoint of that name."""
        return re.fullmatch(".*".join(map(re.escape, self.pattern.split("*"))), endpoint) is not None
