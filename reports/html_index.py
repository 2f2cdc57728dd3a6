"""The index of the findings: what the page's script filters, sorts and marks them by, once for all, in few bytes."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from markupsafe import Markup

from pgadvisor.model.report import Report
from pgadvisor.reports.visible_text import folded, visible

if TYPE_CHECKING:
    from pgadvisor.reports.html_page import FindingView

LONGEST = 130
"""Of a name in a list to choose from."""


def finding_index(report: Report, findings: Iterable["FindingView"]) -> Markup:
    """JSON as text of an element: names, and a row for each finding in the page's order."""
    tables: dict[str, int] = {}
    endpoints: dict[str, int] = {}
    rules: dict[str, int] = {}
    rows = [
        [
            _short(visible(view.finding.key), visible(folded(view.finding.rule, LONGEST))),
            _place(view.finding.rule, rules),
            _place(view.finding.where.table, tables),
            _place(view.finding.where.endpoint, endpoints),
            round(view.gain.freed_ms_per_day) if view.gain else -1,
            round(view.finding.share, 3) if view.finding.share is not None else -1,
            view.finding.status or "",
        ]
        for view in findings
    ]
    index = {
        "source": _source(report),
        "redacted": report.is_redacted,
        "tables": [*tables],
        "endpoints": [*endpoints],
        "rules": [*rules],
        "findings": rows,
    }
    text = json.dumps(index, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace").decode()
    return Markup(text.replace("&", "&amp;").replace("<", "&lt;"))  # in a text, quotes need no escape


def _source(report: Report) -> str:
    """What tells one audited database from another, whatever its version and the directory of its socket."""
    if report.server is None:
        return ""
    host = report.server.host or ""
    return visible(f"{report.server.database}@{'' if host.startswith(('/', '@')) else host}")


def _short(key: str, rule: str) -> str:
    """The key without the rule's name, which mostly begins it; the script puts that back before a colon."""
    rest = key.removeprefix(rule)
    return rest if rest.startswith(":") else key


def _place(name: str | None, places: dict[str, int]) -> int:
    """The name's place among those seen so far; -1: there is none."""
    return places.setdefault(visible(folded(name, LONGEST)), len(places)) if name else -1
