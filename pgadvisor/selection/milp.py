"""The best choice of indexes, with a proof of how near to the best it is: a mixed-integer programme for HiGHS.

The programme is CoPhy's (Dash, Polyzotis, Ailamaki, PVLDB 4(6), 2011), with one link for a statement and an index
instead of one for each way that needs it, which is tighter and shorter; and with HOT: updates that write no index
entries as long as no index holds what they set.
"""

from math import inf, isfinite

import highspy

from pgadvisor.selection.greedy import fulfilled, improved, made
from pgadvisor.selection.ledger import Ledger
from pgadvisor.selection.problem import Choice, Problem, cost_of
from pgadvisor.selection.programme import Programme
from pgadvisor.selection.reduction import least_cost, reduced, useful


def solve(
    problem: Problem, *, gap: float = 0.005, time_limit_s: float = 30.0, start: Choice | None = None, threads: int = 0
) -> Choice:
    """A choice that costs at most `gap` (a share) more than the best, or the best one found in time; and the bound.

    Constraints that nothing keeps are relaxed: the limit of a statement that today's indexes break is what those give;
    a group (`one_of`) for none of whose indexes there is room is left out. `start`: a choice to begin with, if it is
    allowed; else one is made. `threads`: 0 lets HiGHS decide.
    """
    strict = reduced(problem)
    small, base = fulfilled(strict)
    limits = _Limits(gap, time_limit_s, threads)
    if len(small.one_of) < len(strict.one_of):
        chosen, bound = _programmed(strict, None, limits)
        if chosen is not None:
            return made(problem, improved(strict, chosen), bound, gap)
    known = improved(small, base if start is None else _allowed(small, start, base))
    cost, bound = cost_of(small, known), least_cost(small)
    if cost - bound > gap * abs(cost):
        found, proved = _programmed(small, known, limits)
        bound = max(bound, min(proved, cost))
        if found is not None and cost_of(small, found) < cost:
            known = improved(small, found)
    return made(problem, known, bound, gap)


class _Limits:
    def __init__(self, gap: float, time_limit_s: float, threads: int) -> None:
        self.gap, self.time_limit_s, self.threads = gap, time_limit_s, threads


def _allowed(small: Problem, start: Choice, base: frozenset[int]) -> frozenset[int]:
    """The choice to start from, without new indexes that nothing needs here; the other one if it is not allowed."""
    chosen = useful(small).intersection(start.chosen)
    ledger = Ledger(small)
    ledger.move_to(chosen)
    return chosen if ledger.is_allowed else base


def _programmed(small: Problem, known: frozenset[int] | None, limits: _Limits) -> tuple[frozenset[int] | None, float]:
    """What HiGHS finds, if that is allowed, and a bound for all choices that are cheaper than the known one."""
    programme = Programme(small, known, limits.gap)
    highs = programme.highs(known)
    highs.setOptionValue("mip_rel_gap", limits.gap)
    highs.setOptionValue("mip_abs_gap", 0.0)
    highs.setOptionValue("time_limit", limits.time_limit_s)
    highs.setOptionValue("threads", limits.threads)
    highspy.Highs.resetGlobalScheduler(True)  # it keeps the threads of the first run, and refuses any other number
    highs.run()
    info = highs.getInfo()
    bound = info.mip_dual_bound / programme.scale if info.valid and isfinite(info.mip_dual_bound) else -inf
    if info.primal_solution_status != highspy.kSolutionStatusFeasible:
        return None, bound
    ledger = Ledger(small)
    ledger.move_to(programme.chosen(highs.getSolution().col_value))
    return (frozenset(ledger.chosen) if ledger.is_allowed else None), bound
