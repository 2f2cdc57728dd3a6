"""What the tests of reports share."""

from tests.reports.fix_browser import browser, opened

__all__ = ["browser", "opened"]
