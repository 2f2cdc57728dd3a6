"""Opens reports in headless Chromium; whatever a page must never do fails the test that opened it."""

import shutil
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Dialog, Locator, Page, Request, sync_playwright

from pgadvisor.model.report import Report
from pgadvisor.reports.html import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt install chromium)")
OPEN_ALL = """
Promise.all([...document.querySelectorAll("details:not([open])")].map((each) => new Promise((done) => {
  each.addEventListener("toggle", done, { once: true });
  each.open = true;
}))).then(() => null)
"""
"""Opens all that can be opened, and waits until the page has seen it."""
SCREENS = pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
"""Both schemes and both widths: no style of the page depends on one together with the other."""
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


def axe_faults(page: Page, within: str = "document", impacts: Container[str] = ("serious", "critical")) -> list[str]:
    """What axe finds that keeps somebody from reading or using the page."""
    page.evaluate(Path(AXE_FILE_PATH).read_text(encoding="utf-8"))
    result = page.evaluate(f"axe.run({within}, {{ resultTypes: ['violations'] }})")
    return [
        f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]}"
        for each in result["violations"]
        if each["impact"] in impacts
    ]


def copied_by(button: Locator) -> str:
    """What a click on the button copies. It gets its label back at once; the page would take two seconds."""
    page, clicked = button.page, button.element_handle()
    clicked.click()
    page.wait_for_function("(each) => each.textContent === 'Copied'", arg=clicked)
    text = page.evaluate("navigator.clipboard.readText()")
    clicked.evaluate("(each) => { each.textContent = each.dataset.label; }")
    return str(text)


class Watched:
    """A page of its own context that writes down what it must never do: dialogs, errors, requests, violations."""

    def __init__(self, browser: Browser, init: str = "") -> None:
        self._troubles: list[str] = []
        self.context = browser.new_context()
        self.context.add_init_script(WATCH + init)
        self.page = self.context.new_page()
        self.page.on("dialog", self._on_dialog)
        self.page.on("console", lambda message: self._troubles.append(f"console {message.text}"))
        self.page.on("pageerror", lambda error: self._troubles.append(f"error {error}"))
        self.page.on("request", self._on_request)

    def _on_dialog(self, dialog: Dialog) -> None:
        self._troubles.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            self._troubles.append(f"request {request.url}")

    def show(self, address: str, width: int, color_scheme: str, permissions: Sequence[str]) -> None:
        """Opens the address as a new browser of that width would."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(media="null", color_scheme=color_scheme)  # type: ignore[arg-type]
        self.context.clear_permissions()
        self.context.grant_permissions(list(permissions))
        self.page.mouse.move(0, 0)
        self.page.goto(address)

    def end(self) -> list[str]:
        """What was written down since the last end; leaves nothing behind for whoever opens the next page here."""
        troubles = [*self._troubles, *self.page.evaluate("window.troubles ?? []")]
        self._troubles.clear()
        self.page.evaluate("try { localStorage.clear() } catch {}")
        return troubles


@pytest.fixture(scope="module")
def kept_pages(browser: Browser) -> list[Watched]:
    """Pages that one test after the other uses: a new one takes three times as long as what is then done with it."""
    return []


@pytest.fixture
def opened(browser: Browser, kept_pages: list[Watched], tmp_path: Path) -> Iterator[Open]:
    """Opens a report; at the end there must have been no dialog, no error, no request and no violation."""
    used: list[Watched] = []
    free = list(kept_pages)

    def open_report(
        report: Report,
        *,
        width: int = 1280,
        anchor: str = "",
        init: str = "",
        color_scheme: str = "light",
        permissions: Sequence[str] = (),
    ) -> Page:
        path = tmp_path / "report.html"
        path.write_text(render(report), "utf-8")
        watched = free.pop(0) if free and not init else Watched(browser, init)
        used.append(watched)
        if not init and watched not in kept_pages:
            kept_pages.append(watched)
        watched.show(f"{path.as_uri()}{anchor}", width, color_scheme, permissions)
        return watched.page

    yield open_report
    troubles = [each for watched in used for each in watched.end()]
    for watched in used:
        if watched not in kept_pages:
            watched.context.close()
    assert troubles == []
