"""The choice of indexes as HiGHS takes it: columns, rows, and a choice to start from."""

from collections.abc import Iterable, Sequence
from math import inf

import highspy
import numpy as np

from pgadvisor.selection.hot import Case, Group, grouped
from pgadvisor.selection.problem import Problem, StatementWays, Updates, Way, cost_of
from pgadvisor.selection.reduction import cost_with, cost_without, least_cost, least_way, useful, within

SCALED_COST = 1e4
"""What can still be gained, in HiGHS's eyes: its tolerances are absolute, and made for numbers about 1."""
SCALED_BUDGET = 1e4
"""The budget in HiGHS's eyes: 1e-6, which it tolerates, is less than a byte then, up to 10 GB."""

SLIGHT = 0.25
"""Share of the gap asked for that updates without cases may leave open."""
ROUNDING = 1e-9
"""Share by which sums of the same costs may differ."""


class Programme:
    """Columns, all from 0 to 1: z of each case of a group, x of each index in each case, y of each way.

    A statement goes its ways in the cases of each group that the ways need indexes of: once for each case, too. For
    updates without cases there are columns of their own: whether they are HOT, and what their entries cost. Only x and
    z are whole: the others follow. Where all is there that a way needs which is not to be gone, the dearer ways are
    closed. Costs are counted from the least that each statement or index can cost. What costs
    more than the known choice could save is closed: 0, or there in each case where leaving it out costs so much.
    """

    def __init__(self, small: Problem, known: frozenset[int] | None, gap: float) -> None:
        least = least_cost(small)
        cost = inf if known is None else cost_of(small, known)
        self._to_save = cost - least + ROUNDING * abs(cost)
        self._problem = within(small, self._to_save)
        self.scale = SCALED_COST / (self._to_save if known is not None else abs(least) + 1.0)
        self._constant = sum(map(least_way, small.statements))
        self._costs: list[float] = []
        self._highest: list[float] = []
        self._whole: list[bool] = []
        self._starts = [0]
        self._columns: list[int] = []
        self._factors: list[float] = []
        self._from: list[float] = []
        self._to: list[float] = []
        self._x: dict[int, list[int | None]] = {}
        self._z: list[list[int]] = []
        self._group_of: dict[int, int] = {}
        self._asked_for = frozenset(at for group in small.one_of for at in group)
        self._groups, rest = self._grouped(0.0 if known is None else gap * SLIGHT * abs(cost))
        for number, group in enumerate(self._groups):
            self._add_group(number, group)
        self._add_limits()
        for statement in self._problem.statements:
            self._add_ways(statement)
        for updates in rest:
            self._add_updates(updates)

    def shares(self, values: Sequence[float]) -> dict[int, float]:
        """How much there is of each index in a solution: where it is whole, 0 or 1."""
        return {at: sum(values[column] for column in self._of(at)) for at in self._x}

    def highs(self, known: frozenset[int] | None) -> highspy.Highs:
        """The programme as HiGHS takes it, with the known choice to start from."""
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self._costs), len(self._to)
        model.col_cost_, model.offset_ = np.array(self._costs) * self.scale, self._constant * self.scale
        model.col_lower_, model.col_upper_ = np.zeros(len(self._costs)), np.array(self._highest)
        model.row_lower_, model.row_upper_ = np.array(self._from), np.array(self._to)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.array(self._starts)
        model.a_matrix_.index_, model.a_matrix_.value_ = np.array(self._columns), np.array(self._factors)
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[is_whole] for is_whole in self._whole]
        highs: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
        highs.silent()
        highs.passModel(model)
        if known is not None:
            values = self._values(known)
            highs.setSolution(len(values), np.array([*values], dtype=np.int32), np.array([*values.values()]))
        return highs

    def _values(self, known: frozenset[int]) -> dict[int, float]:
        """What the whole columns are under a choice."""
        values = {column: 0.0 for column, is_whole in enumerate(self._whole) if is_whole}
        for group, cases in zip(self._groups, self._z, strict=True):
            here = known & group.indexes
            costs = [
                (case.lost + sum(case.entries.get(at, 0.0) for at in here), number)
                for number, case in enumerate(group.cases)
                if case.closed.isdisjoint(here)
            ]
            number = min(costs)[1]
            for column in (cases[number], *(self._x[at][number] for at in here)):
                if column is not None:
                    values[column] = 1.0
        return values

    def _grouped(self, slight: float) -> tuple[tuple[Group, ...], tuple[Updates, ...]]:
        """The updates in groups, with one more, of a single case, for the indexes that are in none."""
        indexes = useful(self._problem)
        groups, rest = grouped(self._problem, indexes, to_save=self._to_save, slight=slight)
        others = indexes.difference(*(group.indexes for group in groups))
        return (*groups, Group(indexes=others, cases=(Case(),))), rest

    def _of(self, at: int) -> list[int]:
        return [column for column in self._x[at] if column is not None]

    def _total(self, at: int) -> list[tuple[int, float]]:
        return [(column, 1.0) for column in self._of(at)]

    def _add_column(self, cost: float, *, is_whole: bool = False) -> int:
        is_open = cost <= self._to_save
        self._costs.append(cost if is_open else 0.0)
        self._highest.append(float(is_open))
        self._whole.append(is_whole)
        return len(self._costs) - 1

    def _add_row(self, lower: float, upper: float, terms: Iterable[tuple[int, float]]) -> None:
        for column, factor in terms:
            self._columns.append(column)
            self._factors.append(factor)
        self._starts.append(len(self._columns))
        self._from.append(lower)
        self._to.append(upper)

    def _add_group(self, number: int, group: Group) -> None:
        """One case is the real one."""
        cases = [self._add_column(case.lost, is_whole=True) for case in group.cases]
        self._z.append(cases)
        self._add_row(1.0, 1.0, ((column, 1.0) for column in cases))
        for at in sorted(group.indexes):
            self._group_of[at] = number
            self._constant += cost_without(self._problem.indexes[at])
            pairs = zip(group.cases, cases, strict=True)
            self._x[at] = [None if at in case.closed else self._add_index(at, case, real) for case, real in pairs]

    def _add_index(self, at: int, case: Case, real: int) -> int:
        """Where a column may be more than its case is not told by the ways alone, a row tells it."""
        index = self._problem.indexes[at]
        dearer = cost_with(index) - cost_without(index) + case.entries.get(at, 0.0)
        is_sure = -dearer > self._to_save
        column = self._add_column(0.0 if is_sure else dearer, is_whole=True)
        if is_sure:
            self._costs[real] += dearer
        if is_sure or dearer < 0 or at in self._asked_for:
            self._add_row(0.0 if is_sure else -inf, 0.0, ((column, 1.0), (real, -1.0)))
        return column

    def _add_limits(self) -> None:
        problem = self._problem
        new = [at for at in self._x if not problem.indexes[at].is_there]
        if problem.budget_bytes is not None:
            unit = max(1.0, problem.budget_bytes / SCALED_BUDGET)
            sizes = ((column, problem.indexes[at].size_bytes / unit) for at in new for column in self._of(at))
            self._add_row(-inf, problem.budget_bytes / unit, sizes)
        if problem.most_new is not None:
            self._add_row(-inf, problem.most_new, ((column, 1.0) for at in new for column in self._of(at)))
        for group in problem.one_of:
            self._add_row(1.0, inf, (term for at in set(group) for term in self._total(at)))

    def _add_ways(self, statement: StatementWays) -> None:
        """One way in all, and in the case that is real; no more ways that need an index than there is of the index.

        Where the ways have to do with the cases of one group alone, those of each case are all there are.
        """
        ways, least = [way for way in statement.ways if way.cost < inf], least_way(statement)
        if not statement.ways[0].needs:
            return
        groups = sorted({self._group_of[at] for way in ways for at in way.needs})
        several = [number for number in groups if len(self._z[number]) > 1]
        if len(several) == 1:
            shares = [self._add_shares(ways, several[0], case, least) for case in range(len(self._z[several[0]]))]
            together = [(way, share) for in_case in shares for way, share in in_case]
            self._add_row(1.0, 1.0, ((share, 1.0) for _, share in together))
        else:
            together = [(way, self._add_column(way.cost - least)) for way in ways]
            self._add_row(1.0, 1.0, ((column, 1.0) for _, column in together))
            for number in several:
                self._share(together, number)
        for number in groups:
            if number not in several:
                self._add_links(together, number, 0)
        self._add_bans(statement, together)

    def _add_bans(self, statement: StatementWays, together: list[tuple[Way, int]]) -> None:
        """Not all that a way needs which is not to be gone is there where a dearer one is gone."""
        for number, way in enumerate(statement.ways):
            if way.cost == inf and all(at in self._x for at in way.needs):
                later = {each.needs for each in statement.ways[number + 1 :]}
                closed = [(column, 1.0) for each, column in together if each.needs in later]
                there = [term for at in way.needs for term in self._total(at)]
                self._add_row(-inf, len(way.needs), [*closed, *there])

    def _share(self, ways: list[tuple[Way, int]], number: int) -> None:
        """Each way that needs an index of a group is gone in one of its cases."""
        needing = [(way, column) for way, column in ways if self._is_in(way, number)]
        total = [[(column, -1.0)] for _, column in needing]
        for case in range(len(self._z[number])):
            shares = dict(self._add_shares([way for way, _ in needing], number, case, None))
            for (way, _), terms in zip(needing, total, strict=True):
                if way in shares:
                    terms.append((shares[way], 1.0))
        for terms in total:
            self._add_row(0.0, 0.0, terms)

    def _add_shares(self, ways: Iterable[Way], number: int, case: int, least: float | None) -> list[tuple[Way, int]]:
        """Columns for the ways that are open in a case, with their costs unless these are counted elsewhere."""
        closed = self._groups[number].cases[case].closed
        open_ways = [way for way in ways if closed.isdisjoint(way.needs)]
        shares = [(way, self._add_column(0.0 if least is None else way.cost - least)) for way in open_ways]
        self._add_row(-inf, 0.0, [*((share, 1.0) for _, share in shares), (self._z[number][case], -1.0)])
        self._add_links(shares, number, case)
        return shares

    def _is_in(self, way: Way, number: int) -> bool:
        return any(self._group_of[at] == number for at in way.needs)

    def _add_links(self, ways: Iterable[tuple[Way, int]], number: int, case: int) -> None:
        """No more ways that need an index of a group, in a case, than there is of the index."""
        needed_by: dict[int, list[int]] = {}
        for way, column in ways:
            for at in way.needs:
                if self._group_of[at] == number:
                    needed_by.setdefault(at, []).append(column)
        for at, needing in needed_by.items():
            there = self._x[at][case]
            terms = [(column, 1.0) for column in needing]
            self._add_row(-inf, 0.0, terms if there is None else [*terms, (there, -1.0)])

    def _add_updates(self, updates: Updates) -> None:
        """Not HOT where an index breaks them; then an entry in each index that is there."""
        broken = self._add_column(updates.lost)
        for at in updates.broken_by:
            self._add_row(-inf, 0.0, [*self._total(at), (broken, -1.0)])
        for at, cost in updates.entries:
            entry = self._add_column(cost)
            self._add_row(-inf, 1.0, [*self._total(at), (broken, 1.0), (entry, -1.0)])
