"""Whether an index that could be proposed is there already."""

from pgadvisor.candidates.candidate import Candidate, CandidateKey
from pgadvisor.candidates.uses import Use
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Index, Table
from pgadvisor.sql.canonical import canonical

Direction = tuple[bool, bool]


def is_there(facts: Facts, candidate: Candidate) -> bool:
    """Whether a valid index holds the same entries, or begins with the same keys and is a primary key."""
    table = facts.table(candidate.table)
    found = table.indexes if table else ()
    return any(index.is_valid and (_is_same(facts, index, candidate) or _leads(index, candidate)) for index in found)


def finds_one(table: Table, use: Use) -> bool:
    """Whether a unique index that is there finds the one row that the use's equalities ask for."""
    equal = {each.key.key for each in use.conditions if each.key and each.role == "equal" and not each.is_join}
    return any(
        index.is_unique
        and index.is_valid
        and not index.predicate
        and len(index.columns) == len(index.keys)
        and equal.issuperset(index.columns)
        for index in table.indexes
    )


def _leads(index: Index, candidate: Candidate) -> bool:
    """Whether the candidate is nothing but the first columns of a primary key."""
    if candidate.included or candidate.predicate or candidate.method not in ("btree", "hash", "brin"):
        return False
    return index.is_primary and index.columns[: len(candidate.keys)] == tuple(key.key for key in candidate.keys)


def _is_same(facts: Facts, index: Index, candidate: Candidate) -> bool:
    keys = [(name, _class(key.operator_class)) for name, key in zip(facts.index_keys(index), index.keys, strict=True)]
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


def _class(name: str | None) -> str | None:
    """One name for the pattern classes; the default class of jsonb by its name is the default one."""
    if name and name.endswith("_pattern_ops"):
        return "pattern_ops"
    return None if name == "jsonb_ops" else name
