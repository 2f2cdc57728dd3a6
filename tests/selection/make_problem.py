"""Problems of choice for tests: small random ones with every feature, and the best choice by trying all."""

from collections.abc import Iterator
from itertools import chain, combinations

import msgspec
from hypothesis import strategies as st

from pgadvisor.selection.problem import (
    IndexTerm,
    Problem,
    StatementWays,
    Updates,
    Way,
    cost_of,
    is_allowed,
)

MOST_INDEXES = 8


@st.composite
def problems(draw: st.DrawFn, most_indexes: int = MOST_INDEXES) -> Problem:
    """Any problem of few indexes; costs lie between one and a billion times the smallest."""
    count = draw(st.integers(0, most_indexes))
    unit = draw(st.sampled_from([1e-3, 1.0, 1e6]))
    return Problem(
        indexes=tuple(draw(_index(unit)) for _ in range(count)),
        statements=tuple(draw(st.lists(_statement(count, unit), max_size=5))),
        updates=tuple(draw(st.lists(_updates(count, unit), max_size=3))),
        budget_bytes=draw(st.none() | st.integers(0, 60).map(lambda pages: pages * 8192)),
        most_new=draw(st.none() | st.integers(0, 4)),
        one_of=tuple(draw(st.lists(_group(count), max_size=2))) if count else (),
    )


@st.composite
def side_by_side(draw: st.DrawFn, each: st.SearchStrategy[Problem]) -> Problem:
    """Two problems as one: they share the limits of the first, and nothing else."""
    one, other = draw(each), draw(each)
    count = len(one.indexes)
    return Problem(
        indexes=(*one.indexes, *other.indexes),
        statements=(*one.statements, *(_moved_ways(statement, count) for statement in other.statements)),
        updates=(*one.updates, *(_moved_updates(updates, count) for updates in other.updates)),
        budget_bytes=one.budget_bytes,
        most_new=one.most_new,
        one_of=(*one.one_of, *(tuple(at + count for at in group) for group in other.one_of)),
    )


def choices(problem: Problem) -> Iterator[frozenset[int]]:
    """Every set of indexes."""
    every = range(len(problem.indexes))
    return map(frozenset, chain.from_iterable(combinations(every, size) for size in range(len(every) + 1)))


def best_cost(problem: Problem) -> float | None:
    """What the best allowed choice costs; None where nothing is allowed."""
    return min((cost_of(problem, each) for each in choices(problem) if is_allowed(problem, each)), default=None)


def _moved_ways(statement: StatementWays, by: int) -> StatementWays:
    ways = tuple(msgspec.structs.replace(way, needs=tuple(at + by for at in way.needs)) for way in statement.ways)
    return StatementWays(ways=ways, most=statement.most)


def _moved_updates(updates: Updates, by: int) -> Updates:
    return Updates(
        broken_by=tuple(at + by for at in updates.broken_by),
        always_broken=updates.always_broken,
        lost=updates.lost,
        entries=tuple((at + by, cost) for at, cost in updates.entries),
    )


def _costs(unit: float) -> st.SearchStrategy[float]:
    small = st.integers(0, 40).map(lambda cost: cost / 4 * unit)
    return small | st.floats(0.001, 1000.0).map(lambda cost: cost * unit)


def _sets(count: int) -> st.SearchStrategy[tuple[int, ...]]:
    if not count:
        return st.just(())
    return st.sets(st.integers(0, count - 1), max_size=5).map(lambda found: tuple(sorted(found)))


def _group(count: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.sets(st.integers(0, count - 1), min_size=1, max_size=3).map(lambda found: tuple(sorted(found)))


@st.composite
def _index(draw: st.DrawFn, unit: float) -> IndexTerm:
    is_there = draw(st.booleans())
    return IndexTerm(
        size_bytes=0 if is_there else draw(st.integers(1, 30)) * 8192,
        upkeep=draw(st.just(0.0) | _costs(unit)),
        is_there=is_there,
        price=draw(st.sampled_from([0.0, 0.01 * unit])),
    )


@st.composite
def _statement(draw: st.DrawFn, count: int, unit: float) -> StatementWays:
    base = Way(cost=draw(st.floats(1.0, 1e6)) * unit)
    others = [_way(draw, count, unit) for _ in range(draw(st.integers(0, 8)))]
    most = draw(st.none() | st.floats(0.5, 1e6).map(lambda cost: cost * unit))
    return StatementWays(ways=(base, *others), most=most)


def _way(draw: st.DrawFn, count: int, unit: float) -> Way:
    """Some are feared to cost more than the planner says."""
    return Way(cost=draw(_costs(unit)), needs=draw(_sets(count)), feared=draw(st.none() | _costs(unit)))


@st.composite
def _updates(draw: st.DrawFn, count: int, unit: float) -> Updates:
    return Updates(
        broken_by=draw(_sets(count)),
        always_broken=draw(st.sampled_from([False, False, True])),
        lost=draw(_costs(unit)),
        entries=tuple((at, draw(_costs(unit))) for at in draw(_sets(count))),
    )
