"""Budgets that no request was held against: a typing error in a pattern would let it pass for ever."""

from collections.abc import Sequence

from pgadvisor.cli.terminal import errors
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.report import Report


def tell_unused_budgets(report: Report, budgets: Sequence[EndpointBudget]) -> None:
    """On stderr, a hint for each budget that fits no endpoint of the logs; one for all where no log tells of any."""
    names = [each.name for each in report.endpoints if each.seen is not None]
    if budgets and not names:
        _tell("no log tells of requests, so no budget was looked at: give the server's log files with --log FILE")
        return
    for budget in budgets:
        if not any(map(budget.is_of, names)):
            _tell(f'no endpoint is called "{budget.pattern}", so its budget was not looked at')


def _tell(hint: str) -> None:
    errors().print(f"Hint: {hint}", markup=False, highlight=False, soft_wrap=True)
