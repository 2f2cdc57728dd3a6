"""The page's plans as EXPLAIN prints them, packed into one text for the button that copies them."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence

from pgadvisor.model.explain import explain_object
from pgadvisor.model.plan import Plan
from pgadvisor.reports.html_page import Page


def explains_of(page: Page) -> str:
    """All plans that the page shows, packed, by the names that its tables give them."""
    plans: dict[str, tuple[Plan, ...]] = {}
    for at, view in enumerate(page.statements):
        # A statement of a line shows no plan, but the first finding about it does.
        is_shown = at < page.in_full or view.home is not None
        if is_shown and view.plan_anchor is not None and view.planned is not None and view.planned.plan is not None:
            plans[view.plan_anchor] = (view.planned.plan,)
    for finding in page.findings:
        if finding.comparison is not None:
            plans[f"c-{finding.anchor}"] = (finding.comparison.before, finding.comparison.after)
    for index in page.advice.created if page.advice else ():
        if index.comparison is not None:
            plans[f"c-{index.anchor}"] = (index.comparison.before, index.comparison.after)
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
