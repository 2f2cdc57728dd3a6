"""What a choice of indexes costs, kept up to date while indexes come and go."""

from collections.abc import Collection, Iterable
from math import inf

from pgadvisor.selection.problem import Problem
from pgadvisor.selection.reduction import cost_with, cost_without, today


class Ledger:
    """A choice of the indexes of a reduced problem; a step costs no more than the ways of what comes or goes.

    The ways of all statements stand in one row, those of a statement together, cheapest first, where those that are not
    to be gone cost `inf` in their places: `current` holds the position of the one that each goes. After the last way of
    each stands one more that costs `inf`: a choice without a way for a statement is not allowed, and shows as
    infinitely dear.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.chosen: set[int] = set()
        self._read_indexes(problem)
        self._read_ways(problem)
        self._read_updates(problem)
        self._read_groups(problem)
        self.change(today(problem))

    def change(self, coming: Iterable[int] = (), going: Iterable[int] = ()) -> float:
        """Let indexes come and go; how much dearer that is."""
        return sum([*map(self._come, coming), *map(self._go, going)])

    def difference(self, coming: Collection[int] = (), going: Collection[int] = ()) -> float:
        """How much dearer a change would be, whether it is allowed or not."""
        dearer = self.change(coming, going)
        self.change(going, coming)
        return dearer

    def trial(self, coming: Collection[int] = (), going: Collection[int] = ()) -> float:
        """How much dearer a change would be; `inf` where it is not allowed."""
        if self.is_allowed and len(coming) + len(going) == 1:
            return sum(map(self._trial_come, coming)) + sum(map(self._trial_go, going))
        if self.bytes_left < sum(self.sizes[at] for at in coming) - sum(self.sizes[at] for at in going):
            return inf
        dearer = self.change(coming, going)
        allowed = self.is_allowed
        self.change(going, coming)
        return dearer if allowed else inf

    def is_current(self, way: int) -> bool:
        """Whether its statement goes this way."""
        return self.current[self.statement_of[way]] == way

    def cheaper_ways(self, statement: int) -> range:
        """The ways of a statement that are cheaper than the one it goes."""
        return range(self._first[statement], self.current[statement])

    def move_to(self, chosen: Iterable[int]) -> None:
        """Change to this choice."""
        wanted = set(chosen)
        self.change(sorted(wanted - self.chosen), sorted(self.chosen - wanted))

    @property
    def is_allowed(self) -> bool:
        """Whether the choice keeps all constraints."""
        return self.has_room and not self._unmet and not self._stuck

    @property
    def has_room(self) -> bool:
        """Whether the choice holds no more than it may."""
        return self.bytes_left >= 0 and self.new_left >= 0

    def _read_indexes(self, problem: Problem) -> None:
        self.is_new = [not each.is_there for each in problem.indexes]
        self.sizes = [0 if each.is_there else each.size_bytes for each in problem.indexes]
        self.fixed = [cost_with(each) - cost_without(each) for each in problem.indexes]
        self.bytes_left: float = inf if problem.budget_bytes is None else problem.budget_bytes
        self.new_left: float = inf if problem.most_new is None else problem.most_new

    def _read_ways(self, problem: Problem) -> None:
        self.costs: list[float] = []
        self.needs: list[tuple[int, ...]] = []
        self.statement_of: list[int] = []
        self.ways_of: list[list[int]] = [[] for _ in problem.indexes]
        self._first: list[int] = []
        for number, statement in enumerate(problem.statements):
            self._first.append(len(self.costs))
            for way in statement.ways:
                for at in way.needs:
                    self.ways_of[at].append(len(self.costs))
                self._append_way(number, way.cost, way.needs)
            self._append_way(number, inf, ())
        self.missing = [len(needs) for needs in self.needs]
        self.current = [self._first_open(way) for way in self._first]
        self._stuck = sum(self.costs[way] == inf for way in self.current)

    def _append_way(self, statement: int, cost: float, needs: tuple[int, ...]) -> None:
        self.costs.append(cost)
        self.needs.append(needs)
        self.statement_of.append(statement)

    def _first_open(self, way: int) -> int:
        missing = self.missing
        while missing[way]:
            way += 1
        return way

    def _read_updates(self, problem: Problem) -> None:
        self.lost = [each.lost for each in problem.updates]
        self.breakers = [each.broken_by for each in problem.updates]
        self.breaks: list[list[int]] = [[] for _ in problem.indexes]
        self.entries: list[list[tuple[int, float]]] = [[] for _ in problem.indexes]
        for number, each in enumerate(problem.updates):
            for at in each.broken_by:
                self.breaks[at].append(number)
            for at, cost in each.entries:
                self.entries[at].append((number, cost))
        self.broken = [0] * len(problem.updates)
        self._entries_cost = [0.0] * len(problem.updates)

    def _read_groups(self, problem: Problem) -> None:
        self.one_of: list[list[int]] = [[] for _ in problem.indexes]
        for number, group in enumerate(problem.one_of):
            for at in set(group):
                self.one_of[at].append(number)
        self._in_one_of = [0] * len(problem.one_of)
        self._unmet = len(problem.one_of)

    def _trial_come(self, at: int) -> float:
        """What `_come` gives, without a change: most trials are of one index."""
        if self.is_new[at] and (self.sizes[at] > self.bytes_left or self.new_left < 1):
            return inf
        missing, current, statement_of = self.missing, self.current, self.statement_of
        reached: dict[int, int] = {}
        for way in self.ways_of[at]:
            if missing[way] == 1 and way < reached.get(statement_of[way], current[statement_of[way]]):
                reached[statement_of[way]] = way
        dearer = self.fixed[at]
        for statement, way in reached.items():
            dearer += self.costs[way] - self.costs[current[statement]]
        return dearer + self._entries_of(at) + self._lost_by(at, 0)

    def _trial_go(self, at: int) -> float:
        """What `_go` gives, without a change."""
        if any(self._in_one_of[group] == 1 for group in self.one_of[at]):
            return inf
        dearer = -self.fixed[at]
        for way in self.ways_of[at]:
            if self.is_current(way):
                other = way
                while self.missing[other] or at in self.needs[other]:
                    other += 1
                dearer += self.costs[other] - self.costs[way]
        return dearer - self._entries_of(at) - self._lost_by(at, 1)

    def _entries_of(self, at: int) -> float:
        return sum(cost for update, cost in self.entries[at] if self.broken[update])

    def _lost_by(self, at: int, others: int) -> float:
        """What the updates lose that `at` breaks, and as many indexes as `others` counts."""
        return sum(
            self.lost[update] + self._entries_cost[update]
            for update in self.breaks[at]
            if self.broken[update] == others
        )

    def _come(self, at: int) -> float:
        missing, current, statement_of = self.missing, self.current, self.statement_of
        dearer = self.fixed[at] + self._entries_of(at)
        for way in self.ways_of[at]:
            missing[way] -= 1
            if not missing[way] and way < current[statement_of[way]]:
                dearer += self._go_way(way)
        for update, cost in self.entries[at]:
            self._entries_cost[update] += cost
        dearer += self._lost_by(at, 0)
        for update in self.breaks[at]:
            self.broken[update] += 1
        self.chosen.add(at)
        self._count(at, 1)
        return dearer

    def _go(self, at: int) -> float:
        missing, current, statement_of = self.missing, self.current, self.statement_of
        closed = []
        for way in self.ways_of[at]:
            missing[way] += 1
            if way == current[statement_of[way]]:
                closed.append(way)
        dearer = -self.fixed[at] - self._lost_by(at, 1)
        for way in closed:
            dearer += self._go_way(self._first_open(way))
        for update in self.breaks[at]:
            self.broken[update] -= 1
        for update, cost in self.entries[at]:
            self._entries_cost[update] -= cost
        self.chosen.discard(at)
        self._count(at, -1)
        return dearer - self._entries_of(at)

    def _go_way(self, way: int) -> float:
        """Send a statement another way; a statement without a way is counted, and costs nothing."""
        statement = self.statement_of[way]
        before, after = self.costs[self.current[statement]], self.costs[way]
        self.current[statement] = way
        self._stuck += (after == inf) - (before == inf)
        return (after if after < inf else 0.0) - (before if before < inf else 0.0)

    def _count(self, at: int, step: int) -> None:
        for group in self.one_of[at]:
            self._in_one_of[group] += step
            if self._in_one_of[group] == max(step, 0):
                self._unmet -= step
        if not self.is_new[at]:
            return
        self.bytes_left -= step * self.sizes[at]
        self.new_left -= step
