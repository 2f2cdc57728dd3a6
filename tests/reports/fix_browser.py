"""Opens reports in headless Chromium; whatever a page must never do fails the test that opened it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, sync_playwright

from pgadvisor.model.report import Report
from pgadvisor.reports.html import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt install chromium)")
OPEN_ALL = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
WATCH = """
window.troubles = [];
document.addEventListener("securitypolicyviolation", (event) => troubles.push(event.violatedDirective));
"""

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a report; at the end there must have been no dialog, no error, no request and no violation."""
    troubles: list[str] = []
    contexts: list[BrowserContext] = []

    def on_dialog(dialog: Dialog) -> None:
        troubles.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def on_request(request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            troubles.append(f"request {request.url}")

    def open_report(report: Report, *, width: int = 1280, anchor: str = "", init: str = "", **options: object) -> Page:
        path = tmp_path / "report.html"
        path.write_text(render(report), "utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", on_dialog)
        page.on("console", lambda message: troubles.append(f"console {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error {error}"))
        page.on("request", on_request)
        page.add_init_script(WATCH + init)
        page.goto(f"{path.as_uri()}{anchor}")
        return page

    yield open_report
    for context in contexts:
        for page in context.pages:
            troubles += page.evaluate("window.troubles ?? []")
        context.close()
    assert troubles == []
