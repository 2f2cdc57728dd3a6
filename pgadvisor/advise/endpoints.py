"""Endpoints: the requests of the application, as logs tell of them; else known by the tags in its statements."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from pgadvisor.facts import Facts
from pgadvisor.model.log import LoggedEndpoint, LoggedStatement, Logs
from pgadvisor.model.report import Endpoint
from pgadvisor.model.workload import Statement
from pgadvisor.sql.endpoint_name import endpoint_name

MOST_ENDPOINTS = 200
"""Of those that logs tell of, by time: hardly anything is beyond them."""
MOST_STATEMENTS = 50
"""Of one of these."""


def endpoints_of(facts: Facts) -> tuple[Endpoint, ...]:
    """The endpoints that logs or else tags tell of, the most costly first; empty when neither does."""
    logs = facts.snapshot.logs
    if logs is not None and logs.endpoints:
        return _logged(logs, facts)
    sent: dict[str, list[Statement]] = defaultdict(list)
    for statement in facts.snapshot.statements:
        if name := endpoint_name(statement.tags):
            sent[name].append(statement)
    made = (_endpoint(name, statements, facts.total_ms) for name, statements in sent.items())
    return tuple(sorted(made, key=lambda endpoint: (-(endpoint.total_ms or 0.0), endpoint.name)))


def logged_of(endpoints: Sequence[Endpoint], facts: Facts) -> tuple[LoggedStatement, ...]:
    """The statements that the requests of these endpoints name, and those of the snapshot as the logs tell of them;
    without what a report does not show."""
    if facts.snapshot.logs is None:
        return ()
    named = {each.fingerprint for each in facts.snapshot.statements}
    for seen in (each.seen for each in endpoints if each.seen is not None):
        named.update(each.statement for each in seen.statements)
        named.update(step.statement for trace in (seen.typical, seen.slow) if trace for step in trace.steps)
    bare = (msgspec.structs.replace(each, plans=(), values=()) for each in facts.snapshot.logs.statements)
    return tuple(each for each in bare if each.key in named)


def _logged(logs: Logs, facts: Facts) -> tuple[Endpoint, ...]:
    known = {each.fingerprint: each.key for each in reversed(facts.snapshot.statements)}
    spent_ms = sum(each.duration_ms.total for each in logs.statements if each.duration_ms is not None)
    return tuple(
        Endpoint(
            name=seen.name,
            statements=tuple(key for each in seen.statements if (key := known.get(each.statement))),
            calls=round(seen.queries.total),
            total_ms=seen.database_ms.total,
            share=min(seen.database_ms.total / spent_ms, 1.0) if spent_ms else None,
            seen=_brief(seen),
        )
        for seen in logs.endpoints[:MOST_ENDPOINTS]
    )


def _brief(seen: LoggedEndpoint) -> LoggedEndpoint:
    return msgspec.structs.replace(seen, statements=seen.statements[:MOST_STATEMENTS])


def _endpoint(name: str, statements: Sequence[Statement], observed_ms: float) -> Endpoint:
    calls = [each.calls for each in statements if each.calls is not None]
    times = [each.total_ms for each in statements if each.total_ms is not None]
    return Endpoint(
        name=name,
        statements=tuple(each.key for each in sorted(statements, key=lambda each: -(each.total_ms or 0.0))),
        calls=sum(calls) if calls else None,
        total_ms=sum(times) if times else None,
        share=min(sum(times) / observed_ms, 1.0) if times and observed_ms else None,
    )
