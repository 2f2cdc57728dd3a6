"""Which parts of a table an index for a use could be limited to."""

from itertools import chain
from math import prod

from pgadvisor.candidates.conditions import Condition
from pgadvisor.candidates.uses import Use
from pgadvisor.model.record import Record

HALF = 0.5
"""A part smaller than this is worth an index for its size alone."""
NEARLY_ALL = 0.98
"""A part that is hardly smaller than the table makes sense only where all queries ask for it anyway."""
MOST_PARTS = 4


class Part(Record):
    """The rows that a partial index holds."""

    predicate: str | None = None
    columns: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    settled: frozenset[str] = frozenset()
    """Columns that have one value in it, so that they need not be keys."""
    share: float = 1.0


EVERYTHING = Part()


def parts_of(use: Use) -> list[Part]:
    """The whole table, and the parts that the constants of the query's text allow."""
    fixed = [each for each in use.conditions if each.fixed and each.share <= NEARLY_ALL]
    flags = [each for each in fixed if each.is_flag]
    values = [each for each in fixed if not each.is_flag]
    few = sorted((each for each in fixed if each.share <= HALF), key=lambda each: each.share)
    sets = [flags, [*flags, *values], fixed, *([each] for each in chain(few, flags, values))]
    parts = {part.predicate: part for each in sets if each and _is_worth(part := part_of(each), use)}
    return [EVERYTHING, *list(parts.values())[:MOST_PARTS]]


def part_of(conditions: list[Condition]) -> Part:
    """The rows that fulfil all of these conditions."""
    spelled = sorted({each.fixed for each in conditions if each.fixed})
    only = [each for each in conditions if each.role in ("equal", "null")]
    return Part(
        predicate=" AND ".join(spelled),
        columns=tuple(sorted({name for each in conditions for name in each.columns})),
        conditions=tuple(conditions),
        settled=frozenset(name for each in only for name in each.columns),
        share=prod(each.share for each in conditions),
    )


def _is_worth(part: Part, use: Use) -> bool:
    """Whether it is small, or spares keys between the equalities and an order, or columns of an index-only scan."""
    if part.share <= HALF or use.orders:
        return True
    return use.read is not None and not use.shown.issuperset(part.columns)
