"""Plans that auto_explain logged, as records."""

import json
from collections.abc import Iterator

from msgspec.structs import replace

from pgadvisor.errors import UsageError
from pgadvisor.model.explain import read_explain
from pgadvisor.model.log import LoggedStatement
from pgadvisor.model.plan import Plan
from pgadvisor.pasted.reading import read_pasted


def logged_plans(logged: LoggedStatement) -> Iterator[tuple[Plan, float]]:
    """The statement's logged plans that are whole, in JSON or text, each with its duration in milliseconds.

    Of a run that was analyzed the duration is the execution's: auto_explain counts triggers in it, the root does not.
    """
    for each in logged.plans:
        try:
            plan = _read(each.explain)
        except (ValueError, UsageError):
            continue
        yield replace(plan, execution_ms=each.duration_ms) if plan.is_analyzed else plan, each.duration_ms


def _read(explain: str) -> Plan:
    if explain.lstrip().startswith(("{", "[")):
        return read_explain(json.loads(explain))
    return read_pasted(explain.encode())[0].plan
