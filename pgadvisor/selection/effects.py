"""What a set of indexes does to each statement: its plans, and what it pays for the indexes' upkeep."""

from collections.abc import Iterable, Mapping, Sequence

from pgadvisor.model.advice import StatementEffect
from pgadvisor.selection.matrix import Matrix, Set
from pgadvisor.selection.upkeep import Upkeep

NOTICED = 0.01
"""A change of less, as a share of a statement's cost, is not told: the planner's own rounding is as large."""

WRITTEN_ROW = 6.0
"""Planner units that a written row costs with its WAL and the round trip: about 0.02 ms."""


class Effects:
    """The workload under several sets of indexes; all costs are those of plans that were made, none is derived."""

    def __init__(self, matrix: Matrix, scales: Sequence[float], upkeep: Upkeep) -> None:
        """`scales`: worth of a planner's unit in each statement, over all calls."""
        self._matrix = matrix
        self._scales = scales
        self._upkeep = upkeep
        self._at = {each.key: at for at, each in enumerate(matrix.statements)}

    def with_upkeep(self, upkeep: Upkeep) -> "Effects":
        """The same with the upkeep of choices that were added since."""
        return Effects(self._matrix, self._scales, upkeep)

    def plan(self, sets: Iterable[Set]) -> None:
        """Has all statements planned under each set, so that their costs are known."""
        self._matrix.explore((at, chosen) for chosen in sets for at in range(len(self._scales)))

    def plan_changes(self, changes: Iterable[tuple[Set, Set]]) -> None:
        """Has the statements that a change (before, after) may concern planned under both."""
        self._matrix.explore((at, chosen) for pair in changes for at in self._concerned(*pair) for chosen in pair)

    def _concerned(self, before: Set, after: Set) -> list[int]:
        """Statements on the tables whose indexes are others."""
        return self._matrix.reading(self._matrix.tables_of(before ^ after))

    def cost(self, at: int, chosen: Set) -> float:
        """Of one statement, all calls, upkeep included."""
        return self._scales[at] * self._matrix.cost(at, chosen) + self._upkeep.statements[at].cost(chosen)

    def total(self, chosen: Set) -> float:
        """Of the workload."""
        return sum(self.cost(at, chosen) for at in range(len(self._scales)))

    def saved(self, before: Set, after: Set) -> float:
        """How much cheaper the workload gets."""
        return sum(self.cost(at, before) - self.cost(at, after) for at in self._concerned(before, after))

    def upkeep(self, number: int, chosen: Set) -> float:
        """What the writes pay for one index beside the others."""
        without, beside = chosen - {number}, chosen | {number}
        paid = (self._upkeep.statements[at] for at in self._concerned(without, beside))
        return sum(each.cost(beside) - each.cost(without) for each in paid)

    def between(self, before: Set, after: Set, *, reads: bool = False) -> tuple[StatementEffect, ...]:
        """The statements that change, the most saved first; `reads`: by their plans alone, upkeep left out."""
        found = []
        for at in self._concerned(before, after):
            statement = self._matrix.statements[at]
            pair = [self._read(at, each) if reads else self.cost(at, each) for each in (before, after)]
            own = self._own_work(at)
            pair = [each + own for each in pair]
            ratio = pair[1] / pair[0] if pair[0] > 0 else 1.0
            if abs(ratio - 1.0) >= NOTICED:
                found.append(
                    StatementEffect(
                        statement=statement.key,
                        ratio=ratio,
                        before=pair[0],
                        after=pair[1],
                        is_write=statement.write is not None,
                    )
                )
        return tuple(sorted(found, key=lambda each: each.after - each.before))

    def _own_work(self, at: int) -> float:
        """What a write costs beside its plan and its indexes: where no time is known, planner costs leave it out, and
        one more index would seem to make an INSERT a hundred times dearer."""
        statement = self._matrix.statements[at]
        is_known = statement.write is None or statement.ms is not None
        return 0.0 if is_known or statement.write is None else statement.calls * statement.write.rows * WRITTEN_ROW

    def _read(self, at: int, chosen: Set) -> float:
        return self._scales[at] * self._matrix.cost(at, chosen)

    def users_of(self, name: str) -> tuple[str, ...]:
        """`Statement.key` of those of which some plan used an index that is not among the choices."""
        return tuple(self._matrix.statements[at].key for at in sorted(self._matrix.users_of_others.get(name, ())))

    def used_by_those(self, keys: Iterable[str], chosen: Set, names: Mapping[str, str]) -> tuple[str, ...]:
        """`schema.name` of the choices that statements use; `names`: of choices, as they are told."""
        found = {number for key in keys for number in self._matrix.used(self._at[key], chosen)}
        items = [self._matrix.items[number] for number in sorted(found)]
        return tuple(
            item.name if item.made is None else f"{item.made.schema}.{names.get(item.made.name, item.made.name)}"
            for item in items
        )

    def users(self, number: int, chosen: Set) -> tuple[str, ...]:
        """`Statement.key` of those whose plans use an index, the dearest first."""
        reading = self._matrix.reading(self._matrix.tables_of([number]))
        found = [at for at in reading if number in self._matrix.used(at, chosen)]
        ordered = sorted(found, key=lambda at: -self.cost(at, chosen))
        return tuple(self._matrix.statements[at].key for at in ordered)
