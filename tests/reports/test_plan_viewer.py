"""The viewer that a report may carry along: what is in it, and that nothing of it breaks out of the page."""

import base64
import hashlib
import json
import re
import zlib

import pytest

from pgadvisor.reports.html import render
from pgadvisor.reports.plan_viewer import PlanViewer, PlanViewerName, plan_viewer
from tests.reports.make_report import empty_report, shop_report

MAKERS = ("Dalibo", "Yuxi (Evan) You", "The Bootstrap Authors", "Fonticons", "Mike Bostock", "OpenJS")


@pytest.fixture
def viewer() -> PlanViewer:
    return plan_viewer(PlanViewerName.PEV2)


def test_it_is_whole_and_names_who_made_it(viewer: PlanViewer) -> None:
    parts = json.loads(zlib.decompress(base64.b64decode(viewer.packed)))
    assert (parts["style"], parts["script"]) == (viewer.frame_style, viewer.frame_script)
    assert [name for name in MAKERS if name not in parts["licences"]] == []
    assert len(viewer.packed) < 400_000


def test_it_ends_no_element_and_asks_for_nothing(viewer: PlanViewer) -> None:
    for text in (viewer.script, viewer.frame_script):
        assert not re.search(r"</script|<!--|sourceMappingURL|\beval\(|new Function", text, re.IGNORECASE)
    assert not re.search("</style|@import|sourceMappingURL", viewer.style + viewer.frame_style, re.IGNORECASE)
    assert set(re.findall(r"url\([\"']?(\w+):", viewer.frame_style)) == {"data"}


def test_the_policy_names_its_style_and_script(viewer: PlanViewer) -> None:
    page = render(shop_report(), PlanViewerName.PEV2)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    allowed = policy[1].replace("&#39;", "'")
    for text in (viewer.frame_style, viewer.frame_script):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in allowed
    assert "unsafe" not in allowed and "default-src 'none'" in allowed and "font-src" not in allowed


def test_a_report_without_plans_carries_no_viewer(viewer: PlanViewer) -> None:
    assert viewer.packed not in render(empty_report(), PlanViewerName.PEV2)
    assert viewer.packed in render(shop_report(), PlanViewerName.PEV2)
