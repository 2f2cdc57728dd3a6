"""Endpoints: the requests of the application, known by the tags in its statements, in one spelling."""

import re
from collections import defaultdict
from collections.abc import Sequence

from pgadvisor.facts import Facts
from pgadvisor.model.report import Endpoint
from pgadvisor.model.workload import Statement

_ROUTES = ("route", "http.route", "http_route")
_METHODS = ("http_method", "http.method", "http.request.method", "request_method", "method")
_CONTROLLERS = ("namespaced_controller", "controller_with_namespace", "controller")
_JOBS = ("job", "sidekiq_job", "job_tag")
"""Keys of sqlcommenter (also with OpenTelemetry's names), of marginalia and of Rails' query log tags."""

_METHOD_AHEAD = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s+(?=/)", re.IGNORECASE)
_NAMED_GROUP = re.compile(r"\(\?P<(\w+)>")
_ANCHORS = re.compile(r"\\[AZz]|(?<!\\)[$^]")
_PARAMETERS = (
    (re.compile(r"\(\.:format\)"), ""),  # Rails: `/orders/:id(.:format)`
    (re.compile(r"<(?:[^<>:/]*:)?(\w+)>"), r"{\1}"),  # Django, Flask: `<int:id>`
    (re.compile(r"(?<=[/.-]):(\w+)(?:\([^()/]*\))?\??"), r"{\1}"),  # Rails, Express: `:id`, `:id(\d+)`
    (re.compile(r"(?<=/)\[(?:\.\.\.)?(\w+)\]"), r"{\1}"),  # Next.js: `[id]`
    (re.compile(r"\{\*?(\w+)[^{}]*\}"), r"{\1}"),  # FastAPI, Spring, ASP.NET: `{id:int}`
)
"""How frameworks spell the parameter of a route."""


def endpoints_of(facts: Facts) -> tuple[Endpoint, ...]:
    """The endpoints that the tags tell of, the most costly first; empty when no statement has such tags."""
    sent: dict[str, list[Statement]] = defaultdict(list)
    for statement in facts.snapshot.statements:
        if name := endpoint_name(statement.tags):
            sent[name].append(statement)
    made = (_endpoint(name, statements, facts.total_ms) for name, statements in sent.items())
    return tuple(sorted(made, key=lambda endpoint: (-(endpoint.total_ms or 0.0), endpoint.name)))


def endpoint_name(tags: Sequence[tuple[str, str]]) -> str | None:
    """`GET /orders/{id}`, else `orders#show`, else the job's name; None: the tags name no endpoint."""
    told = {key.lower(): " ".join(value.split()) for key, value in tags}
    route = _first(told, _ROUTES)
    if route is None and "route" in told and told.get("framework", "").startswith("django"):
        route = "/"  # Django calls its root page by an empty route
    if route is not None:
        method, path = _first(told, _METHODS), _spelled(route)
        if ahead := _METHOD_AHEAD.match(route):
            method, path = ahead[1], _spelled(route[ahead.end() :])
        return f"{method.upper()} {path}" if method else path
    controller, action = _first(told, _CONTROLLERS), told.get("action") or None
    if controller and action:
        return f"{controller}#{action}"
    return controller or action or _first(told, _JOBS)


def _first(told: dict[str, str], keys: Sequence[str]) -> str | None:
    return next((told[key] for key in keys if told.get(key)), None)


def _spelled(route: str) -> str:
    """The route with a slash ahead and its parameters as `{name}`, whatever the framework writes."""
    path = _without_groups(route) if "(?" in route or route.startswith("^") else route
    for pattern, name in _PARAMETERS:
        path = pattern.sub(name, path)
    path = path.partition("?")[0]
    return re.sub("/{2,}", "/", f"/{path}")


def _without_groups(pattern: str) -> str:
    """A route written as a regular expression, as Django's `re_path` has it: named groups become parameters."""
    pieces, at = [], 0
    while found := _NAMED_GROUP.search(pattern, at):
        pieces += [pattern[at : found.start()], f"{{{found[1]}}}"]
        at = _end_of_group(pattern, found.start())
    path = _ANCHORS.sub("", "".join([*pieces, pattern[at:]]))
    return path.replace("/?", "/").replace("\\", "")


def _end_of_group(pattern: str, start: int) -> int:
    """Where the group that begins at `start` ends; the end of the text when it never does."""
    depth, at = 0, start
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] in "()":
            depth += 1 if pattern[at] == "(" else -1
            if depth == 0:
                return at + 1
        at += 1
    return len(pattern)


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
