"""What became of endpoints between two runs: more than the warmth of caches, and a loop though it be faster."""

import pytest

from pgadvisor.advise.endpoint_changes import endpoint_changes
from pgadvisor.model.log import LoggedEndpoint, Spread
from pgadvisor.model.report import Endpoint
from pgadvisor.reports.change_words import endpoint_line

Seen = tuple[int, float, float]
"""Requests, queries each, milliseconds each."""


def seen(told: Seen) -> tuple[Endpoint, ...]:
    requests, queries, ms = told

    def spread(each: float) -> Spread:
        return Spread(count=requests, total=each * requests, least=each, median=each, p95=each, p99=each, most=each)

    logged = LoggedEndpoint(
        name="GET /orders", requests=requests, queries=spread(queries), database_ms=spread(ms), duration_ms=spread(ms)
    )
    return (Endpoint(name="GET /orders", statements=(), seen=logged),)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ((12, 3, 1.0), (12, 3, 3.5), "same"),  # a dozen requests of a cold server
        ((12, 3, 20.0), (12, 3, 120.0), "worse"),
        ((9, 3, 20.0), (900, 3, 120.0), "same"),
        ((40, 3, 0.2), (40, 3, 0.6), "same"),  # nobody feels it
        ((40, 3, 4.0), (40, 3, 8.0), "worse"),
        ((40, 3, 8.0), (40, 3, 4.0), "better"),
        ((12, 3, 8.0), (12, 41, 8.0), "worse"),  # counts are no chance
        ((400, 3, 50.0), (500, 41, 10.0), "worse in queries"),
        ((400, 1, 50.0), (500, 3, 10.0), "better"),  # one query taken apart
        ((400, 10, 50.0), (500, 15, 10.0), "better"),
        ((400, 41, 50.0), (500, 3, 10.0), "better"),
    ],
)
def test_what_is_told_is_more_than_chance(before: Seen, after: Seen, change: str) -> None:
    (told,) = endpoint_changes(seen(after), seen(before))
    assert (told.change, endpoint_line(told).partition(":")[0]) == (change.partition(" ")[0], change)
