"""The overview of many databases: what its rows say, in all its forms."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from pgadvisor.model.finding import Severity
from pgadvisor.model.inventory import AuditedDatabase, Overview
from pgadvisor.model.report import Report, Verdict
from pgadvisor.reports import html, html_overview, json_overview, overview_words, text_overview
from tests.reports.make_report import HOSTILE, empty_report, shop_report
from tests.reports.test_html import Page

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "inventory.schema.json"


def row(report: Report, name: str, failing: int = 0) -> AuditedDatabase:
    return overview_words.row_of(report, name, file=f"{name}.html", failing=failing)


def overview(*rows: AuditedDatabase) -> Overview:
    return Overview(pgadvisor="0.1.0", databases=rows)


MANY = overview(
    row(empty_report(with_server=True), "quiet"),
    row(shop_report(), "shop", failing=2),
    overview_words.row_of_failure("away", "cannot connect: nothing listens at db: check the host"),
)


def test_a_row_counts_findings_and_frees_each_statements_time_once() -> None:
    report = shop_report()
    found = row(report, "shop")
    assert found.errors + found.warnings + found.info == len(report.findings) > 0
    assert found.source == "shop on db-1, PostgreSQL 15.18"
    gains = [each.gain_ms_per_day or 0.0 for each in report.findings]
    assert found.freed_ms_per_day is not None and max(gains) <= found.freed_ms_per_day <= sum(gains)
    twice = msgspec.structs.replace(report, findings=(*report.findings, *report.findings))
    assert row(twice, "shop").freed_ms_per_day == found.freed_ms_per_day
    brief = row(msgspec.structs.replace(report, window_s=60.0), "shop")
    assert brief.freed_ms_per_day is None and brief.freed_share is not None
    assert row(msgspec.structs.replace(report, window_s=None), "shop").freed_share is None


def test_the_headline_tells_the_worst() -> None:
    assert overview_words.headline(MANY) == "1 of 3 databases has errors"
    assert overview_words.lead(MANY).startswith("1 database could not be audited. All remedies together would free")
    assert overview_words.severity(MANY) is Severity.ERROR
    assert overview_words.headline(overview(MANY.databases[0])) == "Nothing to change was found in 1 database"
    assert overview_words.severity(overview(MANY.databases[0])) is None
    assert overview_words.headline(overview(MANY.databases[2])) == "The database could not be audited"
    assert [each.name for each in overview_words.shown_order(MANY)] == ["away", "shop", "quiet"]


def test_the_text_has_a_row_each_and_every_failure() -> None:
    text = text_overview.render(MANY, width=100)
    lines = text.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("shop", "quiet"))] == ["shop", "quiet"]
    assert "Could not be audited\naway: cannot connect: nothing listens at db: check the host\n" in text
    assert "\x1b[" not in text and "\x1b[" in text_overview.render(MANY, width=100, color=True)


def test_the_page_links_reports_and_lets_no_text_act() -> None:
    page = Page(html_overview.render(MANY))
    assert [each["href"] for each in page.all("a") if (each["href"] or "").endswith(".html")] == [
        "shop.html",
        "quiet.html",
    ]
    for words in ("Could not be audited", "cannot connect: nothing listens at db.", "Next: check the host."):
        assert words in page.text
    assert "All databases" in html.render(shop_report(), overview="index.html")
    assert "All databases" not in html.render(shop_report())
    for text in HOSTILE:
        verdict = Verdict(headline=text, text=text)
        hostile = msgspec.structs.replace(MANY.databases[1], source=text, verdict=verdict)
        shown = Page(html_overview.render(overview(hostile, overview_words.row_of_failure("x", text))))
        assert [tag for tag, _ in shown.elements] == [tag for tag, _ in Page(html_overview.render(
            overview(MANY.databases[1], MANY.databases[2]))).elements]  # fmt: skip
        assert "\x1b" not in text_overview.render(overview(hostile))


@pytest.mark.parametrize("many", [MANY, overview(MANY.databases[2])])
def test_the_json_has_the_form_of_its_schema(many: Overview) -> None:
    assert SCHEMA.read_text("utf-8") == json_overview.schema(), (
        "write docs/inventory.schema.json anew from pgadvisor.reports.json_overview.schema()"
    )
    told = json.loads(json_overview.render(many))
    jsonschema.validate(told, json.loads(json_overview.schema()), cls=jsonschema.Draft202012Validator)
    assert [each["name"] for each in told["databases"]] == [each.name for each in many.databases]
