"""A problem of choice made smaller before it is solved: every allowed choice costs what it cost."""

from collections.abc import Iterable
from itertools import combinations
from math import inf

import msgspec

from pgadvisor.selection.problem import IndexTerm, Problem, StatementWays, Updates, Way

MANY_NEEDS = 4
"""A way with more is compared with the other ways one by one: it has more subsets than a statement has ways."""


def today(problem: Problem) -> frozenset[int]:
    """The indexes that exist."""
    return frozenset(at for at, each in enumerate(problem.indexes) if each.is_there)


def relaxed(problem: Problem) -> Problem:
    """The same, but where today's indexes break the limit of a statement, today's cost is its limit."""
    there = today(problem)
    statements = tuple(
        each if each.most is None else msgspec.structs.replace(each, most=max(each.most, each.taken(there).most))
        for each in problem.statements
    )
    return msgspec.structs.replace(problem, statements=statements)


def reduced(problem: Problem) -> Problem:
    """The same, relaxed, with fewer ways, cheapest first.

    Gone are ways that no allowed choice offers, and those that another way dominates: it needs no more and is no
    dearer. Those that are feared to cost more than the statement may cost `inf` in their places, and `most` is gone;
    the last such ones are gone as well, so that a statement may be left without a way that needs nothing. What updates
    cost whatever else is there is in the upkeep of each index.
    """
    statements = [StatementWays(ways=_undominated(problem, each)) for each in relaxed(problem).statements]
    statements += [StatementWays(ways=(Way(cost=each.lost),)) for each in problem.updates if each.always_broken]
    return msgspec.structs.replace(
        problem,
        indexes=_with_sure_entries(problem),
        statements=tuple(statements),
        updates=_merged(each for each in problem.updates if each.broken_by and not each.always_broken),
    )


def within(problem: Problem, spare: float) -> Problem:
    """A reduced problem without the ways that cost more than the cheapest of their statement by more than `spare`."""
    statements = (
        StatementWays(ways=tuple(way for way in each.ways if way.cost <= least_way(each) + spare or way.cost == inf))
        for each in problem.statements
    )
    return msgspec.structs.replace(problem, statements=tuple(statements))


def least_way(statement: StatementWays) -> float:
    """What the cheapest of its ways costs."""
    return min(way.cost for way in statement.ways)


def least_cost(problem: Problem) -> float:
    """No choice of a reduced problem costs less: every statement goes its cheapest way, each index is for nothing."""
    reads = sum(least_way(each) for each in problem.statements)
    return reads + sum(min(cost_with(each), cost_without(each)) for each in problem.indexes)


def cost_with(index: IndexTerm) -> float:
    """What an index costs where it is, apart from updates."""
    return index.upkeep + (0.0 if index.is_there else index.price)


def cost_without(index: IndexTerm) -> float:
    """What an index costs where it is not: the price of dropping it."""
    return index.price if index.is_there else 0.0


def useful(problem: Problem) -> frozenset[int]:
    """The indexes of a reduced problem that a good choice may hold: those that exist, or that something needs."""
    needed = {at for each in problem.statements for way in each.ways if way.cost < inf for at in way.needs}
    return today(problem) | needed | {at for group in problem.one_of for at in group}


def _is_offered(problem: Problem, way: Way) -> bool:
    """Whether an allowed choice can hold all that a way needs."""
    new = [at for at in way.needs if not problem.indexes[at].is_there]
    if problem.budget_bytes is not None and sum(problem.indexes[at].size_bytes for at in new) > problem.budget_bytes:
        return False
    return problem.most_new is None or len(new) <= problem.most_new


def _undominated(problem: Problem, statement: StatementWays) -> tuple[Way, ...]:
    kept: dict[tuple[int, ...], Way] = {}
    for way in sorted(statement.ways, key=lambda way: way.rank):
        if _is_offered(problem, way) and not _is_dominated(way, kept):
            kept[way.needs] = way
            if not way.needs:
                break
    return _closed(tuple(kept.values()), inf if statement.most is None else statement.most)


def _closed(ways: tuple[Way, ...], most: float) -> tuple[Way, ...]:
    """Ways that are feared to cost more are not to be gone; those that follow are not gone while these are open."""
    found = [way if way.most <= most else msgspec.structs.replace(way, cost=inf) for way in ways]
    while found and found[-1].cost == inf:
        found.pop()
    return tuple(found)


def _is_dominated(way: Way, cheaper: dict[tuple[int, ...], Way]) -> bool:
    if len(way.needs) > MANY_NEEDS:
        needs = frozenset(way.needs)
        return any(needs.issuperset(other) for other in cheaper)
    return any(some in cheaper for size in range(len(way.needs) + 1) for some in combinations(way.needs, size))


def _with_sure_entries(problem: Problem) -> tuple[IndexTerm, ...]:
    """The indexes, with the entries that updates make in them whatever other indexes are there."""
    upkeep = [each.upkeep for each in problem.indexes]
    for each in problem.updates:
        for at, cost in each.entries:
            if each.always_broken or at in each.broken_by:
                upkeep[at] += cost
    pairs = zip(problem.indexes, upkeep, strict=True)
    return tuple(msgspec.structs.replace(each, upkeep=cost) for each, cost in pairs)


def _merged(updates: Iterable[Updates]) -> tuple[Updates, ...]:
    """Updates that the same indexes break, as one, without the entries in those."""
    alike: dict[tuple[int, ...], list[Updates]] = {}
    for each in updates:
        alike.setdefault(tuple(sorted(set(each.broken_by))), []).append(each)
    merged = []
    for broken_by, group in alike.items():
        entries: dict[int, float] = {}
        for at, cost in (entry for each in group for entry in each.entries if entry[0] not in broken_by):
            entries[at] = entries.get(at, 0.0) + cost
        lost = sum(each.lost for each in group)
        merged.append(Updates(broken_by=broken_by, lost=lost, entries=tuple(sorted(entries.items()))))
    return tuple(merged)
