"""The search for the best set: solve over what was planned, plan around the answer, and solve again.

A solver is only as good as its pool. So each answer is planned for every statement (the planner's word, not a derived
one), and so are its nearest relatives: one index more, one less, wider, narrower, merged. The pool grows around the
answer until the answer stays (column generation, as in Dash, Polyzotis, Ailamaki, "CoPhy", VLDB 2011).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.selection.curve import curve
from pgadvisor.selection.matrix import NO_INDEX, Matrix, Set
from pgadvisor.selection.milp import solve
from pgadvisor.selection.problem import Choice, Problem, StatementWays, Way, cost_of

ROUNDS = 6
"""Of solving and planning around the answer for one budget: the last ones rarely change anything."""
ENOUGH = 0.001
"""A round that lowers the cost by less, as a share of it, is the last."""
JOINTLY, LITTLE_JOINTLY = 6, 2
"""Of each table the likeliest indexes that are tried together with those of other tables in a statement; and in one
that is worth little."""
LITTLE = 0.001
"""Share of the workload's cost."""
PEELED = 24
"""How often a statement is planned with all its candidates but some, to learn its second-best ways."""
MOST_TRIED, FEWEST = 6_000, 2
"""Candidates to begin with, and how many of them a statement of little worth keeps, where all are too many: each takes
3 or 4 milliseconds to make. Those left out come back as neighbours of what is chosen."""
SURELY_PEELED = 2
"""Rounds that are made though the time is up: without them next to nothing is known of the candidates."""
MOST_REPLACED = 3
"""Of the indexes that one plan uses together, how many are tried replaced in one round."""
NEAR = 100
"""Of the chosen indexes, how many get their neighbours in one round: those that save most first."""
FEW_ROUNDS = 2
"""For the other budgets of the curve: the pool has grown around the user's own by then."""
GAP, ROUGH_GAP = 0.008, 0.03
"""Asked of the solver: below the 1 % that is promised, and less while the pool still grows."""
SOLVER_S, LEAST_SOLVER_S = 15.0, 4.0
"""For one problem, and when the time is up; what is found by then is told with the bound that is proved by then."""

Around = Callable[[Candidate], Iterable[Candidate]]
"""The candidates near one."""
MakeProblem = Callable[[tuple[StatementWays, ...], int | None], Problem]
"""The problem, given the statements' ways and the budget in bytes."""


class Search:
    """Finds the best sets for several budgets over one pool."""

    def __init__(
        self,
        matrix: Matrix,
        scales: Sequence[float],
        problem: MakeProblem,
        thought_of: Mapping[int, Sequence[Candidate]],
        around: Around,
        *,
        most_worse: float,
        least_fall: float,
        least_units: float,
        least_units_served: float,
        left_s: Callable[[], float],
        progress: Progress = no_progress,
    ) -> None:
        """`scales`: worth of a planner's unit in each statement, over all calls; `thought_of`: by the position of the
        statement, the most promising first; `most_worse`: how much dearer a statement may get, as a share;
        `least_fall`, `least_units`: how much cheaper a new index must make it to count, as a share and in planner
        units a call, `least_units_served` where an index serves it on that table today; `left_s`: seconds that are
        left; after them no more is planned than the answer needs."""
        self._matrix = matrix
        self._scales = scales
        self._make = problem
        self._around = around
        self._most_worse = most_worse
        self._least_fall = least_fall
        self._least_units = least_units
        self._least_units_served = least_units_served
        self._left_s = left_s
        self.is_cut = False
        """Whether the time was up before all was tried that is worth it."""
        self._progress = progress
        self._worth = [scale * matrix.cost(at, matrix.today) for at, scale in enumerate(scales)]
        self._order = sorted(range(len(scales)), key=lambda at: (-self._worth[at], at))
        """The positions of the statements, those worth most first: they are planned first."""
        self._relevant: list[set[int]] = [set() for _ in scales]
        """Of each statement the choices thought of for it, and those that some plan of it used."""
        self._near: set[int] = set()
        """Choices whose neighbours are in the pool already."""
        self._fill(thought_of)

    # The pool

    def _fill(self, thought_of: Mapping[int, Sequence[Candidate]]) -> None:
        """Plans every statement as it is, with all candidates, with these in place of what serves it today, with each
        alone, and with the likeliest together."""
        matrix = self._matrix
        thought_of = self._affordable(thought_of)
        matrix.add_candidates(each for candidates in thought_of.values() for each in candidates)
        for at, candidates in thought_of.items():
            numbers = (matrix.number_of(each) for each in candidates)
            self._relevant[at].update(number for number in numbers if number is not None)
        matrix.explore(((at, matrix.today) for at in self._order), self._progress)
        matrix.explore(((at, NO_INDEX) for at in self._order), self._progress)
        bases = {at: (matrix_today(matrix, at), matrix.on_tables_of(at)) for at in self._order}
        used = self._peel(bases, SURELY_PEELED)
        served = (at for at in self._order if matrix.used(at, matrix.today))
        instead = self._peel({at: (NO_INDEX, matrix.on_tables_of(at) - matrix.today) for at in served})
        used = {
            at: used.get(at, NO_INDEX) | instead.get(at, NO_INDEX) for at in self._order if at in used or at in instead
        }
        self._explore(self._singles(used))
        self._explore(self._peels())
        self._explore(self._joints())

    def _affordable(self, thought_of: Mapping[int, Sequence[Candidate]]) -> Mapping[int, Sequence[Candidate]]:
        """The candidates; where they are too many, as many of each statement as it is worth."""
        whole = sum(self._worth)
        if sum(map(len, thought_of.values())) <= MOST_TRIED or not whole:
            return thought_of
        most = {at: max(FEWEST, int(MOST_TRIED * self._worth[at] / whole)) for at in thought_of}
        return {at: candidates[: most[at]] for at, candidates in thought_of.items()}

    def _explore(self, asked: Iterable[tuple[int, Set]]) -> None:
        """Has plans made while there is time."""
        self._matrix.explore(asked, self._progress, self._is_over)

    def _is_over(self) -> bool:
        """Whether the time is up, and something is left undone for it."""
        self.is_cut = self.is_cut or self._left_s() <= 0
        return self.is_cut

    def _peel(self, bases: Mapping[int, tuple[Set, Set]], surely: int = 0) -> dict[int, Set]:
        """Plans statements with a base and all of more; then without what of that the plan used, until it uses none.

        What is left by then changes nothing beside the base: that is known without a plan for each. Gives what was
        used, by statement. `surely`: rounds that are made in any case.
        """
        used: dict[int, Set] = {}
        for number in range(PEELED):
            asked = ((at, base | more) for at, (base, more) in bases.items())
            if number < surely:
                self._matrix.explore(asked, self._progress)
            else:
                self._explore(asked)
            left: dict[int, tuple[Set, Set]] = {}
            for at, (base, more) in bases.items():
                planned = self._matrix.known(at, base | more)
                if planned is not None and (new := planned.used & (more - base)):
                    used[at] = used.get(at, NO_INDEX) | new
                    left[at] = (base, more - new)
            bases = left
            if not bases:
                break
        for at, numbers in used.items():
            self._relevant[at] |= numbers
        return used

    def _all(self, at: int) -> Set:
        return matrix_today(self._matrix, at) | self._relevant[at]

    def _singles(self, used: Mapping[int, Set]) -> Iterable[tuple[int, Set]]:
        """Each candidate that some plan of a statement used, alone: one thought of for another may serve as well."""
        for at, numbers in used.items():
            today = matrix_today(self._matrix, at)
            for number in sorted(numbers):
                yield at, today | {number}
                yield at, frozenset({number})

    def _peels(self) -> Iterable[tuple[int, Set]]:
        """All candidates without one of those that the best plan uses: the second-best ways."""
        for at in self._order:
            whole = self._all(at)
            used = self._matrix.used(at, whole)
            if len(used) > 1:
                yield from ((at, whole - {each}) for each in sorted(used)[:PEELED])

    def _joints(self) -> Iterable[tuple[int, Set]]:
        """The likeliest indexes of a statement's tables, two and two: a nested loop needs one on each side."""
        matrix = self._matrix
        whole = sum(self._worth)
        for at in self._order:
            most = JOINTLY if self._worth[at] >= LITTLE * whole else LITTLE_JOINTLY
            likely = [self._likeliest(at, table)[:most] for table in sorted(matrix.statements[at].tables)]
            today = matrix_today(matrix, at)
            bases = [today, NO_INDEX] if matrix.used(at, today) else [today]
            for one, other in combinations([each for each in likely if each], 2):
                yield from ((at, base | {left, right}) for left in one for right in other for base in bases)

    def _likeliest(self, at: int, table: str) -> list[int]:
        """The indexes of one table that plans of the statement used, those of the cheapest plans first."""
        matrix = self._matrix
        found: dict[int, float] = {}
        for used, cost in matrix.ways_of(at).items():
            for number in used:
                if matrix.items[number].table == table:
                    found[number] = min(cost, found.get(number, cost))
        return sorted(found, key=lambda number: (found[number], number))

    # The answer

    def along(self, budgets: Sequence[int | None], own: int | None) -> dict[int | None, Choice]:
        """The best choice for each budget; the user's own is looked for first, and the longest."""
        order = dict.fromkeys((own, *budgets))
        for budget in order:
            if self._is_over():
                break
            self._grown(budget, ROUNDS if budget == own else FEW_ROUNDS)
        return self._proved(tuple(order))

    def told(self, chosen: Set, choice: Choice) -> Choice:
        """What is told in place of a choice, with the same bound."""
        cost = cost_of(self._problem(None), chosen)
        return Choice(chosen=tuple(sorted(chosen)), cost=cost, bound=min(choice.bound, cost), is_best=choice.is_best)

    def _grown(self, budget: int | None, rounds: int) -> None:
        """Grows the pool around the best choice within a budget."""
        self._progress("choice", 0, rounds)
        choice = self._solved(self._problem(budget), ROUGH_GAP, None)
        for number in range(rounds):
            if self._is_over():
                break
            self._explore_around(choice)
            problem = self._problem(budget)
            better = self._solved(problem, ROUGH_GAP, choice)
            is_enough = better.cost >= cost_of(problem, frozenset(choice.chosen)) * (1.0 - ENOUGH)
            choice = better
            self._progress("choice", number + 1, rounds)
            if is_enough and not self._new_near(choice):
                break

    def _solved(self, problem: Problem, gap: float, start: Choice | None) -> Choice:
        return solve(problem, gap=gap, start=start, time_limit_s=self._solver_s())

    def _solver_s(self) -> float:
        return max(min(SOLVER_S, self._left_s()), LEAST_SOLVER_S)

    def _proved(self, budgets: Sequence[int | None]) -> dict[int | None, Choice]:
        """The best choice for each budget over the pool as it is, once every statement is planned under each."""
        for _ in range(2):
            problem = self._problem(None)
            choices = curve(problem, budgets, gap=GAP, time_limit_s=self._solver_s())
            before = self._matrix.plans
            self._explore((at, frozenset(each.chosen)) for each in choices for at in self._order)
            if self._matrix.plans == before or self._is_over():
                break
        return dict(zip(budgets, choices, strict=True))

    def _problem(self, budget: int | None) -> Problem:
        matrix = self._matrix
        statements = []
        for at, scale in enumerate(self._scales):
            today = scale * matrix.cost(at, matrix.today)
            most = scale * matrix.feared(at, matrix.today) * (1.0 + self._most_worse)
            ways = tuple(way for way in matrix.ways(at, scale) if way.most > most or self._is_worth_it(at, way, today))
            statements.append(StatementWays(ways=ways, most=most))
        return self._make(tuple(statements), budget)

    def _is_worth_it(self, at: int, way: Way, today: float) -> bool:
        """Whether a way is no small gain by a new index: costs are not exact enough to promise that."""
        new = [number for number in way.needs if not self._matrix.items[number].is_there]
        if not new or way.cost >= today:
            return True
        units = self._least_units_served if self._is_served(at, new) else self._least_units
        return today - way.cost >= max(self._least_fall * today, units * self._scales[at])

    def _is_served(self, at: int, new: Iterable[int]) -> bool:
        """Whether today's plan of a statement uses an index on each table that the new ones are on."""
        matrix = self._matrix
        return matrix.tables_of(new) <= matrix.tables_of(matrix.used(at, matrix.today))

    def _explore_around(self, choice: Choice) -> None:
        """Every statement under the choice, with one index more or less, and with new ones near those chosen."""
        chosen = frozenset(choice.chosen)
        matrix = self._matrix
        for number in self._new_near(choice)[:NEAR]:
            self._near.add(number)
            candidate = matrix.items[number].candidate
            if candidate is not None:
                self._add_near(number, self._around(candidate))
        here = {at: chosen & matrix.on_tables_of(at) for at in self._order}
        self._explore(here.items())
        self._explore((at, own - {number}) for at, own in here.items() for number in sorted(matrix.used(at, own)))
        self._peel({at: (own, own | self._relevant[at]) for at, own in here.items()})
        for place in range(MOST_REPLACED):
            self._peel(self._replaced(here, place))

    def _replaced(self, here: Mapping[int, Set], place: int) -> dict[int, tuple[Set, Set]]:
        """Of each statement that uses so many choices the others, and all that might stand in for that one."""
        found = {}
        for at, own in here.items():
            used = sorted(self._matrix.used(at, own))
            if len(used) > max(place, 1):  # one that is used alone is replaced by what is known of each alone
                rest = own - {used[place]}
                found[at] = (rest, (rest | self._relevant[at]) - {used[place]})
        return found

    def _new_near(self, choice: Choice) -> list[int]:
        """The chosen ones whose neighbours are not in the pool, those first whose statements save most."""
        matrix, chosen = self._matrix, frozenset(choice.chosen)
        saved = dict.fromkeys(choice.chosen, 0.0)
        for at, worth in enumerate(self._worth):
            for number in matrix.used(at, chosen):
                saved[number] += worth - self._scales[at] * matrix.cost(at, chosen)
        new = (number for number in choice.chosen if number not in self._near)
        return sorted(new, key=lambda number: (-saved[number], number))

    def _add_near(self, number: int, candidates: Iterable[Candidate]) -> None:
        """New candidates are relevant to the statements that the one they stand near is."""
        added = {item.number for item in self._matrix.add_candidates(candidates)}
        for relevant in self._relevant:
            if number in relevant:
                relevant |= added


def matrix_today(matrix: Matrix, at: int) -> Set:
    """The existing choices on the tables of a statement."""
    return matrix.today & matrix.on_tables_of(at)
