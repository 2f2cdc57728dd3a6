"""Plans that auto_explain logged, as records."""

import json
from collections.abc import Iterator

from pgadvisor.model.explain import read_explain
from pgadvisor.model.log import LoggedStatement
from pgadvisor.model.plan import Plan


def logged_plans(logged: LoggedStatement) -> Iterator[tuple[Plan, float]]:
    """The statement's logged plans that are whole, each with its duration in milliseconds.

    Those logged as text are left out: `auto_explain.log_format = json` is what tools read.
    """
    for each in logged.plans:
        try:
            yield read_explain(json.loads(each.explain)), each.duration_ms
        except ValueError:
            continue
