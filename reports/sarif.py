"""The report in SARIF 2.1.0: code scanning of GitHub and others, editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, and what GitHub makes of it:
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.report import Report, Waived
from pgadvisor.reports import prose
from pgadvisor.reports import report_words as words
from pgadvisor.reports.file_spots import Spot, spot_of, thing_of, uri_of
from pgadvisor.reports.lookup import WHY, Lookup, lookup_of
from pgadvisor.reports.plain_finding import lines_of, sentence
from pgadvisor.reports.visible_text import visible

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 5_000
"""GitHub shows no more of a run."""
MOST_NOTES = 500
DESCRIPTION = 1_000
"""Characters of a rule's description: GitHub takes 1,024."""
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
ROOT = "%SRCROOT%"
"""What paths are relative to: the root of the repository."""
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_SOURCE = "Source"
"""The heading of a rule's page under which its sources stand."""


def render(report: Report) -> str:
    """The report as one SARIF run: a result a finding, those that are known or waived as suppressed ones."""
    lookup = lookup_of(report)
    found = [*report.findings, *(each.finding for each in report.waived)]
    rules = sorted({finding.rule for finding in found})
    order = {rule: number for number, rule in enumerate(rules)}
    results = [
        *(_result(lookup, finding, order) for finding in report.findings),
        *(_waived(lookup, waived, order) for waived in report.waived),
    ]
    run = {
        "tool": {"driver": _driver(report, rules, found)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(report, len(results))],
        "results": results[:MOST_RESULTS],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1) + "\n"


def _driver(report: Report, rules: Iterable[str], found: Iterable[Finding]) -> dict[str, Any]:
    worst: dict[str, Severity] = {}
    for finding in found:
        known = worst.get(finding.rule, finding.severity)
        worst[finding.rule] = min(known, finding.severity, key=lambda severity: severity.rank)
    pages = dict(report.rule_pages)
    version = visible(report.pgadvisor)
    return {
        "name": "pgadvisor",
        "version": version,
        "rules": [_rule(rule, pages.get(rule, ""), worst[rule]) for rule in rules],
    }


def _rule(rule: str, page: str, worst: Severity) -> dict[str, Any]:
    """What the rule finds, why that matters, its page, and where it can be read up."""
    name = sentence(rule, 200)
    summary = sentence(prose.page_summary(page), DESCRIPTION) or f"{name.replace('-', ' ').capitalize()}."
    shown = visible(page).strip() or summary
    told: dict[str, Any] = {
        "id": name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": sentence(_reason(page) or summary, DESCRIPTION)},
        "help": {"text": shown, "markdown": shown},
        "defaultConfiguration": {"level": LEVELS[worst]},
        "properties": {"tags": ["postgresql"]},
    }
    if source := _source(page):
        told["helpUri"] = source
    return told


def _result(lookup: Lookup, finding: Finding, order: Mapping[str, int]) -> dict[str, Any]:
    spot = spot_of(lookup, finding)
    key = visible(finding.key)
    told: dict[str, Any] = {
        "ruleId": sentence(finding.rule, 200),
        "ruleIndex": order[finding.rule],
        "level": LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [_location(lookup, finding, spot)],
        "partialFingerprints": {"pgadvisorKey/v1": key},
        "properties": {"evidence": finding.rung.value},
    }
    if spot is None:  # of a file, whoever uploads computes it from the line
        told["partialFingerprints"]["primaryLocationLineHash"] = _digest(key)
    if finding.status is not None:
        told["baselineState"] = "new" if finding.status == "new" else "unchanged"
    if finding.status == "known":
        told["suppressions"] = [{"kind": "external", "status": "accepted", "justification": "It is known."}]
    return told


def _waived(lookup: Lookup, waived: Waived, order: Mapping[str, int]) -> dict[str, Any]:
    suppression = {"kind": "inSource" if waived.is_in_source else "external", "status": "accepted"}
    if waived.reason:
        suppression["justification"] = sentence(waived.reason)
    return {**_result(lookup, waived.finding, order), "suppressions": [suppression]}


def _message(finding: Finding) -> str:
    """The finding in plain text; its first sentence is all that a list shows."""
    told = "\n".join((f"{sentence(finding.message)}.", *lines_of(finding)))
    # A link and a placeholder are all that SARIF reads in a plain message (3.11.5, 3.11.6).
    return _PLACEHOLDER.sub(r"{{\1}}", told.replace("](", "] ("))


def _location(lookup: Lookup, finding: Finding, spot: Spot | None) -> dict[str, Any]:
    """Where it is. GitHub refuses a whole file for one result without an artifact: what stands in no file gets the
    name of its table, index or statement as one."""
    thing = thing_of(lookup, finding)
    if spot is None:
        artifact: dict[str, Any] = {"uri": f"database/{uri_of(thing.replace('/', ' '))}"}
        region: dict[str, int | None] = {"startLine": 1}
    else:
        artifact = {"uri": uri_of(spot.file)}
        is_inside = not spot.file.startswith("/") and ".." not in spot.file.split("/")
        artifact |= {"uriBaseId": ROOT} if is_inside else {}
        region = {
            "startLine": spot.line,
            "startColumn": spot.column,
            "endLine": spot.end_line,
            "endColumn": spot.end_column,
        }
    told: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": artifact,
            "region": {name: value for name, value in region.items() if value is not None},
        }
    }
    if spot is None or finding.where.table is not None or finding.where.index is not None:
        told["logicalLocations"] = [{"fullyQualifiedName": thing, "kind": _kind(finding)}]
    return told


def _kind(finding: Finding) -> str:
    where = finding.where
    named = {"index": where.index, "column": where.column, "table": where.table, "endpoint": where.endpoint}
    return next((kind for kind, name in named.items() if name is not None), "statement")


def _invocation(report: Report, results: int) -> dict[str, Any]:
    """What was not looked at: silence about it would read as "fine"."""
    notes = [sentence(each.text) for each in islice(words.missing(report), MOST_NOTES)]
    if results > MOST_RESULTS:
        notes.insert(0, f"{results - MOST_RESULTS:,} more findings are left out: the JSON report has them")
    told: dict[str, Any] = {"executionSuccessful": True}
    if notes:
        told["toolExecutionNotifications"] = [{"level": "note", "message": {"text": note}} for note in notes]
    return told


def _reason(page: str) -> str | None:
    return " ".join(_below(page, WHY)) or None


def _source(page: str) -> str | None:
    """The first address that the page names as its source."""
    found = prose.LINK.search(" ".join(_below(page, _SOURCE)))
    return found[0] if found else None


def _below(page: str, heading: str) -> tuple[str, ...]:
    """The paragraph or list below a heading of the page."""
    blocks = iter(prose.page_blocks(page))
    is_there = any(block.kind == "heading" and block.lines == (heading,) for block in blocks)
    block = next(blocks, None) if is_there else None
    return block.lines if block is not None and block.kind in ("paragraph", "list") else ()


def _digest(key: str) -> str:
    return hashlib.blake2s(key.encode(), digest_size=16).hexdigest()
