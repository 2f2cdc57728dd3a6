"""Updates that write no index entries (HOT) as cases: which of them stay so, and which do not.

"An index costs its entries if another one breaks the updates" is a product of two choices, and a programme that says
so row by row has a poor bound: half an index and half a break cost nothing. So the updates of a table are told case by
case, which of them are broken; within a case each index costs what it costs (a disjunctive formulation: Balas, 1979).
"""

from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import inf

from pgadvisor.model.record import Record
from pgadvisor.selection.problem import Problem, Updates

MOST_CASES = 16
"""Of one group: each multiplies the ways of its statements. Updates for which there is no case are told row by row."""


class Case(Record):
    """Some updates of a group are broken, the others are not."""

    closed: frozenset[int] = frozenset()
    """The indexes that break an update which is not broken: none of them is there."""
    lost: float = 0.0
    """What the broken ones cost whatever is there."""
    entries: Mapping[int, float] = {}
    """By index: what the broken ones cost if it is there."""


class Group(Record):
    """Updates that share indexes, and so cannot be told apart: mostly those of one table."""

    indexes: frozenset[int]
    cases: tuple[Case, ...]


def grouped(
    problem: Problem, indexes: frozenset[int], *, to_save: float, slight: float
) -> tuple[tuple[Group, ...], tuple[Updates, ...]]:
    """The updates of a reduced problem in groups of cases, and those for which there are none, as far as indexes go.

    A case is left out that costs more than `to_save` beyond the least cost. Updates that cost no more than `slight`,
    all of them together, get none: so little is lost by their poor bound.
    """
    touched = [each for each in (_restricted(each, indexes) for each in problem.updates) if each.broken_by]
    touched.sort(key=lambda each: (_weight(each), each.broken_by))
    count = sum(total <= slight for total in accumulate(map(_weight, touched)))
    groups, rest = [], touched[:count]
    for members, updates in _linked(touched[count:]):
        cases, left = _cases(updates[::-1], _Floor(problem, members), to_save)
        groups.append(Group(indexes=members, cases=cases))
        rest += left
    return tuple(groups), tuple(rest)


class _Floor:
    """What the statements of a group cost at least, beyond their cheapest way, when some indexes are closed."""

    def __init__(self, problem: Problem, members: frozenset[int]) -> None:
        cheapest = ((each.ways, min(each.ways, key=lambda way: way.cost)) for each in problem.statements)
        self._ways = [(ways, least.cost) for ways, least in cheapest if members.intersection(least.needs)]

    def __call__(self, closed: frozenset[int]) -> float:
        dearer = 0.0
        for ways, least in self._ways:
            dearer += min((way.cost for way in ways if closed.isdisjoint(way.needs)), default=inf) - least
        return dearer


def _restricted(updates: Updates, indexes: frozenset[int]) -> Updates:
    """The updates as far as these indexes go."""
    return Updates(
        broken_by=tuple(at for at in updates.broken_by if at in indexes),
        lost=updates.lost,
        entries=tuple((at, cost) for at, cost in updates.entries if at in indexes),
    )


def _linked(updates: Iterable[Updates]) -> list[tuple[frozenset[int], list[Updates]]]:
    """Updates with their indexes; those that share an index together."""
    groups: list[tuple[frozenset[int], list[Updates]]] = []
    for each in updates:
        members, together = frozenset((*each.broken_by, *(at for at, _ in each.entries))), [each]
        apart = []
        for group in groups:
            if members.isdisjoint(group[0]):
                apart.append(group)
            else:
                members, together = members | group[0], [*group[1], *together]
        groups = [*apart, (members, together)]
    return groups


def _cases(updates: list[Updates], floor: _Floor, to_save: float) -> tuple[tuple[Case, ...], list[Updates]]:
    """The cases of the first of these updates, as many as there is room for, and the other updates."""
    cases = [Case()]
    for number, each in enumerate(updates):
        split = [half for case in cases for half in (_kept(case, each), _broken(case, each))]
        split = [case for case in split if case.lost + floor(case.closed) <= to_save]
        if len(split) > MOST_CASES:
            return tuple(cases), updates[number:]
        cases = split
    return tuple(cases), []


def _weight(updates: Updates) -> float:
    return updates.lost + sum(cost for _, cost in updates.entries)


def _kept(case: Case, updates: Updates) -> Case:
    return Case(closed=case.closed.union(updates.broken_by), lost=case.lost, entries=case.entries)


def _broken(case: Case, updates: Updates) -> Case:
    entries = dict(case.entries)
    for at, cost in updates.entries:
        entries[at] = entries.get(at, 0.0) + cost
    return Case(closed=case.closed, lost=case.lost + updates.lost, entries=entries)
