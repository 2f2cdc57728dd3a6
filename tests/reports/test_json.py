"""The JSON of a report: the form that the command line's page promises, and its schema."""

import json
from datetime import date
from pathlib import Path

import jsonschema
import msgspec
import pytest

from pgadvisor.model.finding import Evidence, Rung
from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.report import RejectedRemedy, Report, Trials, UnplannedStatement
from pgadvisor.reports.json import render, schema
from pgadvisor.reports.json_reading import read
from tests.golden import assert_golden
from tests.reports.make_changed_report import changed_report, hostile_changed_report
from tests.reports.make_migration_report import settled_report
from tests.reports.make_report import NOW, empty_report, file_report, hostile_report, orders_plan, shop_report

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "report.schema.json"
REPORTS = [
    shop_report(),
    empty_report(),
    empty_report(with_server=True),
    file_report(),
    hostile_report(),
    changed_report(),
    hostile_changed_report(),
]


def test_golden() -> None:
    assert_golden("report/shop.json", render(shop_report()))


def test_keys_and_their_order() -> None:
    told = json.loads(render(shop_report()))
    assert list(told) == [
        "format", "pgadvisor", "is_redacted", "source", "verdict", "gaps", "rules_run", "rules_not_run", "unread",
        "findings", "waived", "unused_waivers", "tried", "endpoints", "log", "changes", "trials", "totals",
        "statements", "migrations", "advice",
    ]  # fmt: skip
    found = told["findings"][0]
    assert list(found) == [
        "rule", "also", "severity", "status", "key", "message", "where", "evidence", "remedy", "gain_ms_per_day",
        "at_most_ms_per_day", "saves_ms_per_request", "share", "statements", "wrong_if",
    ]  # fmt: skip
    assert list(found["where"]) == ["table", "column", "index", "statement", "file", "line", "endpoint"]
    assert list(found["remedy"]) == ["text", "sql", "code", "undo", "lock", "cost"]
    assert list(found["evidence"][0]) == ["rung", "text", "comparison"]


def test_a_statement_is_a_queryid_as_text_or_a_position() -> None:
    shop, file = (json.loads(render(report)) for report in (shop_report(), file_report()))
    assert shop["findings"][2]["where"]["statement"] == "-771235551"
    assert shop["findings"][5]["where"]["statement"] is None
    assert file["findings"][0]["where"]["statement"] == 2


def test_the_schema_in_docs_is_the_one_of_the_records() -> None:
    assert SCHEMA.read_text("utf-8") == schema(), (
        "write docs/report.schema.json anew from pgadvisor.reports.json.schema()"
    )


@pytest.mark.parametrize("report", REPORTS)
def test_output_fits_the_schema_and_is_always_the_same(report: Report) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema()))
    jsonschema.validate(json.loads(render(report)), json.loads(schema()), cls=jsonschema.Draft202012Validator)
    assert render(report) == render(report)


def test_what_no_encoding_can_write_does_not_stop_the_report() -> None:
    report = shop_report()
    damaged = msgspec.structs.replace(report.findings[0], message="half \ud800 pair", gain_ms_per_day=float("inf"))
    told = json.loads(render(msgspec.structs.replace(report, findings=(damaged,))).encode())
    assert told["findings"][0]["message"] == "half ? pair"
    assert told["findings"][0]["gain_ms_per_day"] is None


def test_what_is_different_from_the_previous_run() -> None:
    told = json.loads(render(changed_report()))
    assert [each["status"] for each in told["findings"][:2]] == ["new", "known"]
    assert told["endpoints"][0]["name"] == "GET /admin/orders"
    assert told["endpoints"][0]["statements"] == ["8113450972365"]
    changes = told["changes"]
    assert (changes["new"], changes["known"], changes["reset_between"]) == (2, 10, False)
    assert changes["fixed"][0]["message"] == "index `orders_note_idx` was never scanned"
    assert changes["statements"][0]["change"] == "worse"
    assert [each["statement"] for each in changes["statements"]] == ["8113450972365", "55120031", None]


def test_of_compared_plans_the_costs_are_told() -> None:
    report = shop_report()
    plan = orders_plan()
    cheap = msgspec.structs.replace(plan, root=plan.root.children[0], execution_ms=None)
    compared = PlanComparison(change="CREATE INDEX ON orders (status)", before=plan, after=cheap, tried_on="twin")
    evidence = Evidence(rung=Rung.ESTIMATED, text="tried", comparison=compared)
    found = msgspec.structs.replace(report.findings[0], evidence=(evidence,))
    told = json.loads(render(msgspec.structs.replace(report, findings=(found,))))["findings"][0]["evidence"][0]
    assert told["comparison"] == {
        "change": "CREATE INDEX ON orders (status)",
        "tried_on": "twin",
        "cost_before": plan.root.total_cost,
        "cost_after": plan.root.children[0].total_cost,
        "ms_before": plan.execution_ms,
        "ms_after": None,
    }


def test_what_was_tried_and_rejected() -> None:
    rejected = RejectedRemedy(rule="sort-spills", change="CREATE INDEX", reason="no plan takes it", statements=("#2",))
    trials = Trials(
        planner="twin",
        planned=3,
        not_planned=(UnplannedStatement(statement="#1", reason="too long"),),
        rejected=(rejected,),
    )
    told = json.loads(render(msgspec.structs.replace(file_report(), trials=trials)))["trials"]
    assert told == {
        "planner": "twin",
        "planned": 3,
        "not_planned": [{"statement": 1, "reason": "too long"}],
        "compared": 0,
        "different": [],
        "disagreements": [],
        "remedies": 0,
        "rejected": [
            {"rule": "sort-spills", "change": "CREATE INDEX", "reason": "no plan takes it", "statements": [2]},
        ],
    }


@pytest.mark.parametrize("report", REPORTS)
def test_what_a_later_run_is_compared_with_is_read_back(report: Report) -> None:
    again = read(json.loads(render(report)))
    assert again.collected_at == report.collected_at
    assert (again.server and again.server.database) == (report.server and report.server.database)
    assert [(each.key, each.statements, each.where.table) for each in again.findings] == [
        (each.key, each.statements, each.where.table) for each in report.findings
    ]
    assert [(each.key, each.text, each.calls) for each in again.statements] == [
        (each.key, each.text, each.calls) for each in report.statements
    ]
    timed = [both for both in zip(again.statements, report.statements, strict=True) if both[1].mean_ms is not None]
    assert all(one.mean_ms == pytest.approx(other.mean_ms, rel=1e-3) for one, other in timed)
    assert (again.totals and again.totals.since) == (report.totals and report.totals.since)


def test_a_report_with_more_in_it_than_is_known_is_read_back() -> None:
    content = json.loads(render(shop_report()))
    content["more"] = [{"of": "a later version"}]
    content["findings"][0]["more"] = 1
    del content["statements"], content["totals"]
    again = read(content)
    assert again.collected_at == NOW
    assert again.statements == ()
    assert len(again.findings) == len(shop_report().findings)


def test_what_is_waived_is_told_with_its_reason_and_end() -> None:
    report = settled_report()
    waived = msgspec.structs.replace(report.waived[0], until=date(2027, 1, 31))
    (told,) = json.loads(render(msgspec.structs.replace(report, waived=(waived,))))["waived"]
    assert told["finding"]["rule"] == waived.finding.rule
    assert (told["reason"], told["until"], told["is_in_source"]) == (
        "the shop is closed that night",
        "2027-01-31",
        True,
    )
