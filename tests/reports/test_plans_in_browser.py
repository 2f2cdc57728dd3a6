"""Plans in headless Chromium: tables, two plans side by side, EXPLAIN to take away, pev2."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, FrameLocator, Page

from pgadvisor.model.explain import read_explain
from pgadvisor.model.finding import Evidence, Rung
from pgadvisor.model.plan import Plan, PlanComparison
from pgadvisor.model.report import Report, TriedChange
from pgadvisor.reports.html import render
from pgadvisor.reports.plan_viewer import PlanViewerName
from pgadvisor.rule import node
from tests.reports.fix_browser import OPEN_ALL, SCREENS, WATCH, Open, axe_faults, copied_by, needs_chromium
from tests.reports.make_report import HOSTILE, hostile_report, orders_plan, shop_report

pytestmark = needs_chromium
LONG = " OR ".join(f"(status = {number})" for number in range(60))
WIDER_THAN_ITS_PLACE = """
[...document.querySelectorAll('main *')].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.className || each.tagName)
"""


def better_plan(condition: str = "(status = ?)") -> Plan:
    """The page of orders when an index gives both the rows and their order."""
    orders = node(
        "Index Scan", rows=41.0, cost=180.0, table="orders", alias="o", schema="public",
        index="orders_status_placed_idx", index_condition=condition, parent_relationship="Outer",
    )  # fmt: skip
    customer = node(
        "Index Scan", rows=1.0, cost=0.4, table="customer", alias="c", schema="public", index="customer_pkey",
        index_condition="(id = o.customer_id)", parent_relationship="Inner",
    )  # fmt: skip
    joined = node(
        "Nested Loop", orders, customer, rows=41.0, cost=210.0, join_type="Inner", parent_relationship="Outer"
    )
    return Plan(root=node("Limit", joined, rows=20.0, cost=210.0))


def compared_report(after: Plan | None = None, change: str = "CREATE INDEX ON public.orders (status)") -> Report:
    """The shop; its first finding was tried, and so was a change of the user's."""
    shop = shop_report()
    comparison = PlanComparison(
        change=change, before=orders_plan(), after=after or better_plan(), tried_on="planner twin, PostgreSQL 18.6"
    )
    tried = Evidence(rung=Rung.ESTIMATED, text="tried on the planner twin", comparison=comparison)
    first, *rest = shop.findings
    first = msgspec.structs.replace(first, evidence=(*first.evidence, tried))
    mine = TriedChange(statement="-771235551", change=change, tried_on="twin", comparison=comparison, doubts=("rows",))
    failed = TriedChange(statement="-771235551", change="DROP x", tried_on="twin", error="there is no index x")
    return msgspec.structs.replace(shop, findings=(first, *rest), tried=(mine, failed))


@pytest.mark.parametrize("width", [390, 899, 900, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_plans_fit_beside_or_below_each_other(opened: Open, width: int, scheme: str) -> None:
    page = opened(compared_report(), width=width, color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    assert page.evaluate(WIDER_THAN_ITS_PLACE) == []
    changed = page.locator("details.finding .diff tr.changed").first
    before, after = (changed.locator("td").nth(at).bounding_box() for at in (0, 1))
    assert before and after
    assert (before["y"] == after["y"]) == (width >= 900)
    assert (before["x"] == after["x"]) == (width < 900)


def test_differences_are_told_by_sign_and_word(opened: Open) -> None:
    page = opened(compared_report())
    page.locator("details.finding > summary").first.click()
    box = page.locator("details.finding .compared")
    box.scroll_into_view_if_needed()
    told = "reads orders by index orders_status_placed_idx instead of sequentially; no sort; cost 9,901 → 210"
    assert box.locator("p").first.inner_text() == told
    marks = box.locator("tbody th b").all_inner_texts()
    assert marks == ["= unchanged", "− only before", "= unchanged", "≠ changed", "= unchanged"]
    scan = box.locator("tbody tr").nth(3)
    assert "access path" in scan.inner_text() and "less cost" in scan.inner_text()
    assert "Seq Scan on orders o" in scan.locator("td").nth(0).inner_text()
    assert "Index Scan using orders_status_placed_idx on orders o" in scan.locator("td").nth(1).inner_text()


def test_what_the_user_tried_stands_with_its_statement(opened: Open) -> None:
    page = opened(compared_report())
    row = page.locator("#statements details.row[open]")
    row.scroll_into_view_if_needed()
    assert row.count() == 1
    assert row.locator(".compared").count() == 2
    assert "Not tried: there is no index x" in (row.text_content() or "")
    row.locator("button:has-text('Copy EXPLAIN after')").wait_for()


def test_a_long_condition_opens_without_a_script(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "plain.html"
    path.write_text(render(compared_report(better_plan(LONG))), "utf-8")
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(path.as_uri())
    page.locator("details.finding > summary").first.click()
    note = page.locator(".diff details.note").first
    assert "(status = 59)" not in note.inner_text()
    note.locator("summary").click()
    assert "(status = 59)" in note.inner_text()
    assert page.locator(".plan-tools").count() == 0
    page.emulate_media(media="print")
    assert page.locator(".diff details.note").first.is_visible()
    context.close()


def test_the_table_is_one_for_a_screen_reader(opened: Open) -> None:
    page = opened(compared_report())
    page.evaluate(OPEN_ALL)
    for table in page.locator("table.plan").all():
        assert table.locator("caption").count() == 1
        assert table.locator("thead th:not([scope=col])").count() == 0
        assert table.locator("tbody th:not([scope=row])").count() == 0
        heads = table.locator("thead th").count()
        rows = table.evaluate("(each) => [...each.tBodies[0].rows].map((row) => row.cells.length)")
        assert set(rows) == {heads}


def test_the_guilty_node_says_why(opened: Open) -> None:
    page = opened(shop_report())
    page.locator("details.finding > summary").first.click()
    blames = page.locator("details.finding").first.locator("tr.guilty .blame").all_inner_texts()
    assert blames == [
        "sort spills 51,200 kB to disk #5 sort-spills",
        "sequential scan of orders reads 2,000,000 rows to keep 80,000 #1 scan-discards-most-rows",
        "41 rows planned, 80,000 found: 1,951 times more #7 row-estimate-far-off",
    ]


def copied(page: Page, button: str, at: int = 0) -> Plan:
    return read_explain(json.loads(copied_by(page.locator(f"button:has-text('{button}')").nth(at))))


def test_explain_is_one_click_away(opened: Open) -> None:
    page = opened(compared_report(), permissions=["clipboard-read", "clipboard-write"])
    page.locator("details.finding > summary").first.click()
    assert copied(page, "Copy EXPLAIN (JSON)") == orders_plan()
    assert copied(page, "Copy EXPLAIN before (JSON)") == orders_plan()
    assert copied(page, "Copy EXPLAIN after (JSON)") == better_plan()
    page.locator("details.finding > summary").nth(6).click()  # it brings a copy of the plan
    assert copied(page, "Copy EXPLAIN (JSON)", at=1) == orders_plan()


def test_explain_of_hostile_names_is_copied_as_it_is(opened: Open) -> None:
    report = hostile_report()
    page = opened(report, permissions=["clipboard-read", "clipboard-write"])
    for number in (0, 4, 7):
        page.locator("details.finding > summary").nth(number).click()
        assert copied(page, "Copy EXPLAIN (JSON)", at=0) == report.plans[number].plan
        page.locator("details.finding > summary").nth(number).click()
        page.evaluate("document.querySelectorAll('.plan-tools').forEach((each) => each.remove())")


@pytest.mark.parametrize("text", HOSTILE[:8])
def test_hostile_names_in_two_plans_do_nothing(opened: Open, text: str) -> None:
    hostile = node("Seq Scan", rows=1.0, cost=9.0, table=text, alias=text, schema=text, filter=text, subplan_name=text)
    page = opened(compared_report(Plan(root=hostile), change=text), width=390)
    page.evaluate(OPEN_ALL)
    assert page.evaluate(WIDER_THAN_ITS_PLACE) == []
    assert page.locator("img, iframe").count() == 0


@pytest.fixture
def with_pev2(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, list[str]]]:
    """The shop with pev2 in it, and what its pages and frames complain of or ask for."""
    troubles: list[str] = []
    path = tmp_path / "pev2.html"
    path.write_text(render(compared_report(), PlanViewerName.PEV2), "utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.on("console", lambda message: troubles.append(f"console {message.text}"))
    page.on("pageerror", lambda error: troubles.append(f"error {error}"))
    page.on("request", lambda request: None if request.url.startswith("file:") else troubles.append(request.url))
    page.goto(path.as_uri())
    yield page, troubles
    for frame in page.frames:
        troubles += frame.evaluate("window.troubles ?? []")
    context.close()
    assert troubles == []


def frame_of(page: Page, button: str) -> FrameLocator:
    page.locator(f"button:has-text('{button}')").first.click()
    return page.frame_locator("#viewer iframe")


def test_pev2_is_built_when_it_is_asked_for(with_pev2: tuple[Page, list[str]]) -> None:
    page, _ = with_pev2
    page.locator("details.finding > summary").first.click()
    assert page.locator("iframe").count() == 0
    shown = frame_of(page, "Open in pev2, after")
    shown.locator("text=orders_status_placed_idx").first.wait_for()
    for tab, sign in (("Grid", "Index Scan"), ("Raw", "Parallel Aware"), ("Stats", "No function used")):
        shown.locator(f"a.nav-link:has-text('{tab}')").click()
        shown.locator(f"text={sign} >> visible=true").first.wait_for()
    shown.locator("a.nav-link:has-text('Plan')").click()
    shown.locator(".plan-node").nth(2).click()
    shown.locator(".plan-node").nth(1).hover()
    page.wait_for_timeout(300)
    page.click("[data-action=close-viewer]")
    page.locator("#viewer iframe").wait_for(state="detached")
    again = frame_of(page, "Open in pev2, before")
    again.locator("text=Seq Scan").first.wait_for()


def test_pev2_shows_what_explain_analyze_measured(with_pev2: tuple[Page, list[str]]) -> None:
    page, _ = with_pev2
    page.locator("details.finding > summary").first.click()
    page.locator("button:text-is('Open in pev2')").first.click()
    shown = page.frame_locator("#viewer iframe")
    shown.locator("text=Execution time: 341ms").wait_for()


def test_pev2_comes_only_when_it_is_asked_for() -> None:
    report = compared_report()
    assert "pev2" not in render(report)
    carried = len(render(report, PlanViewerName.PEV2)) - len(render(report))
    assert 100_000 < carried < 400_000
    assert "unsafe" not in render(report, PlanViewerName.PEV2).split("<style>")[0]


def test_a_plan_that_was_not_run_has_costs_and_no_times(opened: Open) -> None:
    page = opened(shop_report())
    page.locator("details.finding > summary").nth(2).click()
    heads = page.locator("details.finding").nth(2).locator(".plan thead th").all_inner_texts()
    assert heads == ["Node", "Own cost", "Rows, planned"]


@SCREENS
def test_axe_finds_nothing_in_two_plans(opened: Open, scheme: str, width: int) -> None:
    page = opened(compared_report(), width=width, color_scheme=scheme)
    page.locator("details.finding > summary").first.click()
    page.locator(".finding .compared").scroll_into_view_if_needed()
    assert axe_faults(page, "'.compared, .plan-box'", {"minor", "moderate", "serious", "critical"}) == []
