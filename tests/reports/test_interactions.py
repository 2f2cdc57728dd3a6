"""What a person does with the page: filters kept in the address, keys, marks, copies; and that assistive tools can."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from playwright.sync_api import Locator, Page

from pgadvisor.reports.html import render
from tests.reports.fix_browser import OPEN_ALL, SCREENS, Open, axe_faults, copied_by, needs_chromium
from tests.reports.make_changed_report import changed_report
from tests.reports.make_report import empty_report, hostile_report, shop_report

pytestmark = needs_chromium
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


def shown(page: Page) -> Locator:
    return page.locator("details.finding:visible")


def messages(page: Page) -> list[str]:
    return [each.text_content() or "" for each in shown(page).locator(".message").all()]


def address(page: Page) -> str:
    return unquote(str(page.evaluate("location.hash")))


@pytest.mark.parametrize(
    ("pick", "value", "count"),
    [
        ("table", "public.orders", 4),
        ("rule", "deep-offset", 1),
        ("state", "new", 2),
        ("state", "known", 10),
        ("state", "reviewed", 0),
        ("state", "open", 12),
    ],
)
def test_picks(opened: Open, pick: str, value: str, count: int) -> None:
    report = changed_report()
    page = opened(report)
    page.select_option(f"#pick-{pick}", value)
    if pick == "table":
        count = sum(finding.where.table == value for finding in report.findings)
    assert shown(page).count() == count
    assert address(page) == f"#findings?{pick}={value}"


def test_an_endpoint_is_picked_where_there_are_some(opened: Open) -> None:
    page = opened(shop_report())
    endpoints = {each.where.endpoint for each in shop_report().findings if each.where.endpoint}
    assert page.locator("#pick-endpoint option").count() == (len(endpoints) + 1 if endpoints else 0)


def test_all_of_it_is_in_the_address_and_comes_back(opened: Open) -> None:
    page = opened(changed_report())
    page.fill("#search", "orders")
    page.click(".toggles .info")
    page.select_option("#pick-state", "known")
    page.select_option("#sort", "table")
    found = messages(page)
    page.wait_for_function("location.hash.includes('q=')")
    said = address(page)
    assert said == "#findings?q=orders&severity=error,warning&state=known&sort=table"
    assert 0 < len(found) < 12
    again = opened(changed_report(), anchor=str(page.evaluate("location.hash")))
    assert messages(again) == found
    assert again.input_value("#search") == "orders"
    assert again.locator(".toggles .info").get_attribute("aria-pressed") == "false"


def test_a_link_inside_keeps_the_filters_and_back_brings_the_old_ones(opened: Open) -> None:
    page = opened(shop_report())
    page.click(".toggles .info")
    page.click(".top nav a[href='#tables']")
    assert address(page) == "#tables?severity=error,warning"
    assert shown(page).count() == 7
    page.goto(f"{page.url.split('#')[0]}#findings?q=nothing-like-it")
    assert page.locator("#none-shown").is_visible()
    page.click("#reset")
    assert address(page) == "#findings"


def test_an_address_of_another_report_does_no_harm(opened: Open) -> None:
    page = opened(shop_report(), anchor="#f-00000000?table=gone.away&severity=fatal&sort=colour&q=%E0%A4%A")
    assert page.input_value("#sort") == ""
    assert page.input_value("#pick-table") == ""


def test_orders(opened: Open) -> None:
    report = shop_report()
    page = opened(report)
    page.select_option("#sort", "gain")
    gains = {finding.message: finding.gain_ms_per_day or -1 for finding in report.findings}
    plain = {message.replace("`", ""): gain for message, gain in gains.items()}
    ordered = [plain[message] for message in messages(page)]
    assert ordered == sorted(ordered, reverse=True)
    page.select_option("#sort", "")
    assert messages(page)[0] == report.findings[0].message.replace("`", "")


def test_keys_walk_open_and_mark(opened: Open) -> None:
    page = opened(shop_report())
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    second = page.locator("details.finding").nth(1)
    page.keyboard.press("Enter")
    assert second.get_attribute("open") is not None
    page.keyboard.press("r")
    assert "is-reviewed" in str(second.get_attribute("class"))
    page.keyboard.press("?")
    assert page.locator("dialog[open]").is_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    page.keyboard.press("/")
    page.keyboard.type("j")
    assert page.input_value("#search") == "j"
    page.keyboard.press("Escape")
    assert page.input_value("#search") == "j"
    page.keyboard.press("Escape")
    assert page.input_value("#search") == ""
    assert shown(page).count() == 12


def test_keys_walk_only_over_what_is_shown(opened: Open) -> None:
    page = opened(shop_report())
    page.click(".toggles .error")
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.querySelector('b').textContent")
    assert focused == "warning"


def test_reviewed_marks_are_kept_and_exported_as_a_baseline(opened: Open, tmp_path: Path) -> None:
    report = shop_report()
    page = opened(report)
    assert page.locator("#export").is_hidden()
    for number in (3, 1):
        page.locator("details.finding").nth(number).locator("summary").click()
        page.locator("details.finding").nth(number).locator("[data-action=review]").click()
    assert page.locator("#export").inner_text() == "Export reviewed (2)"
    with page.expect_download() as caught:
        page.click("#export")
    path = tmp_path / "baseline.json"
    caught.value.save_as(path)
    exported = json.loads(path.read_text(encoding="utf-8"))
    assert exported["pgadvisor_baseline"] == 1
    assert [each["key"] for each in exported["known"]] == sorted(report.findings[at].key for at in (1, 3))
    assert {each["rule"] for each in exported["known"]} == {report.findings[at].rule for at in (1, 3)}
    page.reload()
    page.select_option("#pick-state", "reviewed")
    assert shown(page).count() == 2
    assert "reviewed" in str(
        page.evaluate("getComputedStyle(document.querySelector('.is-reviewed .under'), '::after').content")
    )


def test_storage_of_another_kind_is_no_trouble(opened: Open) -> None:
    page = opened(
        shop_report(), init="try { localStorage.setItem('pgadvisor-reviewed:shop@db-1', '{\"a\": 1') } catch {}"
    )
    assert shown(page).count() == 12


def test_link_to_a_finding(opened: Open) -> None:
    page = opened(shop_report(), **CLIPBOARD)
    finding = page.locator("details.finding").nth(2)
    finding.locator("summary").click()
    assert (
        copied_by(finding.locator("[data-action=copy-link]"))
        == f"{page.url.split('#')[0]}#{finding.get_attribute('id')}"
    )


def test_markdown_of_a_finding(opened: Open) -> None:
    report = shop_report()
    page = opened(report, **CLIPBOARD)
    first = page.locator("details.finding").first
    first.locator("summary").click()
    text = copied_by(first.locator("[data-action=copy-markdown]"))
    finding = report.findings[0]
    assert text.startswith(f"### {finding.severity}: ")
    assert f"```sql\n{finding.remedy.sql}\n```" in text
    for heading in (
        "**Why**",
        "**Query**",
        "**Change**",
        "**Undo**",
        "**Cost**",
        "**Lock**",
        "**Evidence**",
        "**Wrong if**",
    ):
        assert heading in text, heading
    assert "Copy" not in text


def test_markdown_of_hostile_texts_makes_nothing(opened: Open) -> None:
    page = opened(hostile_report(), **CLIPBOARD)
    page.evaluate(OPEN_ALL)
    for at in range(page.locator("details.finding").count()):
        finding = page.locator("details.finding").nth(at)
        text = copied_by(finding.locator("[data-action=copy-markdown]"))
        outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text, flags=re.DOTALL)
        assert not re.search(r"(?<!\\)<(script|img|svg)", outside), outside


@SCREENS
@pytest.mark.parametrize("make", [changed_report, empty_report], ids=["changed", "empty"])
def test_axe_finds_nothing_serious(opened: Open, make: Any, scheme: str, width: int) -> None:
    page = opened(make(), width=width, color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    assert axe_faults(page) == []


def test_marks_are_of_one_database(opened: Open, tmp_path: Path) -> None:
    page = opened(shop_report())
    page.keyboard.press("j")
    page.keyboard.press("r")
    assert page.locator("#export").is_visible()
    report = shop_report()
    assert report.server is not None
    other = msgspec.structs.replace(report, server=msgspec.structs.replace(report.server, database="other"))
    Path(tmp_path / "report.html").write_text(render(other), "utf-8")
    page.reload()
    assert page.locator("#export").is_hidden()


def test_a_mark_leaves_the_list_of_those_not_reviewed(opened: Open) -> None:
    page = opened(shop_report())
    page.select_option("#pick-state", "open")
    page.keyboard.press("Escape")
    page.select_option("#pick-state", "open")
    page.locator("details.finding summary").first.focus()
    page.keyboard.press("r")
    assert page.locator("#shown").inner_text() == "11 of 12 findings"


def test_a_redacted_report_exports_no_baseline(opened: Open) -> None:
    page = opened(msgspec.structs.replace(shop_report(), is_redacted=True))
    page.keyboard.press("j")
    page.keyboard.press("r")
    assert page.locator("#export").is_hidden()


def test_the_keys_can_be_turned_off(opened: Open) -> None:
    page = opened(shop_report())
    page.click("#help")
    page.click("[data-action=turn-keys]")
    page.click("[data-action=close-help]")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('details.finding')") is None
    page.reload()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") != "search"


def test_opening_all_copies_no_plan(opened: Open) -> None:
    page = opened(shop_report())
    plans = page.locator("table.plan").count()
    page.click("#open-all")
    page.locator("details.finding").last.locator(".actions").wait_for()
    assert page.locator("table.plan").count() == plans


@pytest.mark.parametrize(
    ("section", "labels"),
    [("endpoints", ["calls", "a call", "of time"]), ("changes", ["a call", "a day"]), ("tables", ["size", "scans"])],
)
def test_cells_on_a_phone_say_what_they_are(opened: Open, section: str, labels: list[str]) -> None:
    page = opened(changed_report(), width=390)
    page.evaluate(OPEN_ALL)
    told = page.evaluate(
        f"[...document.querySelectorAll('#{section} .data tbody tr:first-child td')]"
        ".map((cell) => getComputedStyle(cell, '::before').content.replaceAll('\"', ''))"
    )
    assert told[: len(labels)] == labels
