"""`pgadvisor diff` as JSON: the changes and the new findings, as the report's own form writes them; and its schema."""

import json

import msgspec

from pgadvisor.model.report import Report
from pgadvisor.reports import json as json_report
from pgadvisor.reports.json_record import JsonRecord
from pgadvisor.reports.json_records import JsonChanges, JsonFinding, JsonSource


class JsonDiff(JsonRecord):
    """What `pgadvisor diff --format json` writes."""

    format: int
    """Number of this form: that of a report."""
    pgadvisor: str
    """The version that made it."""
    is_redacted: bool
    """Names and literals are pseudonyms (`--redact`)."""
    source: JsonSource
    """Of NEW."""
    changes: JsonChanges
    new_findings: tuple[JsonFinding, ...]
    """Of NEW, those that OLD did not have, in its order."""


def render(report: Report) -> str:
    """One object, ended by a line feed. Same report, same bytes. The report has changes."""
    told = json.loads(json_report.render(report))
    new = [each for each in told["findings"] if each["status"] == "new"]
    kept = {name: told[name] for name in JsonDiff.__struct_fields__ if name != "new_findings"}
    return json.dumps({**kept, "new_findings": new}, ensure_ascii=False, indent=2) + "\n"


def schema() -> str:
    """The JSON schema of that form, as docs/diff.schema.json has it."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(JsonDiff)}
    return json.dumps(made, indent=2) + "\n"
