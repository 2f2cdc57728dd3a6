"""What each statement costs under each set of indexes: planned where it was asked, derived where that is sure.

PostgreSQL's planner takes the cheapest way it finds, so an index that a plan does not use changes nothing: a plan made
with the indexes `present` that used `used` costs the same under every set between the two. (Checked on 600 random
sets: no exception. Papadomanolakis, Dash, Ailamaki, "Efficient use of the query optimizer", VLDB 2007, build on it.)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.model.catalog import Index
from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import Answer, Configuration, HypotheticalIndex, IndexSize, Planner, Question
from pgadvisor.selection.look_up_prices import LookUpPrices
from pgadvisor.selection.problem import Way
from pgadvisor.selection.workload import WeighedStatement

Set = frozenset[int]
"""Of indexes, by their numbers."""
NO_INDEX: Set = frozenset()
CHUNK = 400
"""Questions asked at once: what is between two reports of progress."""


class Item(Record):
    """One index among the choices."""

    number: int
    name: str
    """`schema.name`, as plans show it."""
    table: str
    """`schema.table`; of a partition its topmost parent."""
    candidate: Candidate | None = None
    made: HypotheticalIndex | None = None
    size: IndexSize = IndexSize()
    index: Index | None = None
    """An index that is there, which may be dropped."""

    @property
    def is_there(self) -> bool:
        """Whether it exists today."""
        return self.index is not None


class Planned(NamedTuple):
    """A statement planned under a set of indexes."""

    present: Set
    used: Set
    cost: float
    """Of one call, over all its draws."""
    feared: float
    """With what look-ups may cost beyond the planner's price."""


class Costs(NamedTuple):
    """What a way costs, and what it may really cost."""

    cost: float
    feared: float


class _Plans:
    """All plans made of one statement."""

    def __init__(self) -> None:
        self.all: list[Planned] = []
        self.ways: dict[Set, Costs] = {}
        """By the choices used the cheapest."""
        self._cheapest: dict[Set, tuple[Costs, Set]] = {}

    def add(self, planned: Planned) -> None:
        self.all.append(planned)
        known = self.ways.get(planned.used)
        if known is None or planned.cost < known.cost:
            self.ways[planned.used] = Costs(planned.cost, planned.feared)
            self._cheapest.clear()

    def known(self, present: Set) -> Planned | None:
        return next((each for each in self.all if each.used <= present <= each.present), None)

    def cheapest(self, present: Set) -> tuple[Costs, Set]:
        """What the cheapest way costs that these indexes allow, and what it uses; of equal ones the plainest."""
        found = self._cheapest.get(present)
        if found is None:
            fitting = ((costs, len(used), sorted(used), used) for used, costs in self.ways.items() if used <= present)
            unknown = Costs(float("inf"), float("inf"))
            costs, _, _, used = min(fitting, default=(unknown, 0, [], NO_INDEX))
            found = self._cheapest[present] = (costs, used)
        return found


class Matrix:
    """The choices, and all that was planned with them."""

    def __init__(
        self, planner: Planner, statements: Sequence[WeighedStatement], prices: LookUpPrices | None = None
    ) -> None:
        self.statements = tuple(statements)
        self._prices = prices
        self.items: list[Item] = []
        self.plans = 0
        """How many plans were made."""
        self.users_of_others: dict[str, set[int]] = {}
        """Positions of the statements of which some plan used an index beside the choices, by its `schema.name`."""
        self.refusals: dict[Candidate, str] = {}
        """Why candidates cannot be made, in the planner's words."""
        self._planner = planner
        self._plans: list[_Plans] = [_Plans() for _ in statements]
        self._reading: dict[str, list[int]] = {}
        for at, statement in enumerate(statements):
            for table in statement.tables:
                self._reading.setdefault(table, []).append(at)
        self._of_table: dict[str, set[int]] = {}
        self._on_tables: dict[frozenset[str], tuple[int, Set]] = {}
        """With how many choices there were on these tables then."""
        self._today: Set | None = NO_INDEX
        """None: an index was added since it was put together."""
        self._by_name: dict[str, int] = {}
        self._by_candidate: dict[Candidate, int] = {}
        self._failed: set[int] = set()

    # The choices

    def add_existing(self, table: str, index: Index, parts: Iterable[Index] = ()) -> Item:
        """An index that is there and may go; `table`: `schema.table`, of a partition its topmost parent.

        `parts`: the partitions' indexes that belong to it, which plans name and which go with it.
        """
        name = f"{index.schema}.{index.name}"
        size = IndexSize(size_bytes=index.size_bytes, rows=index.rows)
        item = self._add(Item(number=len(self.items), name=name, table=table, index=index, size=size))
        self._by_name.update({f"{each.schema}.{each.name}": item.number for each in parts})
        return item

    def add_candidates(self, candidates: Iterable[Candidate]) -> list[Item]:
        """Those that can be made; such as were added before are not added again."""
        new = [each for each in dict.fromkeys(candidates) if each not in self._by_candidate]
        start = len(self._by_candidate)
        made = [each.named(f"pgadvisor_{start + at}") for at, each in enumerate(new)]
        found = []
        for candidate, index, size in zip(new, made, self._planner.sizes(made), strict=True):
            self._by_candidate[candidate] = -1
            if size.error is not None:
                self.refusals[candidate] = size.error
            else:
                item = Item(number=len(self.items), name=index.qualified, table=candidate.table, candidate=candidate,
                            made=index, size=size)  # fmt: skip
                self._by_candidate[candidate] = item.number
                found.append(self._add(item))
        return found

    def _add(self, item: Item) -> Item:
        self.items.append(item)
        self._today = None if item.is_there else self._today
        self._of_table.setdefault(item.table, set()).add(item.number)
        self._by_name[item.name] = item.number
        if self._prices is not None and item.candidate is not None:
            self._prices.add(item.name, *(each.key if each.is_column else None for each in item.candidate.keys))
        return item

    def number_of(self, candidate: Candidate) -> int | None:
        """The number of a candidate; None: it was not added, or cannot be made."""
        number = self._by_candidate.get(candidate, -1)
        return None if number < 0 else number

    def numbered(self, name: str) -> int | None:
        """The number of the choice that plans show under that name (`schema.name`); None: there is none."""
        return self._by_name.get(name)

    def on_tables_of(self, at: int) -> Set:
        """The choices on the tables of a statement."""
        tables = self.statements[at].tables
        count = sum(len(self._of_table.get(table, ())) for table in tables)
        known = self._on_tables.get(tables)
        if known is None or known[0] != count:
            found = frozenset[int]().union(*(self._of_table.get(table, ()) for table in tables))
            known = self._on_tables[tables] = (count, found)
        return known[1]

    def reading(self, tables: Iterable[str]) -> list[int]:
        """The positions of the statements on any of these tables."""
        return sorted({at for table in tables for at in self._reading.get(table, ())})

    def tables_of(self, numbers: Iterable[int]) -> frozenset[str]:
        """The tables of some choices."""
        return frozenset(self.items[number].table for number in numbers)

    @property
    def today(self) -> Set:
        """What is there now."""
        if self._today is None:
            self._today = frozenset(item.number for item in self.items if item.is_there)
        return self._today

    # What they cost

    def explore(
        self,
        asked: Iterable[tuple[int, Set]],
        progress: Progress = no_progress,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Plans statements, by their position, under sets of indexes: what is known already is not planned again.

        `is_over`: whether to stop, with what was asked last not planned.
        """
        grouped: dict[tuple[Set, Set], list[int]] = {}
        seen: set[tuple[int, Set]] = set()
        for at, wanted in asked:
            here = self.on_tables_of(at)
            present = wanted & here
            if (at, present) in seen or at in self._failed or self.known(at, present) is not None:
                continue
            seen.add((at, present))
            absent = frozenset(each for each in here - present if self.items[each].is_there)
            grouped.setdefault((present, absent), []).append(at)
        groups = list(grouped.items())
        for start in range(0, len(groups), CHUNK):
            if is_over():
                break
            progress("plans", start, len(groups))
            self._ask(groups[start : start + CHUNK])
        if groups:
            progress("plans", len(groups), len(groups))

    def _ask(self, groups: Sequence[tuple[tuple[Set, Set], list[int]]]) -> None:
        questions = [
            Question(
                self._configuration(present, absent),
                tuple(text.text for at in group for text in self.statements[at].texts),
            )
            for (present, absent), group in groups
        ]
        for ((present, _), group), answers in zip(groups, self._planner.costs(questions), strict=True):
            self.plans += len(answers)
            left = iter(answers)
            for at in group:
                self._note(at, present, [next(left) for _ in self.statements[at].texts])

    def configuration(self, at: int, chosen: Set) -> Configuration:
        """What is supposed of a statement's tables under a choice."""
        here = self.on_tables_of(at)
        absent = frozenset(each for each in here - chosen if self.items[each].is_there)
        return self._configuration(chosen & here, absent)

    def _configuration(self, present: Set, absent: Set) -> Configuration:
        made = (self.items[each].made for each in sorted(present))
        return Configuration(
            create=tuple(each for each in made if each is not None),
            hide=tuple(self.items[each].name for each in sorted(absent)),
        )

    def _note(self, at: int, present: Set, answers: Sequence[Answer]) -> None:
        costs = [each.cost for each in answers if each.cost is not None]
        if len(costs) < len(answers):
            if not self._plans[at].all:
                self._failed.add(at)
            return
        texts = self.statements[at].texts
        cost = sum(text.weight * each for text, each in zip(texts, costs, strict=True))
        feared = cost + sum(
            text.weight * self._beyond(each) for text, each in zip(texts, answers, strict=True) if each.look_ups
        )
        names = {name for each in answers for name in each.indexes_used}
        for name in names - self._by_name.keys():
            self.users_of_others.setdefault(name, set()).add(at)
        used = frozenset(self._by_name[name] for name in names if name in self._by_name)
        self._plans[at].add(Planned(present, used & present, cost, feared))

    def _beyond(self, answer: Answer) -> float:
        """What look-ups cost beyond what the planner takes them for."""
        return sum(self._prices.beyond(each) for each in answer.look_ups) if self._prices is not None else 0.0

    def known(self, at: int, present: Set) -> Planned | None:
        """What a statement costs under exactly these indexes; None: nobody asked, and it does not follow."""
        return self._plans[at].known(present & self.on_tables_of(at))

    def cost(self, at: int, present: Set) -> float:
        """What a statement costs under these indexes, at most: by the cheapest way known that they allow."""
        return self._plans[at].cheapest(present & self.on_tables_of(at))[0].cost

    def feared(self, at: int, present: Set) -> float:
        """What that way may really cost."""
        return self._plans[at].cheapest(present & self.on_tables_of(at))[0].feared

    def used(self, at: int, present: Set) -> Set:
        """The choices that the cheapest way known uses."""
        return self._plans[at].cheapest(present & self.on_tables_of(at))[1]

    def ways_of(self, at: int) -> Mapping[Set, float]:
        """Of every set of choices that a plan of a statement used, what the cheapest such plan costs."""
        return {used: costs.cost for used, costs in self._plans[at].ways.items()}

    def ways(self, at: int, scale: float) -> tuple[Way, ...]:
        """All ways known, each with the cost of all calls."""
        needs = sorted((len(used), tuple(sorted(used)), costs) for used, costs in self._plans[at].ways.items())
        return tuple(Way(cost=scale * costs.cost, needs=used, feared=scale * costs.feared) for _, used, costs in needs)

    @property
    def failed(self) -> frozenset[int]:
        """Statements that the planner refuses, by position."""
        return frozenset(self._failed)

    def sizes(self) -> Mapping[int, int]:
        """Bytes of each choice; 0 where not known."""
        return {item.number: item.size.size_bytes or 0 for item in self.items}
