"""The plans behind the copy buttons: those that the page shows, and no others."""

import base64
import json
import re
import zlib

from pgadvisor.reports.html import render
from pgadvisor.reports.html_page import page_of
from pgadvisor.reports.plan_explains import explains_of
from tests.reports.make_changed_report import changed_report
from tests.reports.make_report import empty_report, large_report

BUTTONS = re.compile(r'data-explain="?([\w-]+)')


def test_a_plan_for_each_table_that_shows_one() -> None:
    """Also of a report with more statements than the page tells in full."""
    for report in (changed_report(), large_report(12, 520, 5)):
        packed = json.loads(zlib.decompress(base64.b64decode(explains_of(page_of(report)))))
        shown = set(BUTTONS.findall(render(report)))
        assert shown and set(packed) == shown


def test_no_plan_no_pack() -> None:
    assert explains_of(page_of(empty_report())) == ""
