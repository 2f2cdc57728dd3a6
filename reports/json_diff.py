"""`pgadvisor diff` as JSON: the changes and the new findings, as the report's own form writes them."""

import json

from pgadvisor.model.report import Report
from pgadvisor.reports import json as json_report


def render(report: Report) -> str:
    """One object, ended by a line feed. Same report, same bytes."""
    told = json.loads(json_report.render(report))
    new = [each for each in told["findings"] if each["status"] == "new"]
    kept = {name: told[name] for name in ("format", "pgadvisor", "is_redacted", "source")}
    return json.dumps({**kept, "changes": told["changes"], "new_findings": new}, ensure_ascii=False, indent=2) + "\n"
