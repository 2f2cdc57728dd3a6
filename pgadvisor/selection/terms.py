"""The problem of choice, made from what was planned: sizes, upkeep, what must stay, and the user's limits."""

from pgadvisor.facts import Facts
from pgadvisor.selection.existing import ExistingIndex, existing_indexes
from pgadvisor.selection.groups import groups_to_keep
from pgadvisor.selection.matrix import Item, Matrix
from pgadvisor.selection.problem import IndexTerm, Problem, StatementWays
from pgadvisor.selection.traits import IndexTraits, candidate_traits, index_traits
from pgadvisor.selection.upkeep import Upkeep, upkeep_of
from pgadvisor.selection.wishes import Wishes
from pgadvisor.selection.workload import Unit

CHANGE_PRICE = 1e-6
"""Of creating or dropping an index, as a share of the workload's cost: nothing is changed for nothing."""
RENT = 4e-6
"""Of an index's place, in backups and in memory as well, as a share of the workload's cost: what nothing uses goes."""


class Terms:
    """Makes the problem for a budget from the matrix as it stands."""

    def __init__(self, facts: Facts, matrix: Matrix, unit: Unit, wishes: Wishes) -> None:
        """Adds the existing indexes that may go to the matrix."""
        self._facts = facts
        self._matrix = matrix
        self.unit = unit
        self._wishes = wishes
        self._traits: list[IndexTraits] = []
        self._heap_bytes = max(sum(table.heap_bytes or 0 for table in facts.tables if table.kind == "table"), 1)
        self._grouped: tuple[int, tuple[tuple[int, ...], ...]] = (-1, ())
        """How many choices there were when the groups were last made, and the groups."""
        self._groups_of: dict[int, list[tuple[int, ...]]] = {}
        self._upkeep: tuple[int, Upkeep] | None = None
        """With how many choices there were."""
        self.existing: dict[int, ExistingIndex] = {}
        """Those that may go, by their numbers."""
        self.fixed: list[ExistingIndex] = []
        """Those that stay; what stands on tables that no statement touches is in neither."""
        read = frozenset().union(*(each.tables for each in matrix.statements))
        for each in existing_indexes(facts):
            if each.table not in read:
                continue
            if each.fixed is None:
                self.existing[matrix.add_existing(each.table, each.index, each.parts).number] = each
            else:
                self.fixed.append(each)
        self._fixed_traits = [index_traits(facts, each.on, each.index) for each in self.fixed]

    def upkeep(self) -> Upkeep:
        """What the workload's writes pay for each choice."""
        items = self._matrix.items
        if self._upkeep is None or self._upkeep[0] != len(items):
            self._traits += [self._traits_of(item) for item in items[len(self._traits) :]]
            found = upkeep_of(
                self._facts, self._matrix.statements, self._traits, self._fixed_traits, self.unit,
                today=self._matrix.today, is_given=self._wishes.workload_is_given,
            )  # fmt: skip
            self._upkeep = (len(items), found)
        return self._upkeep[1]

    def problem(self, ways: tuple[StatementWays, ...], budget: int | None) -> Problem:
        """The problem; `budget`: in bytes, for all new indexes."""
        upkeep = self.upkeep()
        cost = sum(self._today_cost(at, each) for at, each in enumerate(ways))
        return Problem(
            indexes=tuple(
                IndexTerm(
                    size_bytes=0 if item.is_there else max(item.size.size_bytes or 0, 1),
                    upkeep=upkeep.terms[item.number] + (RENT + self._room_price(item)) * cost,
                    is_there=item.is_there,
                    price=CHANGE_PRICE * cost,
                )
                for item in self._matrix.items
            ),
            statements=ways,
            updates=upkeep.updates,
            budget_bytes=budget,
            most_new=self._wishes.most_new,
            one_of=self.groups(),
        )

    def _room_price(self, item: Item) -> float:
        """Of a new index, as a share of the workload's cost."""
        size = 0 if item.is_there else item.size.size_bytes or 0
        return self._wishes.room_price * size / self._heap_bytes

    def _today_cost(self, at: int, statement: StatementWays) -> float:
        return statement.taken(self._matrix.today).cost

    def groups(self) -> tuple[tuple[int, ...], ...]:
        """`Problem.one_of`."""
        count = len(self._matrix.items)
        if self.existing and self._grouped[0] != count:
            self._grouped = (count, self._new_groups())
            self._groups_of = {}
            for group in self._grouped[1]:
                for number in group:
                    self._groups_of.setdefault(number, []).append(group)
        return self._grouped[1]

    def is_needed(self, number: int, chosen: frozenset[int]) -> bool:
        """Whether no other of the chosen ones could take the place of an index in one of its groups."""
        self.groups()
        others = chosen - {number}
        return any(others.isdisjoint(group) for group in self._groups_of.get(number, ()))

    def _new_groups(self) -> tuple[tuple[int, ...], ...]:
        matrix = self._matrix
        candidates = [(item.number, item.candidate) for item in matrix.items if item.candidate is not None]
        return groups_to_keep(
            self._facts, tuple(self.existing.items()), self.fixed, candidates,
            used=self.used_today(), is_given=self._wishes.workload_is_given,
        )  # fmt: skip

    def used_today(self) -> frozenset[int]:
        """The existing choices that plans use as things are."""
        matrix = self._matrix
        used = (matrix.used(at, matrix.today) for at in range(len(matrix.statements)))
        return frozenset().union(*used)

    def _traits_of(self, item: Item) -> IndexTraits:
        if item.candidate is not None:
            return candidate_traits(self._facts, item.candidate, item.size.rows)
        existing = self.existing[item.number]
        return index_traits(self._facts, existing.on, existing.index)
