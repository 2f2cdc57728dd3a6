"""What more storage buys: the best choice for each of several budgets, and the budget after which little is gained."""

from collections.abc import Sequence
from math import inf

import msgspec

from pgadvisor.selection.milp import solve
from pgadvisor.selection.problem import Choice, Problem


def curve(
    problem: Problem,
    budgets: Sequence[int | None],
    *,
    gap: float = 0.005,
    time_limit_s: float = 30.0,
    threads: int = 0,
) -> tuple[Choice, ...]:
    """A choice for each budget in bytes (None: no limit), in the order given; a larger one never costs more.

    Each is started from that of the next smaller budget, which it allows as well; `time_limit_s` is for each. What is
    proved for a larger budget holds for all smaller ones.
    """
    found: dict[int | None, Choice] = {}
    start = None
    ascending = sorted(set(budgets), key=_bytes)
    for budget in ascending:
        one = msgspec.structs.replace(problem, budget_bytes=budget)
        choice = solve(one, gap=gap, time_limit_s=time_limit_s, start=start, threads=threads)
        if start is not None and start.cost < choice.cost:
            choice = msgspec.structs.replace(choice, chosen=start.chosen, cost=start.cost)
        found[budget] = start = choice
    bound = -inf
    for budget in reversed(ascending):
        bound = max(bound, found[budget].bound)
        found[budget] = _with_bound(found[budget], bound, gap)
    return tuple(found[budget] for budget in budgets)


def knee(points: Sequence[tuple[float, float]]) -> int | None:
    """The position of the point (bytes, cost) after which more bytes lower the cost by little; None: there is none.

    Kneedle (Satopää, Albrecht, Irwin, Raghavan, ICDCS Workshops 2011) with its sensitivity of 1: it needs no scale and
    no threshold of ours, and says so when a curve has no knee. Bytes are not taken as logarithms: each costs the same.
    """
    order = sorted(range(len(points)), key=lambda at: points[at])
    sizes, costs = [points[at][0] for at in order], [points[at][1] for at in order]
    if len(points) < 3 or sizes[-1] <= sizes[0] or max(costs) <= min(costs):
        return None
    across, down = sizes[-1] - sizes[0], max(costs) - min(costs)
    above = [(max(costs) - cost) / down - (size - sizes[0]) / across for size, cost in zip(sizes, costs, strict=True)]
    best = max(range(len(above)), key=above.__getitem__)
    step = 1 / (len(points) - 1)
    return order[best] if above[best] > 0 and min(above[best:]) < above[best] - step else None


def _bytes(budget: int | None) -> float:
    return inf if budget is None else budget


def _with_bound(choice: Choice, bound: float, gap: float) -> Choice:
    bound = min(bound, choice.cost)
    is_best = choice.is_best or choice.cost - bound <= gap * abs(choice.cost)
    return msgspec.structs.replace(choice, bound=bound, is_best=is_best)
