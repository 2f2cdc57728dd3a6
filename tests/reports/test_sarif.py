"""SARIF: valid by its schema, within GitHub's limits, and the same bytes for the same findings."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from pgadvisor.model.finding import Severity
from pgadvisor.model.report import Report
from pgadvisor.reports.sarif import MOST_RESULTS, render
from tests.reports.make_migration_report import (
    FILE,
    INDEX_FINDING,
    TYPE_FINDING,
    hazard,
    many,
    migration_report,
    settled_report,
)
from tests.reports.make_report import empty_report, file_report, hostile_report, large_report, shop_report

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
REPORTS = {
    "shop": shop_report(),
    "empty": empty_report(),
    "file": file_report(),
    "hostile": hostile_report(),
    "large": large_report(),
    "migration": migration_report(),
    "settled": settled_report(),
}


def run_of(report: Report) -> dict[str, Any]:
    (run,) = json.loads(render(report))["runs"]
    return run


@pytest.mark.parametrize("name", REPORTS)
def test_it_is_valid_by_its_schema(name: str) -> None:
    validator = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)
    validator.validate(json.loads(render(REPORTS[name])))


def test_the_schema_refuses_what_is_wrong() -> None:
    told = json.loads(render(migration_report()))
    told["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError, match="fatal"):
        jsonschema.Draft4Validator(SCHEMA).validate(told)


@pytest.mark.parametrize("name", REPORTS)
def test_github_can_place_every_result(name: str) -> None:
    run = run_of(REPORTS[name])
    for result in run["results"]:
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"]
        assert location["physicalLocation"]["region"]["startLine"] >= 1
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["help"]["text"]
        assert len(rule["shortDescription"]["text"]) <= 1_024
        assert len(rule["fullDescription"]["text"]) <= 1_024


def test_a_finding_in_a_file() -> None:
    result = run_of(migration_report())["results"][0]
    assert (result["ruleId"], result["level"]) == ("index-not-concurrent", "error")
    assert result["message"]["text"].startswith("writes to orders wait 60 s, 100% of them: `ON orders`.\nChange: ")
    assert "CREATE INDEX CONCURRENTLY" in result["message"]["text"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "db/migrations/0042_status%20index.sql", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 4, "startColumn": 5, "endLine": 4, "endColumn": 14},
    }
    assert result["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "public.orders", "kind": "table"}]
    assert result["partialFingerprints"] == {"pgadvisorKey/v1": INDEX_FINDING.key}
    assert "suppressions" not in result and "baselineState" not in result


def test_the_rule_has_its_page_reason_and_source() -> None:
    rules = {rule["id"]: rule for rule in run_of(migration_report())["tool"]["driver"]["rules"]}
    rule = rules["index-not-concurrent"]
    assert rule["shortDescription"]["text"] == "An index is built while nobody can write to its table."
    assert rule["fullDescription"]["text"].startswith("CREATE INDEX takes a SHARE lock")
    assert rule["help"]["markdown"].startswith("# index-not-concurrent")
    assert rule["helpUri"].endswith("#SQL-CREATEINDEX-CONCURRENTLY")
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rules["lock-timeout-missing"]["shortDescription"]["text"] == "Lock timeout missing."  # without a page
    assert "helpUri" not in rules["lock-timeout-missing"]


def test_what_stands_in_no_file_is_named_and_has_a_fingerprint() -> None:
    first, again = run_of(shop_report())["results"], run_of(shop_report())["results"]
    assert first[0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "public.orders.status"
    assert first[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "database/public.orders.status"
    prints = [each["partialFingerprints"].get("primaryLocationLineHash") for each in first]
    assert prints == [each["partialFingerprints"].get("primaryLocationLineHash") for each in again]
    in_no_file = [finding.where.file is None for finding in shop_report().findings]
    assert [each is not None for each in prints] == in_no_file
    assert len({each for each in prints if each}) == sum(in_no_file)


def test_known_and_waived_findings_are_suppressed() -> None:
    known, fresh, waived = run_of(settled_report())["results"]
    assert known["baselineState"] == "unchanged"
    assert known["suppressions"][0]["kind"] == "external"
    assert fresh["baselineState"] == "new" and "suppressions" not in fresh
    assert waived["ruleId"] == TYPE_FINDING.rule
    assert waived["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "the shop is closed that night"}
    ]


def test_what_was_not_looked_at_is_told() -> None:
    notes = run_of(shop_report())["invocations"][0]["toolExecutionNotifications"]
    assert any("unused-index did not run" in note["message"]["text"] for note in notes)
    assert any("row security" in note["message"]["text"] for note in notes)


def test_no_more_results_than_are_shown_and_the_worst_first() -> None:
    report = migration_report(*many(MOST_RESULTS, Severity.WARNING))
    run = run_of(report)
    assert len(run["results"]) == MOST_RESULTS
    assert run["results"][0]["level"] == "error"
    assert "3 more findings are left out" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_a_message_holds_no_link_and_no_placeholder() -> None:
    hostile = hazard("r", Severity.INFO, "see [here](https://example.com) and {0} of {id}", 1)
    text = run_of(replace(migration_report(), findings=(hostile,)))["results"][0]["message"]["text"]
    assert "[here] (https://example.com) and {{0}} of {id}" in text


def test_a_path_outside_the_repository_has_no_base() -> None:
    for file, uri in (("../x.sql", "../x.sql"), ("/srv/x.sql", "file:///srv/x.sql")):
        outside = replace(INDEX_FINDING, where=replace(INDEX_FINDING.where, file=file))
        report = replace(migration_report(), findings=(outside,))
        artifact = run_of(report)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert artifact == {"uri": uri}


def test_the_same_findings_give_the_same_bytes_at_another_time() -> None:
    report = migration_report()
    later = replace(report, collected_at=report.collected_at + timedelta(days=1))
    assert render(later) == render(report)
    assert FILE not in render(report)  # a URI has no blank
