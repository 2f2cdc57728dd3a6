"""What the tests of reports share."""

from tests.reports.fix_browser import browser, kept_pages, opened

__all__ = ["browser", "kept_pages", "opened"]
