"""Whether an index that could be proposed is there already."""

from pgadvisor.candidates.candidate import Candidate, CandidateKey
from pgadvisor.candidates.uses import Use
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Index, Table
from pgadvisor.sql.canonical import canonical

Direction = tuple[bool, bool]

MANY_LOOK_UPS = 100.0
"""In one call: from so many on their visits to the table are felt."""


def is_there(facts: Facts, candidate: Candidate) -> bool:
    """Whether a valid index holds the same entries, or begins with the same keys and is a primary key."""
    table = facts.table(candidate.table)
    found = table.indexes if table else ()
    return any(index.is_valid and (_is_same(facts, index, candidate) or _leads(index, candidate)) for index in found)


def finds_one(table: Table, use: Use) -> bool:
    """Whether a unique index that is there finds the one row that the use's equalities ask for."""
    equal = {each.key.key for each in use.conditions if each.key and each.role == "equal" and not each.is_join}
    return any(equal.issuperset(index.columns) for index in _unique(table))


def _unique(table: Table) -> list[Index]:
    """The indexes of columns alone whose values are unique in all of the table."""
    return [
        index
        for index in table.indexes
        if index.is_unique and index.is_valid and not index.predicate and len(index.columns) == len(index.keys)
    ]


def is_spare_copy(table: Table, use: Use, candidate: Candidate) -> bool:
    """Whether it is a unique index that is there with more columns in it, to spare few visits to the table.

    They are spared only while all rows are visible to all, cost little where the page is in memory, and planners take
    a made-up index for cheaper than the one that is there.
    """
    equal = {each.key.key for each in use.conditions if each.key and each.role == "equal"}
    names = [key.key for key in candidate.keys]
    return use.look_ups < MANY_LOOK_UPS and any(
        equal.issuperset(index.columns) and set(names[: len(index.columns)]) == set(index.columns)
        for index in _unique(table)
    )


def _leads(index: Index, candidate: Candidate) -> bool:
    """Whether the candidate is nothing but the first columns of a primary key."""
    if candidate.included or candidate.predicate or candidate.method not in ("btree", "hash", "brin"):
        return False
    return index.is_primary and index.columns[: len(candidate.keys)] == tuple(key.key for key in candidate.keys)


def _is_same(facts: Facts, index: Index, candidate: Candidate) -> bool:
    keys = [
        (collated(name, key.collation), _class(key.operator_class))
        for name, key in zip(facts.index_keys(index), index.keys, strict=True)
    ]
    directions = [(key.is_descending, key.is_nulls_first) for key in index.keys]
    predicate = canonical(index.predicate) if index.predicate else None
    return (
        index.method == candidate.method
        and keys == [(key.key, _class(key.operator_class)) for key in candidate.keys]
        and (index.method != "btree" or same_directions(directions, candidate.keys))
        and set(index.included) == set(candidate.included)
        and predicate == (canonical(candidate.predicate) if candidate.predicate else None)
    )


def same_directions(directions: list[Direction], keys: tuple[CandidateKey, ...]) -> bool:
    """Whether entries in those directions, read forwards or backwards, come in the order of the keys."""
    own = [(key.is_descending, key.is_nulls_first) for key in keys]
    return directions in (own, [(not descending, not first) for descending, first in own])


def collated(key: str, collation: str | None) -> str:
    """`CandidateKey.key` of a key with that collation."""
    return key if collation is None else f'{key} COLLATE "{collation}"'


def _class(name: str | None) -> str | None:
    """One name for the pattern classes; the default class of jsonb by its name is the default one."""
    if name and name.endswith("_pattern_ops"):
        return "pattern_ops"
    return None if name == "jsonb_ops" else name
