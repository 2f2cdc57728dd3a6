"""The section of the indexes on the page: what it says, what it links to, how it is used, and that it stays small."""

from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser

from pgadvisor.model.advice import IndexAdvice
from pgadvisor.reports.html import render
from tests.reports.fix_browser import OPEN_ALL, SCREENS, Open, axe_faults, copied_by, needs_chromium
from tests.reports.make_advice import (
    advised_report,
    hostile_advice,
    idle_advice,
    indexes_report,
    large_advice,
    make_advice,
    measured_advice,
)
from tests.reports.make_report import HOSTILE, shop_report
from tests.reports.test_html import Page
from tests.reports.test_html_in_browser import CONTRAST

ADVICE = {
    "advised": make_advice,
    "measured": measured_advice,
    "idle": idle_advice,
    "hostile": hostile_advice,
    "cost": lambda: make_advice(unit="cost"),
}


def page_of(advice: IndexAdvice) -> Page:
    return Page(render(advised_report(advice)))


def rows(page: Page) -> list[dict[str, str | None]]:
    return [each for each in page.all("details") if each.get("class") == "row index"]


@pytest.mark.parametrize("name", ADVICE)
def test_every_link_leads_somewhere_and_no_id_is_there_twice(name: str) -> None:
    page = page_of(ADVICE[name]())
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [link["href"] or "" for link in page.all("a")]
    assert all(link[1:] in ids for link in links if link.startswith("#"))
    assert "#indexes" in links


def test_without_advice_there_is_no_word_of_it() -> None:
    page = Page(render(shop_report()))
    assert "indexes" not in [each.get("id") for each in page.all("section")]
    assert "#indexes" not in [each["href"] for each in page.all("a")]


def test_all_that_the_advice_says_is_there() -> None:
    advice = make_advice()
    page = page_of(advice)
    for index in advice.create:
        assert index.name in page.text
        for sql in (index.sql, index.undo, *index.checks):
            assert " ".join(sql.split()) in page.text
        assert index.lock in page.text
        assert all(doubt.replace("`", "") in page.text for doubt in index.doubts)
    for dropped in advice.drop:
        assert dropped.sql in page.text and dropped.undo in page.text and dropped.lock in page.text
        assert all(caution.replace("`", "") in page.text for caution in dropped.cautions)
    for kept in advice.keep:
        assert kept.name in page.text and kept.why in page.text
    for said in (
        "saves 98.1% of the workload's time: 1.34 h → 1.57 min a day",
        "no choice of the 412 indexes tried takes less than 1.56 min a day",
        "3 indexes of 96 MB save 97.4%; 131 MB more would save 0.7% more.",
        "25.1 s → 25.9 s a day",
        "3.0% more",
        "What is not sure",
        'SELEC nonsense FROM: syntax error at or near "SELEC"',
        "Index Scan using orders_status_placed_at_idx on orders",
        "4 indexes to create, 2 to drop: together they save 98.1% of the workload's time, estimated",
    ):
        assert said in page.text, said


def test_answers_and_times_are_there() -> None:
    page = page_of(measured_advice())
    for said in (
        "it saved 96.9% of the time of all calls",
        "24.8 s → 96 ms",
        "not advised CREATE INDEX ON public.orders (status)",
        "saves 30.8 min a day today · costs 4.1 s a day beside the advice",
        "Reason: column nothing of public.orders does not exist",
        "100 MB ◆ knee, ● advised",
    ):
        assert said in page.text, said


def test_nothing_advised_says_why() -> None:
    page = page_of(idle_advice())
    assert idle_advice().nothing_because in page.text
    assert rows(page) == []
    assert "3 indexes stay" in page.text


def test_an_index_that_is_replaced_links_to_what_replaces_it() -> None:
    advice = make_advice()
    at = [index.name for index in advice.create].index("orders_status_placed_at_idx") + 1
    row = render(advised_report(advice)).split("id=id-2")[1].split("</details>")[0]
    assert f"href=#ic-{at}>" in row
    assert "once what replaces it is built" in row


def test_index_advice_alone_shows_no_findings() -> None:
    page = Page(render(indexes_report()))
    ids = [section["id"] for section in page.all("section")]
    assert ids == ["verdict", "indexes", "time", "tables", "statements", "trust"]
    assert "Rules run" not in page.text and "rules ran" not in page.text


def test_much_advice_stays_small() -> None:
    large = advised_report(large_advice(creates=200, kept=2_000))
    page = render(large)
    assert len(page.encode()) - len(render(advised_report()).encode()) < 620_000
    assert len(rows(Page(page))) == 202
    assert "and 1,500 more indexes" in page
    assert all(f">{index.name}<" in page for index in large.advice.create) if large.advice else False


def test_a_name_of_a_megabyte_does_not_swell_the_page() -> None:
    shop = make_advice()
    long = "x" * 1_000_000
    created = msgspec.structs.replace(shop.create[0], name=long, table=long, definition=long, doubts=(long,))
    dropped = msgspec.structs.replace(shop.drop[0], name=long, table=long, reason=long, cautions=(long,))
    kept = msgspec.structs.replace(shop.keep[0], name=long, definition=long, why=long, table=long)
    swollen = make_advice(create=(created,), drop=(dropped,), keep=(kept,), doubts=(long,), left_out=((long, long),))
    assert len(render(advised_report(swollen))) < 200_000


def test_hostile_texts_are_shown_as_they_are() -> None:
    page = render(advised_report(hostile_advice()))
    assert "<img src=x" not in page and "<svg onload" not in page and "alert(4)</script>" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert HOSTILE[3].split("}}")[0] in page


@needs_chromium
@pytest.mark.parametrize("name", ADVICE)
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_acts_and_nothing_overflows(opened: Open, name: str, width: int) -> None:
    page = opened(advised_report(ADVICE[name]()), width=width)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        "[...document.querySelectorAll('#indexes *')].filter((each) => each.getBoundingClientRect().right > innerWidth)"
        ".map((each) => each.className || each.tagName)"
    )
    assert wide == []


@needs_chromium
@SCREENS
@pytest.mark.parametrize("name", ["advised", "measured"])
def test_axe_finds_nothing_serious_and_all_is_legible(opened: Open, name: str, scheme: str, width: int) -> None:
    page = opened(indexes_report(ADVICE[name]()), width=width, color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    assert axe_faults(page) == []
    assert page.evaluate(CONTRAST) == []


@needs_chromium
def test_search_kinds_and_orders(opened: Open) -> None:
    page = opened(advised_report())
    shown = page.locator("#index-list > details:visible")
    names = shown.locator(".name")
    assert shown.count() == 6
    page.fill("#index-search", "orders STATUS")
    assert sorted(names.all_text_contents()) == [
        "orders_customer_id_status_idx", "orders_status_placed_at_idx", "public.orders_placed_idx",
        "public.orders_status_idx",
    ]  # fmt: skip
    assert page.locator("#kept[open] tbody tr:visible").count() == 1
    assert page.locator("#index-shown").inner_text() == "5 of 9"
    page.click(".kinds .create")
    assert sorted(names.all_text_contents()) == ["public.orders_placed_idx", "public.orders_status_idx"]
    page.fill("#index-search", "no such index")
    assert page.locator("#no-index-shown").is_visible() and page.locator("#kept").is_hidden()
    page.click("#reset-indexes")
    assert shown.count() == 6
    page.select_option("#index-sort", "size")
    assert names.all_text_contents()[0] == "order_items_product_id_idx"
    page.select_option("#index-sort", "gain")
    assert names.all_text_contents()[0] == "orders_status_placed_at_idx"
    page.select_option("#index-sort", "")
    assert names.all_text_contents()[0] == "account_lower_email_idx"
    assert page.locator("details.finding:visible").count() == 12, "the findings have their own filter"


@needs_chromium
def test_a_link_shows_an_index_though_it_was_filtered_out(opened: Open) -> None:
    page = opened(advised_report())
    page.click(".kinds .create")
    page.locator("#id-2 > summary").click()
    page.click("#id-2 a[href='#ic-2']")
    assert page.locator("#ic-2[open]").is_visible()


@needs_chromium
def test_sql_is_copied_one_by_one_and_all_in_order(opened: Open) -> None:
    advice = make_advice()
    page = opened(advised_report(), permissions=["clipboard-read", "clipboard-write"])
    page.select_option("#index-sort", "size")
    assert copied_by(page.locator("#copy-indexes")) == "\n\n".join(each.sql for each in (*advice.create, *advice.drop))
    page.locator("#ic-1 > summary").click()
    assert copied_by(page.locator("#ic-1 .copy").nth(1)) == advice.create[0].undo


@needs_chromium
def test_plans_before_and_after_can_be_taken_away(opened: Open) -> None:
    page = opened(advised_report(), permissions=["clipboard-read", "clipboard-write"])
    page.locator("#ic-2 > summary").click()
    after = page.locator("#ic-2 .plan-tool, #ic-2 [data-action=plan-tool]").nth(1)
    assert "orders_status_placed_at_idx" in copied_by(after)


@needs_chromium
def test_it_reads_without_javascript_and_in_print(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "plain.html"
    path.write_text(render(indexes_report(measured_advice())), "utf-8")
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("#index-search").is_hidden()
    page.locator("#ic-2 > summary").click()
    assert page.locator("#ic-2 .sql").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("#id-1 .sql").first.is_visible()
    assert page.locator("#kept tbody tr").first.is_visible()
    assert page.locator(".budgets").is_visible() and page.locator(".curve").is_visible()
    context.close()
