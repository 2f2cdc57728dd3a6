"""What a set of indexes does to each statement: its plans, and what it pays for the indexes' upkeep."""

from collections.abc import Iterable, Sequence

from pgadvisor.model.advice import StatementEffect
from pgadvisor.selection.matrix import Matrix, Set
from pgadvisor.selection.upkeep import Upkeep

NOTICED = 0.01
"""A change of less, as a share of a statement's cost, is not told: the planner's own rounding is as large."""


class Effects:
    """The workload under several sets of indexes; all costs are those of plans that were made, none is derived."""

    def __init__(self, matrix: Matrix, scales: Sequence[float], upkeep: Upkeep) -> None:
        """`scales`: worth of a planner's unit in each statement, over all calls."""
        self._matrix = matrix
        self._scales = scales
        self._upkeep = upkeep

    def plan(self, sets: Iterable[Set], tables: frozenset[str] | None = None) -> None:
        """Has the statements (on these tables) planned under each set, so that their costs are known."""
        concerned = [
            at for at, each in enumerate(self._matrix.statements) if tables is None or each.tables & tables
        ]
        self._matrix.explore((at, chosen) for chosen in sets for at in concerned)

    def cost(self, at: int, chosen: Set) -> float:
        """Of one statement, all calls, upkeep included."""
        return self._scales[at] * self._matrix.cost(at, chosen) + self._upkeep.statements[at].cost(chosen)

    def total(self, chosen: Set) -> float:
        """Of the workload."""
        return sum(self.cost(at, chosen) for at in range(len(self._scales)))

    def upkeep(self, number: int, chosen: Set) -> float:
        """What the writes pay for one index beside the others."""
        without = chosen - {number}
        return sum(each.cost(without | {number}) - each.cost(without) for each in self._upkeep.statements)

    def between(self, before: Set, after: Set, *, reads: bool = False) -> tuple[StatementEffect, ...]:
        """The statements that change, the most saved first; `reads`: by their plans alone, upkeep left out."""
        found = []
        for at, statement in enumerate(self._matrix.statements):
            pair = [self._read(at, each) if reads else self.cost(at, each) for each in (before, after)]
            ratio = pair[1] / pair[0] if pair[0] > 0 else 1.0
            if abs(ratio - 1.0) >= NOTICED:
                found.append(StatementEffect(statement=statement.key, ratio=ratio, before=pair[0], after=pair[1]))
        return tuple(sorted(found, key=lambda each: each.after - each.before))

    def _read(self, at: int, chosen: Set) -> float:
        return self._scales[at] * self._matrix.cost(at, chosen)

    def users(self, number: int, chosen: Set) -> tuple[str, ...]:
        """`Statement.key` of those whose plans use an index, the dearest first."""
        found = [
            at for at in range(len(self._scales)) if number in self._matrix.used(at, chosen)
        ]
        ordered = sorted(found, key=lambda at: -self.cost(at, chosen))
        return tuple(self._matrix.statements[at].key for at in ordered)
