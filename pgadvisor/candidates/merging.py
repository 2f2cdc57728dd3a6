"""Indexes made of others: merged, cut to their first keys; and which does another's work."""

from msgspec.structs import replace

from pgadvisor.candidates.btree import MOST_KEYS
from pgadvisor.candidates.candidate import Candidate, CandidateKey
from pgadvisor.candidates.existing import same_directions


def merged(one: Candidate, other: Candidate) -> Candidate | None:
    """One index for the work of both: the keys of one, then the rest of the other's; None: they do not go together.

    Index merging of Chaudhuri and Narasayya (ICDE 1999): the order matters, so `merged(other, one)` is another index.
    """
    is_alike = (one.table, one.method, one.predicate) == (other.table, other.method, other.predicate)
    if not is_alike or one.method not in ("btree", "gin") or is_covered(one, other) or is_covered(other, one):
        return None
    names = {_name(key) for key in one.keys}
    keys = (*one.keys, *(key for key in other.keys if _name(key) not in names))
    if len(keys) > MOST_KEYS:
        return None
    bare = {key.key for key in keys if key.is_column}
    united = dict.fromkeys((*one.included, *other.included))
    return replace(
        one,
        keys=keys,
        included=tuple(name for name in united if name not in bare),
        extension=one.extension or other.extension,
    )


def prefixes(candidate: Candidate) -> tuple[Candidate, ...]:
    """The indexes on its first keys alone, the longest first; INCLUDE goes with the last key."""
    counts = range(len(candidate.keys) - 1, 0, -1)
    return tuple(replace(candidate, keys=candidate.keys[:count], included=()) for count in counts)


def is_covered(candidate: Candidate, by: Candidate) -> bool:
    """Whether another index does all that the candidate would: finds the same rows, in the same order, as alone."""
    if (candidate.table, candidate.predicate) != (by.table, by.predicate):
        return False
    if candidate.method == "hash" and by.method == "btree":
        return _name(candidate.keys[0]) == _name(by.keys[0])
    if candidate.method != by.method:
        return False
    if candidate.method in ("gin", "brin"):
        return all(any(_serves(wide, key) for wide in by.keys) for key in candidate.keys)
    first = by.keys[: len(candidate.keys)]
    if [_name(key) for key in first] != [_name(key) for key in candidate.keys]:
        return False
    own = [(key.is_descending, key.is_nulls_first) for key in candidate.keys]
    held = {*by.included, *(key.key for key in by.keys if key.is_column)}
    return same_directions(own, first) and held.issuperset(candidate.included)


def _name(key: CandidateKey) -> tuple[str, str | None]:
    return key.key, key.operator_class


def _serves(wide: CandidateKey, key: CandidateKey) -> bool:
    """Whether a key of a GIN index does another's work: jsonb's default class knows all operators of the other one."""
    is_path = key.operator_class == "jsonb_path_ops" and wide.operator_class is None
    return wide.key == key.key and (wide.operator_class == key.operator_class or is_path)
