"""Takes the pictures of the README from a report of `pgadvisor demo`.

pgadvisor demo -o demo.html && python docs/images/make.py demo.html
"""

import shutil
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
OPEN = "document.querySelector('details.finding').open = true"
Scheme = Literal["light", "dark"]
FIRST = "document.querySelector('details.finding')"

PICTURES: tuple[tuple[str, int, int, Scheme, str], ...] = (
    ("report", 1280, 900, "light", ""),
    ("report-dark", 1280, 900, "dark", ""),
    ("report-phone", 390, 844, "light", "document.querySelector('#findings')"),
    ("finding", 1280, 1180, "light", FIRST),
)
"""(name, width, height, colours, what is scrolled to)."""


def main() -> None:
    """Writes the pictures beside this file."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for picture in PICTURES:
            _take(browser, Path(sys.argv[1]).resolve().as_uri(), *picture)
        browser.close()


def _take(browser: Browser, address: str, name: str, width: int, height: int, scheme: Scheme, seen: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    if seen:
        page.evaluate(OPEN)
        page.wait_for_timeout(300)
        page.evaluate(f"{seen}.scrollIntoView({{ behavior: 'instant' }})")
        page.wait_for_timeout(200)
    page.screenshot(path=HERE / f"{name}.png")
    context.close()


if __name__ == "__main__":
    main()
