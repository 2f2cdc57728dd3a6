"""Candidates around one that was chosen: one step away in keys, order, INCLUDE, predicate or kind."""

from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from pgadvisor.candidates.btree import MOST_KEYS, covering, narrow
from pgadvisor.candidates.candidate import Candidate, CandidateKey
from pgadvisor.candidates.existing import is_spare_copy, is_there
from pgadvisor.candidates.expressions import column_key
from pgadvisor.candidates.included import included
from pgadvisor.candidates.merging import prefixes
from pgadvisor.candidates.partial import EVERYTHING, Part, part_of, parts_of
from pgadvisor.candidates.special import brins, specials
from pgadvisor.candidates.uses import Use, uses_of
from pgadvisor.facts import Facts
from pgadvisor.sql.query import Query

MOST = 40


def neighbours(facts: Facts, candidate: Candidate, queries: Iterable[Query]) -> tuple[Candidate, ...]:
    """What is near the candidate and may serve one of the queries as well or better, or at less size."""
    uses = [use for query in queries for use in uses_of(facts, query) if use.table.qualified == candidate.table]
    near = [use for use in uses if _is_served(use, candidate)]
    steps = (_without_settled(each, near) for each in _around(facts, candidate, near))
    found = (
        each
        for each in dict.fromkeys(steps)
        if each != candidate
        and not is_there(facts, each)
        and not (near and all(is_spare_copy(use.table, use, each) for use in near))
    )
    return tuple(islice(found, MOST))


def _is_served(use: Use, candidate: Candidate) -> bool:
    """Whether the use could be led into the index: by its first key, or by its predicate."""
    names = {each.key.key for each in use.conditions if each.key} | {key.key for order in use.orders for key in order}
    return candidate.keys[0].key in names or any(each.fixed in _conjuncts(candidate) for each in use.conditions)


def _conjuncts(candidate: Candidate) -> tuple[str | None, ...]:
    return tuple(candidate.predicate.split(" AND ")) if candidate.predicate else ()


def _without_settled(candidate: Candidate, near: list[Use]) -> Candidate:
    """Without the keys that the index's own WHERE gives one value."""
    said = _conjuncts(candidate)
    settled = part_of([each for use in near for each in use.conditions if each.fixed in said]).settled
    keys = tuple(key for key in candidate.keys if key.key not in settled)
    return replace(candidate, keys=keys or candidate.keys[:1])


def _around(facts: Facts, candidate: Candidate, near: list[Use]) -> Iterator[Candidate]:
    yield from _kinds(facts, candidate, near)
    if candidate.included:
        yield replace(candidate, included=())
    if candidate.predicate:
        yield replace(candidate, predicate=None, predicate_columns=())
    if candidate.method != "btree":
        yield from _parted(candidate, near)
        return
    yield from (each for use in near if (each := covering(use, _bare(candidate), _part(candidate, use))))
    yield from _parted(candidate, near)
    yield from prefixes(_bare(candidate))[:2]
    yield from _longer(candidate, near)
    yield from _turned(candidate, near)
    yield from _swapped(candidate)
    yield from _moved(near, candidate)


def _bare(candidate: Candidate) -> Candidate:
    return replace(candidate, included=())


def _kinds(facts: Facts, candidate: Candidate, near: list[Use]) -> Iterator[Candidate]:
    """Of another access method or operator class over the same column."""
    columns = {name for key in candidate.keys for name in key.columns}
    for use in near:
        for each in (*specials(facts, use), *brins(facts, use)):
            if columns.intersection(name for key in each.keys for name in key.columns):
                yield each
        if candidate.method != "btree":
            keys = tuple(each.key for each in use.conditions if each.key and columns.intersection(each.columns))
            roles = {each.role for each in use.conditions if each.key in keys}
            is_narrow = narrow(use.table, keys[:1]) == keys[:1]
            if keys and is_narrow and roles <= {"equal", "several", "range", "null"}:
                yield replace(candidate, method="btree", keys=keys[:1], extension=None)


def _parted(candidate: Candidate, near: list[Use]) -> Iterator[Candidate]:
    """Over a part of the rows, or another part; without the keys that have one value in it."""
    for use in near:
        for part in parts_of(use)[1:]:
            keys = tuple(key for key in candidate.keys if key.key not in part.settled) or candidate.keys
            made = replace(candidate, keys=keys, predicate=part.predicate, predicate_columns=part.columns)
            left = tuple(name for name in candidate.included if name not in part.settled or name in use.shown)
            yield replace(made, included=left)


def _part(candidate: Candidate, use: Use) -> Part:
    return next((part for part in parts_of(use) if part.predicate == candidate.predicate), EVERYTHING)


def _longer(candidate: Candidate, near: list[Use]) -> Iterator[Candidate]:
    """With one key more, of those that the queries compare or sort by."""
    if len(candidate.keys) >= MOST_KEYS:
        return
    names = {key.key for key in candidate.keys}
    offered: dict[CandidateKey, None] = {}
    for use in near:
        fitting = (each.key for each in use.conditions if each.key and each.role not in ("pattern", "contains"))
        offered.update(dict.fromkeys([*fitting, *(key for order in use.orders for key in order)]))
    for key in offered:
        keys = (*candidate.keys, key)
        if key.key not in names and near and narrow(near[0].table, keys) == keys:
            left = tuple(name for name in candidate.included if name != key.key)
            yield replace(candidate, keys=keys, included=left)


def _turned(candidate: Candidate, near: list[Use]) -> Iterator[Candidate]:
    """With the directions that an ORDER BY asks for."""
    for use in near:
        for order in use.orders:
            asked = {key.key: key for key in order}
            yield replace(candidate, keys=tuple(asked.get(key.key, key) for key in candidate.keys))


def _swapped(candidate: Candidate) -> Iterator[Candidate]:
    """With two keys that stand together in the other order."""
    keys = candidate.keys
    for at in range(len(keys) - 1):
        yield replace(candidate, keys=(*keys[:at], keys[at + 1], keys[at], *keys[at + 2 :]))


def _moved(near: list[Use], candidate: Candidate) -> Iterator[Candidate]:
    """What is included as keys: equal keys are then stored once."""
    if not near or not candidate.included or len(candidate.keys) + len(candidate.included) > MOST_KEYS:
        return
    columns = [column for name in candidate.included if (column := near[0].table.column(name))]
    if included(near[0].table, _bare(candidate), frozenset(candidate.included)):
        keys = tuple(column_key(column) for column in columns)
        yield replace(_bare(candidate), keys=(*candidate.keys, *keys))
