"""The page's plans as EXPLAIN prints them, packed into one text for the button that copies them."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence

from pgadvisor.model.explain import explain_object
from pgadvisor.model.plan import Plan
from pgadvisor.reports.html_page import Page


def explains_of(page: Page) -> str:
    """All plans of the page, packed, by the names that its tables give them."""
    plans: dict[str, tuple[Plan, ...]] = {}
    for statement in page.statements:
        if statement.plan_anchor is not None and statement.planned is not None and statement.planned.plan is not None:
            plans[statement.plan_anchor] = (statement.planned.plan,)
    for finding in page.findings:
        if finding.comparison is not None:
            plans[f"c-{finding.anchor}"] = (finding.comparison.before, finding.comparison.after)
    for number, tried in enumerate(page.report.tried):
        if tried.comparison is not None:
            plans[f"c-tried-{number}"] = (tried.comparison.before, tried.comparison.after)
    return packed(plans)


def packed(plans: Mapping[str, Sequence[Plan]]) -> str:
    """The plans by their key, as JSON, deflated, in base64; empty when there are none.

    Plans resemble each other, so that together they take a tenth of the room. Those that one place shows, before and
    after, stand in one list.
    """
    if not plans:
        return ""
    objects = {key: [explain_object(plan) for plan in some] for key, some in plans.items()}
    return base64.b64encode(zlib.compress(json.dumps(objects, separators=(",", ":")).encode(), 9)).decode()
