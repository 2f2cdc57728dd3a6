"""The best choice of indexes, with a proof of how near to the best it is: a mixed-integer programme for HiGHS.

The programme is CoPhy's (Dash, Polyzotis, Ailamaki, PVLDB 4(6), 2011), with one link for a statement and an index
instead of one for each way that needs it, which is tighter and shorter; and with HOT: updates that write no index
entries as long as no index holds what they set.
"""

from collections.abc import Iterable
from math import inf, isfinite

import highspy
import numpy as np

from pgadvisor.selection.greedy import fulfilled, improved, made
from pgadvisor.selection.ledger import Ledger
from pgadvisor.selection.problem import Choice, Problem, StatementWays, Updates, cost_of
from pgadvisor.selection.reduction import cost_with, cost_without, least_cost, reduced, useful, within

SCALED_COST = 1e4
"""What can still be gained, in HiGHS's eyes: its tolerances are absolute, and made for numbers about 1."""
SCALED_BUDGET = 1e4
"""The budget in HiGHS's eyes: 1e-6, which it tolerates, is less than a byte then, up to 10 GB."""

ROUNDING = 1e-9
"""Share by which sums of the same costs may differ."""


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
    programme = _Programme(small, known)
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


class _Programme:
    """Columns, all from 0 to 1: x of each index, y of each way, z of updates that are not HOT, w of their entries.

    Only x is whole: the others follow. Costs are counted from the least that each statement or index can cost. What
    costs more than the known choice could save is closed: 0, or 1 where leaving it out costs so much.
    """

    def __init__(self, small: Problem, known: frozenset[int] | None) -> None:
        least = least_cost(small)
        self._to_save = inf if known is None else (cost_of(small, known) - least) * (1 + ROUNDING)
        self._problem = within(small, self._to_save)
        self.scale = SCALED_COST / (self._to_save if known is not None else abs(least) + 1.0)
        self._constant = sum(each.ways[0].cost for each in small.statements)
        self._costs: list[float] = []
        self._lowest: list[float] = []
        self._highest: list[float] = []
        self._starts = [0]
        self._columns: list[int] = []
        self._factors: list[float] = []
        self._from: list[float] = []
        self._to: list[float] = []
        self._x = {at: self._add_index(at) for at in sorted(useful(self._problem))}
        self._add_limits()
        for statement in self._problem.statements:
            self._add_ways(statement)
        for updates in self._problem.updates:
            self._add_updates(updates)

    def chosen(self, values: list[float]) -> list[int]:
        """The indexes that a solution holds."""
        return [at for at, column in self._x.items() if values[column] > 0.5]

    def highs(self, known: frozenset[int] | None) -> highspy.Highs:
        """The programme as HiGHS takes it, with the known choice to start from."""
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self._costs), len(self._to)
        model.col_cost_, model.offset_ = np.array(self._costs), self._constant * self.scale
        model.col_lower_, model.col_upper_ = np.array(self._lowest), np.array(self._highest)
        model.row_lower_, model.row_upper_ = np.array(self._from), np.array(self._to)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.array(self._starts)
        model.a_matrix_.index_, model.a_matrix_.value_ = np.array(self._columns), np.array(self._factors)
        follow = [highspy.HighsVarType.kContinuous] * (len(self._costs) - len(self._x))
        model.integrality_ = [highspy.HighsVarType.kInteger] * len(self._x) + follow
        highs: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
        highs.silent()
        highs.passModel(model)
        if known is not None:
            values = np.array([float(at in known) for at in self._x])
            highs.setSolution(len(values), np.arange(len(values), dtype=np.int32), values)
        return highs

    def _add_column(self, cost: float) -> int:
        is_open = cost <= self._to_save
        self._costs.append(cost * self.scale if is_open else 0.0)
        self._lowest.append(0.0)
        self._highest.append(float(is_open))
        return len(self._costs) - 1

    def _add_index(self, at: int) -> int:
        index = self._problem.indexes[at]
        dearer = cost_with(index) - cost_without(index)
        column = self._add_column(dearer)
        self._constant += cost_without(index)
        if -dearer > self._to_save:
            self._constant += dearer
            self._costs[column], self._lowest[column] = 0.0, 1.0
        return column

    def _add_row(self, lower: float, upper: float, terms: Iterable[tuple[int, float]]) -> None:
        for column, factor in terms:
            self._columns.append(column)
            self._factors.append(factor)
        self._starts.append(len(self._columns))
        self._from.append(lower)
        self._to.append(upper)

    def _add_limits(self) -> None:
        problem, x = self._problem, self._x
        new = [at for at in x if not problem.indexes[at].is_there]
        if problem.budget_bytes is not None:
            unit = max(1.0, problem.budget_bytes / SCALED_BUDGET)
            self._add_row(
                -inf, problem.budget_bytes / unit, ((x[at], problem.indexes[at].size_bytes / unit) for at in new)
            )
        if problem.most_new is not None:
            self._add_row(-inf, problem.most_new, ((x[at], 1.0) for at in new))
        for group in problem.one_of:
            self._add_row(1.0, inf, ((x[at], 1.0) for at in set(group)))
        for group in problem.apart:
            self._add_row(-inf, 1.0, ((x[at], 1.0) for at in set(group).intersection(new)))

    def _add_ways(self, statement: StatementWays) -> None:
        """One way in all; no more ways that need an index than there is of the index."""
        if not statement.ways[0].needs:
            return
        least = statement.ways[0].cost
        columns = [self._add_column(way.cost - least) for way in statement.ways]
        self._add_row(1.0, 1.0, ((column, 1.0) for column in columns))
        needed_by: dict[int, list[int]] = {}
        for way, column in zip(statement.ways, columns, strict=True):
            for at in way.needs:
                needed_by.setdefault(at, []).append(column)
        for at, needing in needed_by.items():
            self._add_row(-inf, 0.0, [*((column, 1.0) for column in needing), (self._x[at], -1.0)])

    def _add_updates(self, updates: Updates) -> None:
        """Not HOT where an index breaks them; then an entry in each index that is there."""
        x = self._x
        broken = self._add_column(updates.lost)
        for at in updates.broken_by:
            if at in x:
                self._add_row(-inf, 0.0, ((x[at], 1.0), (broken, -1.0)))
        for at, cost in updates.entries:
            if at in x:
                entry = self._add_column(cost)
                self._add_row(-inf, 1.0, ((x[at], 1.0), (broken, 1.0), (entry, -1.0)))
