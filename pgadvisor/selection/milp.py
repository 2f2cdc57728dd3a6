"""The best choice of indexes, with a proof of how near to the best it is: a mixed-integer programme for HiGHS.

The programme is CoPhy's (Dash, Polyzotis, Ailamaki, PVLDB 4(6), 2011), with one link for a statement and an index
instead of one for each way that needs it, which is tighter and shorter; and with HOT (`hot.py`), case by case. That is
so tight that the solution in fractions is mostly whole: rounded and improved it is near enough, as the bound shows, and
only else is the programme solved in whole numbers.
"""

from collections.abc import Mapping
from math import inf, isfinite
from time import monotonic

import highspy

from pgadvisor.selection.greedy import fulfilled, improved, made
from pgadvisor.selection.ledger import Ledger
from pgadvisor.selection.problem import Choice, Problem, cost_of
from pgadvisor.selection.programme import Programme
from pgadvisor.selection.reduction import least_cost, reduced, today, useful

HALF = 0.5
"""Of a column that is whole: more is one, up to rounding."""


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
    bound = least_cost(small)
    for step in (_relaxed, _programmed):
        cost = cost_of(small, known)
        if cost - bound <= gap * abs(cost):
            break
        found, proved = step(small, known, limits)
        bound = max(bound, min(proved, cost))
        if found is not None:
            known = min(known, improved(small, found), key=lambda chosen: cost_of(small, chosen))
    return made(problem, known, bound, gap)


class _Limits:
    def __init__(self, gap: float, time_limit_s: float, threads: int) -> None:
        self.gap, self.threads = gap, threads
        self._end = monotonic() + time_limit_s

    def run(self, highs: highspy.Highs) -> None:
        """Runs HiGHS in the time that is left."""
        highs.setOptionValue("time_limit", max(0.0, self._end - monotonic()))
        highs.setOptionValue("threads", self.threads)
        highspy.Highs.resetGlobalScheduler(True)  # it keeps the threads of the first run, and refuses any other number
        highs.run()


def _allowed(small: Problem, start: Choice, base: frozenset[int]) -> frozenset[int]:
    """The choice to start from, without new indexes that nothing needs here; the other one if it is not allowed."""
    chosen = useful(small).intersection(start.chosen)
    ledger = Ledger(small)
    ledger.move_to(chosen)
    return chosen if ledger.is_allowed else base


def _relaxed(small: Problem, known: frozenset[int] | None, limits: _Limits) -> tuple[frozenset[int] | None, float]:
    """What is nearest to the programme's solution in fractions, and that as a bound: mostly it is whole, or nearly."""
    programme = Programme(small, known, limits.gap)
    highs = programme.highs(None)
    highs.setOptionValue("solve_relaxation", True)
    limits.run(highs)
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None, -inf
    bound = highs.getInfo().objective_function_value / programme.scale
    return _rounded(small, programme.shares(highs.getSolution().col_value)), bound


def _rounded(small: Problem, shares: Mapping[int, float]) -> frozenset[int] | None:
    """The indexes of which there is more than half, as far as they fit, those first of which there is most."""
    ledger = Ledger(small)
    wanted = [at for at in sorted(shares, key=lambda at: (-shares[at], at)) if shares[at] > HALF]
    ledger.move_to(today(small).intersection(wanted))
    for at in wanted:
        if at not in ledger.chosen:
            ledger.change((at,))
            if not ledger.has_room:
                ledger.change(going=(at,))
    return frozenset(ledger.chosen) if ledger.is_allowed else None


def _programmed(small: Problem, known: frozenset[int] | None, limits: _Limits) -> tuple[frozenset[int] | None, float]:
    """What HiGHS finds, if that is allowed, and a bound for all choices that are cheaper than the known one."""
    programme = Programme(small, known, limits.gap)
    highs = programme.highs(known)
    highs.setOptionValue("mip_rel_gap", limits.gap)
    highs.setOptionValue("mip_abs_gap", 0.0)
    limits.run(highs)
    info = highs.getInfo()
    bound = info.mip_dual_bound / programme.scale if info.valid and isfinite(info.mip_dual_bound) else -inf
    if info.primal_solution_status != highspy.kSolutionStatusFeasible:
        return None, bound
    ledger = Ledger(small)
    shares = programme.shares(highs.getSolution().col_value)
    ledger.move_to(at for at, share in shares.items() if share > HALF)
    return (frozenset(ledger.chosen) if ledger.is_allowed else None), bound
