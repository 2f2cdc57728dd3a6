"""What became of each endpoint's requests between two runs, as logs tell of them."""

from collections.abc import Sequence
from typing import Literal

from pgadvisor.advise.statement_changes import CALLED_MORE, WORTH_TELLING, is_apart
from pgadvisor.model.changes import EndpointChange
from pgadvisor.model.log import LoggedEndpoint
from pgadvisor.model.report import Endpoint

_RANK = ("worse", "new", "better", "gone", "same")
SLOWER = ((30, 1.5, 1.0), (10, 3.0, 50.0))
"""(requests in each run, factor, milliseconds more): a test that asks a page a dozen times first reads what later is in
memory, which makes such a request some milliseconds slower, and seldom fifty."""
LOOP = 5.0
"""So many more queries of a request, and three times as many, are a loop that began, whatever time it takes."""


def endpoint_changes(now: Sequence[Endpoint], before: Sequence[Endpoint]) -> tuple[EndpointChange, ...]:
    """Every endpoint whose requests are known, where both runs have logs: the worse ones first, then by their time."""
    seen, known = ({each.name: each.seen for each in run if each.seen is not None} for run in (now, before))
    if not seen or not known:
        return ()
    total_ms = sum(each.database_ms.total for each in seen.values())
    found = [_told(name, seen.get(name), known.get(name), total_ms) for name in sorted(seen.keys() | known.keys())]
    return tuple(sorted(found, key=lambda each: (_RANK.index(each.change), -_moved(each))))


def _told(name: str, seen: LoggedEndpoint | None, known: LoggedEndpoint | None, total_ms: float) -> EndpointChange:
    return EndpointChange(
        change=_change(seen, known, total_ms),
        name=name,
        requests_before=known.requests if known else None,
        requests_after=seen.requests if seen else None,
        mean_ms_before=_mean_ms(known),
        mean_ms_after=_mean_ms(seen),
        p95_ms_before=known.database_ms.p95 if known else None,
        p95_ms_after=seen.database_ms.p95 if seen else None,
        queries_before=queries_each(known),
        queries_after=queries_each(seen),
    )


def _change(
    seen: LoggedEndpoint | None, known: LoggedEndpoint | None, total_ms: float
) -> Literal["new", "worse", "better", "gone", "same"]:
    """By the database time of a request, in so far as it moves the time of all; else by its queries. A loop that began
    is worse though the request be faster: on more rows, or another network, it will not be."""
    if seen is None:
        return "gone"
    if known is None:
        return "new"
    calls = min(seen.requests, known.requests)
    queries, queries_before = queries_each(seen) or 0.0, queries_each(known) or 0.0
    are_queries_apart = is_apart(calls, queries, queries_before) and abs(queries - queries_before) >= 1
    if are_queries_apart and queries >= max(queries_before + LOOP, CALLED_MORE * queries_before):
        return "worse"
    after, was = _mean_ms(seen) or 0.0, _mean_ms(known) or 0.0
    if _is_time_apart(calls, after, was) and abs(after - was) * seen.requests >= WORTH_TELLING * total_ms:
        return "worse" if after > was else "better"
    if are_queries_apart:
        return "worse" if queries > queries_before else "better"
    return "same"


def _is_time_apart(calls: int, after: float, was: float) -> bool:
    """Whether two means of database time differ by more than chance, and by more than anybody would not feel."""
    slow, fast = max(after, was), min(after, was)
    return any(calls >= least and slow >= factor * fast and slow - fast >= ms for least, factor, ms in SLOWER)


def _mean_ms(seen: LoggedEndpoint | None) -> float | None:
    return seen.database_ms.total / seen.requests if seen and seen.requests else None


def queries_each(seen: LoggedEndpoint | None) -> float | None:
    """Queries of a request, on average."""
    return seen.queries.total / seen.requests if seen and seen.requests else None


def _moved(change: EndpointChange) -> float:
    """Of those that are new or gone all their time; else by how much the requests of this run are slower or faster."""
    requests = change.requests_after or change.requests_before or 0
    return abs((change.mean_ms_after or 0.0) - (change.mean_ms_before or 0.0)) * requests
