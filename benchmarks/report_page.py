"""How big the HTML report is and how soon it is there, beside other pages opened in the same run.

    python benchmarks/report_page.py [--large] [OTHER.html …]

Each page is opened RUNS times in headless Chromium, in turn; the times are medians of milliseconds. `--large` adds a
report of 5,000 statements and 2,000 tables.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from pgadvisor.reports.html import render
from tests.reports.make_report import large_report, shop_report

RUNS = 7
TIMES = """() => {
  const seen = performance.getEntriesByType("navigation")[0];
  return [seen.domInteractive, seen.domContentLoadedEventEnd, seen.loadEventEnd];
}"""
SEARCH = """() => {
  const box = document.querySelector("#search");
  if (!box) return null;
  const began = performance.now();
  box.value = "orders status";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.getBoundingClientRect();
  return performance.now() - began;
}"""


def main() -> None:
    """Print a line for each page."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--large", action="store_true")
    arguments.add_argument("other", nargs="*", type=Path)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pages = {"12 findings": shop_report(), "500 findings, 180 plans": large_report()}
        if asked.large:
            pages["5,000 statements, 2,000 tables"] = large_report(200, 5_000, 2_000)
        files = {}
        for name, report in pages.items():
            files[name] = Path(folder) / f"{len(files)}.html"
            files[name].write_text(render(report), encoding="utf-8")
        files |= {path.name: path.resolve() for path in asked.other}
        _print(files)


def _print(files: dict[str, Path]) -> None:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    seen: dict[str, list[tuple[float, ...]]] = {name: [] for name in files}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for _ in range(RUNS):
            for name, path in files.items():
                seen[name].append(_open(browser, path))
        browser.close()
    print(f"{'page':34}{'kB':>8}{'parsed':>9}{'ready':>9}{'loaded':>9}{'search':>9}")
    for name, path in files.items():
        middle = [statistics.median(times) for times in zip(*seen[name], strict=True)]
        print(f"{name:34}{path.stat().st_size / 1000:8,.0f}" + "".join(f"{time:9,.0f}" for time in middle))


def _open(browser: Browser, path: Path) -> tuple[float, ...]:
    """Milliseconds until the page is parsed, ready and loaded, and that a first search takes."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(path.as_uri())
    times = page.evaluate(TIMES)
    searched = page.evaluate(SEARCH)
    context.close()
    return (*times, searched or 0.0)


if __name__ == "__main__":
    main()
