"""The HTML report as a document: its sections, its anchors, its policy, and texts that stay texts."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from pgadvisor.model.report import Report, TimeShare
from pgadvisor.reports.html import render
from tests.reports.make_changed_report import changed_report
from tests.reports.make_report import (
    HOSTILE,
    empty_report,
    file_report,
    hostile_report,
    large_report,
    shop_findings,
    shop_report,
)

REPORTS = [
    pytest.param(shop_report(), id="shop"),
    pytest.param(empty_report(), id="empty"),
    pytest.param(empty_report(with_server=True), id="empty-server"),
    pytest.param(file_report(), id="file"),
    pytest.param(hostile_report(), id="hostile"),
]
SECTIONS = ["verdict", "time", "fix-first", "findings", "tables", "statements", "trust"]


class Page(HTMLParser):
    """A page's elements with their attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        """All texts as a reader sees them, on one line."""
        return " ".join("".join(self.texts).replace("\u00a0", " ").split())


@pytest.mark.parametrize("report", REPORTS)
def test_sections_are_all_there_in_order(report: Report) -> None:
    ids = [section["id"] for section in Page(render(report)).all("section")]
    expected = [each for each in SECTIONS if each != "time"] if report == file_report() else SECTIONS
    assert [each for each in ids if each != "rules"] == expected


@pytest.mark.parametrize("report", REPORTS)
def test_every_finding_has_an_anchor_and_every_link_leads_somewhere(report: Report) -> None:
    page = Page(render(report))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    findings = [each for each in page.all("details") if each.get("class") == "finding"]
    assert len(findings) == len(report.findings)
    assert all(re.fullmatch(r"f-[0-9a-f]{8}", each["id"] or "") for each in findings)
    links = [link["href"] or "" for link in page.all("a")]
    assert all(link[1:] in ids for link in links if link.startswith("#"))
    assert all(link.startswith(("#", "https://")) for link in links)


def test_an_anchor_is_the_same_in_the_next_run() -> None:
    report = shop_report()
    turned = msgspec.structs.replace(report, findings=tuple(reversed(shop_findings())))
    ids, turned_ids = (
        [each["id"] for each in Page(render(one)).all("details") if each.get("class") == "finding"]
        for one in (report, turned)
    )
    assert ids == list(reversed(turned_ids))


@pytest.mark.parametrize("report", REPORTS)
def test_nothing_leaves_the_file_and_nothing_but_our_scripts_can_run(report: Report) -> None:
    rendered = render(report)
    page = Page(rendered)
    policy = next(each["content"] or "" for each in page.all("meta") if each.get("http-equiv"))
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert len(page.all("script")) == 2 and len(page.all("style")) == 1
    for tag in ("script", "style"):
        for content in re.findall(f"<{tag}>(.*?)</{tag}>", rendered, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy
    for tag, attributes in page.elements:
        assert tag not in ("img", "iframe", "object", "embed", "form", "base")
        assert not any(name.startswith("on") or name in ("style", "src", "srcset") for name in attributes), attributes
    assert [link["href"] or "" for link in page.all("link") if not (link["href"] or "").startswith("data:")] == []


@pytest.mark.parametrize("report", REPORTS)
def test_same_report_same_bytes(report: Report) -> None:
    assert render(report) == render(report)


def test_hostile_texts_are_shown_as_they_are() -> None:
    text = Page(render(hostile_report())).text
    for hostile in HOSTILE[:6]:
        assert text.count(hostile) > 10, hostile
    assert "⟨U+202E⟩esrever⟨U+202C⟩" in text
    assert "esc ⟨U+001B⟩[31mred" in text
    assert "مرحبا بالعالم" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_what_a_name_hides_is_shown_but_copied_as_it_is() -> None:
    report = hostile_report()
    exact = [each["data-exact"] for each in Page(render(report)).all("pre") if "data-exact" in each]
    remedies = [found.remedy.sql for found in report.findings]
    assert remedies[6] in exact  # with its marks of direction


def test_what_no_encoding_can_write_does_not_stop_the_report() -> None:
    report = shop_report()
    damaged = msgspec.structs.replace(
        report.findings[0],
        message="half \ud800 pair",
        remedy=msgspec.structs.replace(report.findings[0].remedy, sql="SELECT '\ud800';"),
    )
    assert "half ⟨U+D800⟩ pair" in render(msgspec.structs.replace(report, findings=(damaged,))).encode().decode()


def test_what_a_finding_says_is_there() -> None:
    text = Page(render(shop_report())).text
    for part in (
        "sequential scan of orders reads 2,000,000 rows to keep 80,000",
        "A scan reads many rows and throws nearly all of them away.",
        "CREATE INDEX CONCURRENTLY orders_status_placed_at_idx ON public.orders (status, placed_at);",
        "DROP INDEX CONCURRENTLY public.orders_status_placed_at_idx;",
        "SHARE UPDATE EXCLUSIVE on orders: reads and writes go on",
        "about 43 MB, built in about 4 s",
        "nearly all orders have the status asked for in production",
        "measured EXPLAIN ANALYZE: 1,920,000 of 2,000,000 rows removed by the filter",
        "Seq Scan on orders o filter (status = ?)",
        "41 → 80,000",
        "1,905× more",
    ):
        assert part in text, part


def test_the_guilty_part_and_the_guilty_node_are_marked() -> None:
    rendered = render(shop_report())
    assert "<mark>o.status = <i>$1</i></mark>" in rendered
    guilty = re.findall(r"<tr class=guilty><th scope=row class=d\d+><b>(.*?)</b>([^<]*)", rendered)
    assert ["".join(each).strip() for each in guilty] == ["Sort", "Seq Scan on orders o", "SubPlan 1: Aggregate"]


def test_trust_tells_what_was_not_looked_at() -> None:
    text = Page(render(shop_report())).text
    assert "replicas: replication cannot be seen by this role" in text
    assert "unused-index: needs replicas, which could not be read" in text
    assert "Cure: GRANT pg_monitor TO auditor" in text
    assert 'SELEC nonsense FROM: syntax error at or near "SELEC"' in text
    assert "1 EXPLAIN ANALYZE" in text and "1 planned with values" in text
    assert "No plan: it changes data, and the server refused to plan it" in text


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (empty_report(), "No database was asked"),
        (empty_report(with_server=True), "The database has no table that could be read"),
        (empty_report(), "No statement was read"),
        (empty_report(), "No time was observed"),
        (empty_report(), "But 1 rule could not run: see Trust."),
        (file_report(), "No gain is known"),
    ],
)
def test_what_is_missing_is_said(report: Report, said: str) -> None:
    if said == "No gain is known":
        first = msgspec.structs.replace(shop_findings()[2], gain_ms_per_day=None, where=report.findings[0].where)
        report = msgspec.structs.replace(report, findings=(first,))
    assert said in Page(render(report)).text


def test_rules_that_could_not_run_are_no_good_news() -> None:
    report = msgspec.structs.replace(empty_report(), rules_not_run=())
    classes = [Page(render(each)).all("section")[0]["class"] for each in (empty_report(), report)]
    assert classes == ["is-info", "is-good"]


def test_each_table_shows_its_share_though_few_are_in_the_chart() -> None:
    report = shop_report()
    table = report.tables[-1]
    told = msgspec.structs.replace(report, table_shares=(TimeShare(label=table.label, total_ms=7.0, share=0.0123),))
    assert "<b>1.2%</b> of time" in render(told).split("<section id=tables")[1].split("<section id=statements")[0]


def test_a_large_report_stays_small() -> None:
    assert len(render(large_report(findings=500, plans=180)).encode()) <= 1_200_000


def test_what_is_beyond_the_first_hundred_is_there_too() -> None:
    report = large_report(findings=12, plans=150, tables=120)
    page = Page(render(report))
    rows: list[dict[str, Any]] = [each for each in page.all("details") if each.get("class") == "row"]
    assert len(rows) == 270
    assert "50 more statements" in page.text and "20 more tables" in page.text


def test_a_text_of_a_megabyte_does_not_swell_the_page() -> None:
    report = shop_report()
    name = "x" * 1_000_000
    found = msgspec.structs.replace(
        report.findings[0],
        message=f"`{name}` is long",
        where=msgspec.structs.replace(report.findings[0].where, table=name),
    )
    statement = msgspec.structs.replace(report.statements[0], text=f"SELECT {name}", name=name)
    swollen = msgspec.structs.replace(
        report, findings=(found, *report.findings[1:]), statements=(statement, *report.statements[1:])
    )
    assert len(render(swollen)) < 200_000


def test_what_is_beyond_the_first_five_hundred_has_a_line_each() -> None:
    report = large_report(findings=20, plans=560, tables=520)
    page = render(report)
    for statement in report.statements:
        assert statement.text.rsplit("\n", 1)[-1] in page
    for table in report.tables:
        assert f">{table.name}<" in page
    assert "The other 60 in a line each, without their plans" in page
    assert "The other 20 in a line each" in page


def test_in_what_the_server_plans_a_statement_otherwise_is_told() -> None:
    text = Page(render(changed_report())).text
    assert "planned otherwise on the server: " in text
    assert ": orders: Seq Scan on the server, not read on the planner" in text
