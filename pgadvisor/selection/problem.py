"""The choice of indexes as a problem of numbers: what a solver gets, and what it gives.

All costs are in one unit, that of the workload: milliseconds a day, or planner cost of all calls where no times are
known. Indexes are numbers: positions in `Problem.indexes`.
"""

from pgadvisor.model.record import Record


class Way(Record):
    """What a statement costs when some indexes are there (an atomic configuration: Finkelstein et al., 1988)."""

    cost: float
    """Of all its calls."""
    needs: tuple[int, ...] = ()
    """The indexes that must be there, sorted; whatever others are there, it can go this way."""
    feared: float | None = None
    """What it may really cost: limits go by this. None: no more than the cost."""

    @property
    def rank(self) -> tuple[float, int, tuple[int, ...]]:
        """The planner's order of ways: it takes the first whose indexes are there."""
        return (self.cost, len(self.needs), self.needs)

    @property
    def most(self) -> float:
        """What it may cost, as far as is known."""
        return self.cost if self.feared is None else self.feared


class StatementWays(Record):
    """A statement's ways; it goes the cheapest whose indexes are there, whatever that is feared to cost."""

    ways: tuple[Way, ...]
    """One at least has no needs."""
    most: float | None = None
    """What it may cost at most: no statement shall get worse than the user allows. None: no such limit."""

    def taken(self, chosen: frozenset[int]) -> Way:
        """The way that it goes with these indexes."""
        return min((way for way in self.ways if chosen.issuperset(way.needs)), key=lambda way: way.rank)


class Updates(Record):
    """The updates of one statement: they write no index entry as long as no index holds a column that they set."""

    broken_by: tuple[int, ...]
    """The indexes that hold such a column: if one of them is there, the updates are not HOT (heap-only tuples)."""
    always_broken: bool = False
    """An index that is not among the choices holds such a column."""
    lost: float = 0.0
    """What losing HOT costs by itself: the entries in indexes that are not among the choices, and vacuum."""
    entries: tuple[tuple[int, float], ...] = ()
    """(index, cost of its entries) once they are not HOT, also for indexes that hold no column that is set."""


class IndexTerm(Record):
    """One index among the choices."""

    size_bytes: int
    """What it takes of the budget: of existing indexes 0."""
    upkeep: float = 0.0
    """What the workload's inserts, and all else that does not depend on other indexes, cost with it."""
    is_there: bool = False
    """It exists today: leaving it out is a drop."""
    price: float = 0.0
    """Of changing what is there, added to the objective: small, so that nothing is changed for nothing."""


class Problem(Record):
    """Choose the indexes that make the workload cheapest."""

    indexes: tuple[IndexTerm, ...]
    statements: tuple[StatementWays, ...]
    updates: tuple[Updates, ...] = ()
    budget_bytes: int | None = None
    """For all new indexes together; None: no limit."""
    most_new: int | None = None
    """How many new indexes; None: no limit."""
    one_of: tuple[tuple[int, ...], ...] = ()
    """Of each of these groups at least one index must be there: those that support a foreign key."""


class Choice(Record):
    """A solution."""

    chosen: tuple[int, ...]
    """Indexes that are there, sorted."""
    cost: float
    """The objective with them."""
    bound: float
    """No choice costs less: proved; `-inf` where nothing is proved."""
    is_best: bool
    """Whether the solver proved it to be within the gap that was asked for."""

    @property
    def gap(self) -> float:
        """How much cheaper a choice could be at most, as a share of this one's cost: 0 to 1."""
        return max(0.0, (self.cost - self.bound) / self.cost) if self.cost > 0 else 0.0


def cost_of(problem: Problem, chosen: frozenset[int]) -> float:
    """The objective of a choice, whether it keeps the constraints or not."""
    reads = sum(each.taken(chosen).cost for each in problem.statements)
    upkeep = sum(problem.indexes[at].upkeep for at in chosen)
    price = sum(each.price for at, each in enumerate(problem.indexes) if (at in chosen) != each.is_there)
    return reads + upkeep + price + sum(_updates_cost(each, chosen) for each in problem.updates)


def is_allowed(problem: Problem, chosen: frozenset[int]) -> bool:
    """Whether a choice keeps all constraints."""
    new = [at for at in chosen if not problem.indexes[at].is_there]
    size = sum(problem.indexes[at].size_bytes for at in new)
    return (
        (problem.budget_bytes is None or size <= problem.budget_bytes)
        and (problem.most_new is None or len(new) <= problem.most_new)
        and all(chosen.intersection(group) for group in problem.one_of)
        and all(each.most is None or each.taken(chosen).most <= each.most for each in problem.statements)
    )


def _updates_cost(updates: Updates, chosen: frozenset[int]) -> float:
    if not (updates.always_broken or chosen.intersection(updates.broken_by)):
        return 0.0
    return updates.lost + sum(cost for at, cost in updates.entries if at in chosen)
