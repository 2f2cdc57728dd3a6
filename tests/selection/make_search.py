"""Small workloads for the whole search, and the best choice by trying all."""

from itertools import chain, combinations
from typing import NamedTuple

from hypothesis import strategies as st

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.model.catalog import Index, IndexKey
from pgadvisor.selection.matrix import Matrix
from pgadvisor.selection.problem import Choice, IndexTerm, Problem, StatementWays
from pgadvisor.selection.search import Search
from tests.selection.make_planner import Access, Costs, Join, Keys, TablePlanner, weighed
from tests.selection.make_writes import candidate

TABLES = ("public.t", "public.u")
KEYS: tuple[Keys, ...] = (("a",), ("b",), ("a", "b"), ("b", "a"), ("c",))
THERE = ("public.t", ("a",))
MOST_WORSE = 0.1


class Instance(NamedTuple):
    """A workload with all that is known of it."""

    costs: dict[str, Costs]
    calls: dict[str, float]
    candidates: tuple[tuple[str, Keys], ...]
    sizes: dict[tuple[str, Keys], int]
    upkeep: dict[tuple[str, Keys], float]
    has_index: bool
    """Whether `THERE` exists."""
    budget: int | None
    most_new: int | None

    @property
    def planner(self) -> TablePlanner:
        return TablePlanner(self.costs, {"public.there": THERE} if self.has_index else {}, self.sizes)


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Any workload of a few statements over two tables."""
    candidates = draw(st.sets(st.sampled_from([(table, keys) for table in TABLES for keys in KEYS]), max_size=6))
    has_index = draw(st.booleans())
    offered = sorted(candidates - ({THERE} if has_index else set()))
    texts = [f"statement {number}" for number in range(draw(st.integers(1, 4)))]
    indexes = [*offered, THERE]
    return Instance(
        costs={text: draw(_costs(indexes)) for text in texts},
        calls={text: draw(st.sampled_from([0.5, 1.0, 10.0, 1000.0])) for text in texts},
        candidates=tuple(offered),
        sizes={each: draw(st.integers(1, 20)) * 8192 for each in indexes},
        upkeep={each: draw(st.sampled_from([0.0, 1.0, 40.0, 2000.0])) for each in indexes},
        has_index=has_index,
        budget=draw(st.none() | st.integers(0, 40).map(lambda pages: pages * 8192)),
        most_new=draw(st.none() | st.integers(0, 3)),
    )


@st.composite
def _costs(draw: st.DrawFn, indexes: list[tuple[str, Keys]]) -> Costs:
    tables = draw(st.sampled_from([TABLES, TABLES[:1], TABLES[1:]]))
    return Costs(
        tables={table: draw(_access([keys for on, keys in indexes if on == table])) for table in tables},
        joins=tuple(draw(st.lists(_join(indexes), max_size=2))) if len(tables) > 1 else (),
    )


@st.composite
def _access(draw: st.DrawFn, offered: list[Keys]) -> Access:
    whole = draw(st.integers(50, 500))
    helping = draw(st.lists(st.sampled_from(offered), max_size=3)) if offered else []
    return {(): float(whole), **{keys: float(draw(st.integers(1, whole))) for keys in helping}}


@st.composite
def _join(draw: st.DrawFn, indexes: list[tuple[str, Keys]]) -> Join:
    """A nested loop: one index on each side."""
    each_side = [[each for each in indexes if each[0] == table] or [(table, ("none",))] for table in TABLES]
    return frozenset(draw(st.sampled_from(side)) for side in each_side), float(draw(st.integers(1, 60)))


class Searched(NamedTuple):
    """A search that is over."""

    matrix: Matrix
    search: Search
    choices: dict[int | None, Choice]


def searched(instance: Instance, *budgets: int | None, left_s: float = 60.0) -> Searched:
    """The choice for each budget; every candidate is thought of for every statement on its table."""
    statements = [
        weighed(text, *sorted(costs.tables), calls=instance.calls[text]) for text, costs in instance.costs.items()
    ]
    matrix = Matrix(instance.planner, statements)
    if instance.has_index:
        matrix.add_existing(THERE[0], Index(schema="public", name="there", definition="CREATE INDEX there ON t (a)",
                                            keys=(IndexKey(text="a", column="a"),), size_bytes=8192))  # fmt: skip
    matrix.explore((at, matrix.today) for at in range(len(statements)))

    def problem(ways: tuple[StatementWays, ...], budget: int | None) -> Problem:
        terms = [
            IndexTerm(
                size_bytes=0 if item.is_there else item.size.size_bytes or 0,
                upkeep=instance.upkeep[THERE if item.candidate is None else shape(item.candidate)],
                is_there=item.is_there,
            )
            for item in matrix.items
        ]
        return Problem(indexes=tuple(terms), statements=ways, budget_bytes=budget, most_new=instance.most_new)

    found = Search(
        matrix,
        list(instance.calls.values()),
        problem,
        {at: [made(each) for each in instance.candidates if each[0] in one.tables]
         for at, one in enumerate(statements)},
        lambda _: (),
        most_worse=MOST_WORSE,
        least_fall=0.0,
        least_units=0.0,
        least_units_served=0.0,
        left_s=lambda: left_s,
    )  # fmt: skip
    return Searched(matrix, found, found.along(budgets or (instance.budget,), (budgets or (instance.budget,))[0]))


def made(index: tuple[str, Keys]) -> Candidate:
    """The candidate of that shape."""
    return candidate(index[0].partition(".")[2], *index[1])


def shape(found: Candidate) -> tuple[str, Keys]:
    """Table and keys of a candidate."""
    return found.table, tuple(key.key for key in found.keys)


def true_cost(instance: Instance, chosen: frozenset[tuple[str, Keys]]) -> float:
    """The objective of a choice, by the planner's own word."""
    present = {f"public.{number}": each for number, each in enumerate(sorted(chosen))}
    planner = instance.planner
    reads = sum(calls * planner.cost(text, present)[0] for text, calls in instance.calls.items())
    return reads + sum(instance.upkeep[each] for each in chosen)


def is_allowed(instance: Instance, chosen: frozenset[tuple[str, Keys]], budget: int | None) -> bool:
    """Whether a choice keeps every limit."""
    today = frozenset({THERE} if instance.has_index else ())
    new = chosen - today
    planner, present = instance.planner, {f"public.{number}": each for number, each in enumerate(sorted(chosen))}
    there = {"public.there": THERE} if today else {}
    return (
        (budget is None or sum(instance.sizes[each] for each in new) <= budget)
        and (instance.most_new is None or len(new) <= instance.most_new)
        and all(
            planner.cost(text, present)[0] <= planner.cost(text, there)[0] * (1.0 + MOST_WORSE) + 1e-9
            for text in instance.costs
        )
    )


def best_cost(instance: Instance, budget: int | None) -> float:
    """What the best allowed choice costs, by trying all."""
    indexes = [*instance.candidates, *([THERE] if instance.has_index else [])]
    every = chain.from_iterable(combinations(indexes, size) for size in range(len(indexes) + 1))
    return min(true_cost(instance, each) for each in map(frozenset, every) if is_allowed(instance, each, budget))
