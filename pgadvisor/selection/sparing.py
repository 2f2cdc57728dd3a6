"""Indexes of today that stay after all: what takes their place rests on estimates that the next ANALYZE changes."""

from collections.abc import Sequence

from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Index
from pgadvisor.selection.effects import Effects
from pgadvisor.selection.existing import UNUSED_DAYS, as_index, counted_days, does_work_of
from pgadvisor.selection.matrix import NO_INDEX, Matrix, Set

WORTH_A_RISK = 0.05
"""What writes must gain by the drop of an index that is used, as a share of what it saves today, and of what the
statements that use it cost. ANALYZE looks at a sample: with the next one, the rows that `tags @> …` finds were taken
for a hundred times more or fewer."""

HALF = 0.5
"""Of a statement's cost: an index that leaves less of it, alone, serves the statement."""


def spared(facts: Facts, matrix: Matrix, effects: Effects, chosen: Set) -> Set:
    """The choice with those existing indexes that are used today, that no other surely replaces, and whose drop saves
    little beside what they are worth. Every statement is planned under today's indexes and under the choice."""
    for number in sorted(matrix.today - chosen):
        users = _users(facts, matrix, effects, number)
        if users and not _is_replaced(facts, matrix, number, chosen, users):
            effects.plan_changes([(matrix.today - {number}, matrix.today), (chosen, chosen | {number})])
            worth = effects.saved(matrix.today - {number}, matrix.today)
            alone = sum(effects.cost(at, NO_INDEX) for at in users) if _is_wild(matrix, number) else 0.0
            read = sum(effects.cost(at, matrix.today) for at in users)
            gain = effects.saved(chosen | {number}, chosen)
            chosen = chosen | {number} if gain < WORTH_A_RISK * max(worth, read, alone) else chosen
    return chosen


def _is_wild(matrix: Matrix, number: int) -> bool:
    """Whether it serves what no statistics tell of: containment and patterns are tried on the sample's values."""
    index = matrix.items[number].index
    return index is not None and index.method in ("gin", "gist")


def _users(facts: Facts, matrix: Matrix, effects: Effects, number: int) -> list[int]:
    """The statements that use an index today; where estimates are wild and no counters say otherwise, those that would
    if it were the only one."""
    reading = matrix.reading(matrix.tables_of([number]))
    users = [at for at in reading if number in matrix.used(at, matrix.today)]
    index, days = matrix.items[number].index, counted_days(facts)
    is_proved = index is not None and index.scans == 0 and days is not None and days >= UNUSED_DAYS
    if users or is_proved or not _is_wild(matrix, number):
        return users
    effects.plan_changes([(NO_INDEX, frozenset({number}))])
    return [at for at in reading if matrix.cost(at, frozenset({number})) < HALF * matrix.cost(at, NO_INDEX)]


def _is_replaced(facts: Facts, matrix: Matrix, number: int, chosen: Set, users: Sequence[int]) -> bool:
    """Whether others do its work: one does all of it, or each statement that used it reads by an index that speaks of
    its first key, and so rests on the same estimate."""
    own = _shape(matrix, number)
    others = {each: _shape(matrix, each) for each in chosen if matrix.items[each].table == matrix.items[number].table}
    if any(does_work_of(facts, each, own) for each in others.values()):
        return True
    first = facts.index_keys(own)[:1]
    heirs = {each for each, shape in others.items() if set(first) <= _rests_on(facts, matrix, each, shape)}
    return all(heirs & matrix.used(at, chosen) for at in users)


def _rests_on(facts: Facts, matrix: Matrix, number: int, shape: Index) -> frozenset[str]:
    candidate = matrix.items[number].candidate
    return frozenset((*facts.index_keys(shape), *(candidate.predicate_columns if candidate else ())))


def _shape(matrix: Matrix, number: int) -> Index:
    item = matrix.items[number]
    if item.index is not None:
        return item.index
    assert item.candidate is not None
    return as_index(item.candidate)
