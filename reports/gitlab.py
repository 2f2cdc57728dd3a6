"""The report as GitLab Code Quality: findings in the merge request and beside its lines.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import hashlib
import json
from collections import Counter
from typing import Any

from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.report import Report
from pgadvisor.reports.file_spots import spot_of, thing_of
from pgadvisor.reports.lookup import Lookup, lookup_of
from pgadvisor.reports.plain_finding import lines_of, sentence
from pgadvisor.reports.visible_text import visible

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render(report: Report) -> str:
    """The findings as a JSON list. GitLab itself tells those that are new from those of the target branch."""
    lookup = lookup_of(report)
    seen: Counter[str] = Counter()
    told = [_issue(lookup, finding, seen) for finding in report.findings]
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _issue(lookup: Lookup, finding: Finding, seen: Counter[str]) -> dict[str, Any]:
    seen[finding.key] += 1
    spot = spot_of(lookup, finding)
    lines = {"begin": 1 if spot is None else spot.line}
    if spot is not None and spot.end_line is not None:
        lines["end"] = spot.end_line
    return {
        "description": sentence(finding.message),
        "check_name": sentence(finding.rule),
        "fingerprint": _fingerprint(finding.key, seen[finding.key]),
        "severity": SEVERITIES[finding.severity],
        "location": {
            # GitLab passes over what has no path.
            "path": f"database/{sentence(thing_of(lookup, finding)).replace('/', ' ')}" if spot is None else spot.file,
            "lines": lines,
        },
        "content": {"body": "\n".join(lines_of(finding))},
    }


def _fingerprint(key: str, count: int) -> str:
    """The same for the same finding tomorrow, whatever line it moved to; of those with one key each its own."""
    told = visible(key) if count == 1 else f"{visible(key)}\0{count}"
    return hashlib.blake2s(told.encode(), digest_size=16).hexdigest()
