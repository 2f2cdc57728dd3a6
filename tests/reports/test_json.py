"""The JSON of a report: the form that the command line's page promises, and its schema."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from pgadvisor.model.report import Report
from pgadvisor.reports.json import render, schema
from tests.golden import assert_golden
from tests.reports.make_report import empty_report, file_report, hostile_report, shop_report

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "report.schema.json"
REPORTS = [shop_report(), empty_report(), empty_report(with_server=True), file_report(), hostile_report()]


def test_golden() -> None:
    assert_golden("report/shop.json", render(shop_report()))


def test_keys_and_their_order() -> None:
    told = json.loads(render(shop_report()))
    assert list(told) == [
        "format", "pgadvisor", "source", "verdict", "gaps", "rules_not_run", "unread", "findings",
    ]  # fmt: skip
    found = told["findings"][0]
    assert list(found) == [
        "rule", "also", "severity", "key", "message", "where", "evidence", "remedy", "gain_ms_per_day", "share",
        "statements", "wrong_if",
    ]  # fmt: skip
    assert list(found["where"]) == ["table", "column", "index", "statement", "file", "line", "endpoint"]
    assert list(found["remedy"]) == ["text", "sql", "undo", "lock", "cost"]
    assert list(found["evidence"][0]) == ["rung", "text"]


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
