"""What tags tell of the request that sent a statement: its endpoint in one spelling, its id, the line of code."""

import re
from collections.abc import Sequence

_ROUTES = ("route", "http.route", "http_route")
_METHODS = ("http_method", "http.method", "http.request.method", "request_method", "method")
_CONTROLLERS = ("namespaced_controller", "controller_with_namespace", "controller")
_JOBS = ("job", "sidekiq_job", "job_tag")
"""Keys of sqlcommenter (also with OpenTelemetry's names), of marginalia and of Rails' query log tags."""

REQUEST_IDS = ("request_id", "request-id", "x-request-id", "http.request_id", "trace_id")
_FILES = ("file", "filename", "code.filepath", "code.file.path", "source_file")
_LINES = ("line", "lineno", "line_number", "code.lineno", "code.line.number")
"""Where in the application's code a statement was sent, as frameworks and OpenTelemetry call it."""

_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context: version, trace, span, flags. Each statement may have a span of its own; the trace is one."""
_PLACE = re.compile(r"(\S[^:]*):(\d+)")
"""`app/models/order.rb:42:in 'total'` of marginalia and Rails."""

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


def request_id(tags: Sequence[tuple[str, str]]) -> str | None:
    """What is the same for all statements of one request: the trace of `traceparent`, else its id."""
    for key, value in tags:
        if key == "traceparent" and (trace := _TRACE.fullmatch(value)):
            return trace[1]
    return _first({key.lower(): value for key, value in tags}, REQUEST_IDS)


def code_line(tags: Sequence[tuple[str, str]]) -> str | None:
    """The line of the application's code that sent the statement: `orders/views.py:42`; None: not told."""
    told = {key.lower(): value for key, value in tags}
    file, line = _first(told, _FILES), _first(told, _LINES)
    if file and line and line.isdigit():
        return f"{file}:{line}"
    place = _PLACE.match(told.get("source_location") or line or file or "")
    return f"{place[1]}:{place[2]}" if place else None


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
