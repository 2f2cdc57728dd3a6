"""The HTML report in headless Chromium: how it fits and reads, and that no text of the data acts."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pgadvisor.reports.html import render
from tests.reports.fix_browser import OPEN_ALL, Open, needs_chromium
from tests.reports.make_changed_report import changed_report
from tests.reports.make_report import empty_report, file_report, hostile_report, shop_report

pytestmark = needs_chromium

REPORTS = {
    "shop": shop_report,
    "hostile": hostile_report,
    "empty": empty_report,
    "file": file_report,
    "changed": changed_report,
}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_acts_and_nothing_overflows(opened: Open, name: str, width: int) -> None:
    page = opened(REPORTS[name](), width=width)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        "[...document.querySelectorAll('main *')].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)"
        ".map((each) => each.className || each.tagName)"
    )
    assert wide == []


def test_no_element_comes_from_data(opened: Open) -> None:
    page = opened(hostile_report())
    page.evaluate(OPEN_ALL)
    assert page.locator("img, iframe, script:not(head script, body > script)").count() == 0
    names = page.evaluate("[...document.querySelectorAll('*')].flatMap((each) => each.getAttributeNames())")
    assert not [name for name in names if name.startswith("on") or name == "style"]


def test_search_and_severity_filter(opened: Open) -> None:
    page = opened(shop_report())
    shown = page.locator("details.finding:visible")
    assert shown.count() == 12
    page.keyboard.press("/")
    page.keyboard.type("LOWER(email) account")
    assert [each.split("\n")[0] for each in shown.locator(".message").all_inner_texts()] == [
        "lower(email) hides email from index account_email_key"
    ]
    assert page.locator("#shown").inner_text() == "1 of 12 findings"
    page.fill("#search", "nothing like it")
    assert page.locator("#none-shown").is_visible()
    page.click("#reset")
    assert shown.count() == 12
    page.click(".toggles .info")
    assert shown.count() == 7
    assert page.locator(".toggles .info").get_attribute("aria-pressed") == "false"
    page.click(".toggles .warning")
    assert shown.count() == 2


def test_a_count_of_the_verdict_leads_to_those_findings(opened: Open) -> None:
    page = opened(shop_report())
    page.click("#verdict a.warning")
    assert page.locator("details.finding:visible").count() == 5


def test_a_link_opens_its_finding_though_it_was_filtered_out(opened: Open) -> None:
    page = opened(shop_report())
    page.click(".toggles .warning")
    page.click('.fixes a:has-text("See finding #4")')
    finding = page.locator("details.finding[open]")
    assert finding.count() == 1
    assert "lower(email)" in finding.locator(".message").inner_text()


def test_an_anchor_opens_its_finding(opened: Open) -> None:
    page = opened(shop_report())
    anchor = page.locator("details.finding").nth(2).get_attribute("id")
    page = opened(shop_report(), anchor=f"#{anchor}")
    assert page.locator("details.finding[open]").get_attribute("id") == anchor


def test_a_plan_comes_to_the_finding_that_is_opened(opened: Open) -> None:
    page = opened(shop_report())
    later = page.locator("details.finding").nth(6)
    assert later.locator(".plan").count() == 0
    later.locator("summary").click()
    later.locator(".plan").wait_for()
    assert "#7 row-estimate-far-off" in later.locator("tr.guilty").nth(1).inner_text()
    assert page.evaluate(
        "new Set([...document.querySelectorAll('[id]')].map((each) => each.id)).size"
    ) == page.evaluate("document.querySelectorAll('[id]').length")


def test_copy_gives_the_sql_as_it_is(opened: Open) -> None:
    report = hostile_report()
    page = opened(report, permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(OPEN_ALL)
    for number in (0, 6):
        button = page.locator("details.finding").nth(number).locator(".copy").first
        button.click()
        page.locator("button:has-text('Copied')").first.wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == report.findings[number].remedy.sql
        page.locator("button:has-text('Copied')").first.wait_for(state="detached")


def test_the_theme_is_kept(opened: Open) -> None:
    page = opened(shop_report(), color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#theme")
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark
    assert opened(shop_report(), color_scheme="dark").evaluate(background) == dark


def test_without_storage_the_theme_still_turns(opened: Open) -> None:
    broken = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no storage here'); } });"
    page = opened(shop_report(), init=broken, color_scheme="light")
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_it_reads_without_javascript(opened: Open, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "plain.html"
    path.write_text(render(shop_report()), "utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("details.finding").count() == 12
    assert page.locator("#search").is_hidden() and page.locator("#theme").is_hidden()
    page.locator("details.finding summary").first.click()
    assert page.locator("details.finding .plan").first.is_visible()
    context.close()


def test_print_opens_everything_on_white(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "print.html"
    path.write_text(render(shop_report()), "utf-8")
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(path.as_uri())
    page.emulate_media(media="print")
    assert page.locator("details.finding .plan").first.is_visible()
    assert page.locator("details.finding .side").last.is_visible()
    context.close()
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(path.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(28, 30, 34)"
    assert page.locator(".filter").is_hidden()
    context.close()


def test_keyboard_reaches_and_opens_a_finding(opened: Open) -> None:
    page = opened(shop_report())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("details.finding summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.finding").first.get_attribute("open") is not None


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = rgba(getComputedStyle(each).backgroundColor);
      if (color[3] > 250) return color;
    }
    return [255, 255, 255];
  };
  const low = new Set();
  for (const element of document.querySelectorAll("body *:not(script, style, svg *)")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || element.closest("[hidden], :disabled") || !element.getClientRects().length) continue;
    const pair = [luminance(rgba(getComputedStyle(element).color)), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) low.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...low];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(opened: Open, scheme: str) -> None:
    page = opened(shop_report(), color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    assert page.evaluate(CONTRAST) == []
