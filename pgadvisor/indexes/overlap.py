"""Which index does another's work: equal indexes, and indexes that are the beginning of another."""

from pgadvisor.facts import Facts
from pgadvisor.indexes.wanted import WantedIndex
from pgadvisor.model.catalog import Index
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.identifiers import quoted

Spelled = tuple[str, str | None, str | None]


def is_same(facts: Facts, one: Index, other: Index) -> bool:
    """Whether both hold the same entries in the same order; uniqueness aside."""
    return (
        one.method == other.method
        and _keys(facts, one) == _keys(facts, other)
        and _directions(one) == _directions(other)
        and set(one.included) == set(other.included)
        and _predicate(one) == _predicate(other)
    )


def is_covered(facts: Facts, narrow: Index, wide: Index) -> bool:
    """Whether every look-up and every order that the narrow B-tree serves, the wide one serves too.

    A unique index serves more than look-ups, so only an equal unique one covers it.
    """
    if narrow.method != "btree" or wide.method != "btree" or _predicate(narrow) != _predicate(wide):
        return False
    keys, more = _keys(facts, narrow), _keys(facts, wide)
    if more[: len(keys)] != keys or not _same_order(_directions(narrow), _directions(wide)[: len(keys)]):
        return False
    if narrow.is_unique and not (wide.is_unique and len(more) == len(keys) and _nulls(narrow) == _nulls(wide)):
        return False
    return set(narrow.included) <= {*wide.included, *wide.columns}


def serving_index(facts: Facts, wanted: WantedIndex, implied: frozenset[str] = frozenset()) -> Index | None:
    """A valid index that already does what the wanted one would.

    `implied`: canonical predicates that the query fulfils, so that a partial index with one of them counts.
    """
    table = facts.table(wanted.table)
    found = table.indexes if table else ()
    return next((index for index in found if index.is_valid and _serves(facts, index, wanted, implied)), None)


def beginnings(facts: Facts, wanted: WantedIndex) -> tuple[Index, ...]:
    """Existing plain indexes that the wanted one would make redundant: its first keys, and nothing else."""
    table = facts.table(wanted.table)
    if table is None or wanted.method != "btree" or wanted.predicate:
        return ()
    names = tuple((key.key, _class(key.operator_class), None) for key in wanted.keys)
    order = tuple((key.is_descending, key.is_nulls_first) for key in wanted.keys)
    return tuple(
        index
        for index in table.indexes
        if index.method == "btree"
        and not (index.is_unique or index.constraint or index.is_replica_identity or index.is_clustered)
        and not (index.predicate or index.included or index.partition_of)
        and 0 < len(index.keys) <= len(names)
        and names[: len(index.keys)] == _keys(facts, index)
        and _same_order(_directions(index), order[: len(index.keys)])
    )


def _serves(facts: Facts, index: Index, wanted: WantedIndex, implied: frozenset[str]) -> bool:
    predicate = _predicate(index)
    is_same_part = predicate == (canonical(wanted.predicate) if wanted.predicate else None)
    if not is_same_part and ((predicate and predicate not in implied) or _says_it_all(wanted)):
        return False
    if wanted.method != "btree":
        return index.method in ("gin", "gist") and any(
            key.key == name and _is_class_enough(index.keys[at].operator_class, key.operator_class)
            for key in wanted.keys
            for at, name in enumerate(facts.index_keys(index))
        )
    if index.method == "hash":
        return bool(wanted.keys) and not wanted.tail and facts.index_keys(index) == (wanted.keys[0].key,)
    return index.method == "btree" and (_leads(facts, index, wanted) or _finds_one(facts, index, wanted))


def _says_it_all(wanted: WantedIndex) -> bool:
    """Whether the wanted index finds its rows by its predicate alone: one of all rows would not do."""
    return wanted.predicate is not None and not wanted.equalities


def _leads(facts: Facts, index: Index, wanted: WantedIndex) -> bool:
    """Whether its first keys are the wanted equalities in any order, and then the wanted tail."""
    keys, count = _keys(facts, index), wanted.equalities
    equal = {(key.key, _class(key.operator_class)) for key in wanted.keys[:count]}
    if {(name, operator_class) for name, operator_class, _ in keys[:count]} != equal:
        return False
    tail = tuple((key.key, _class(key.operator_class)) for key in wanted.tail)
    there = tuple((name, operator_class) for name, operator_class, _ in keys[count : count + len(tail)])
    order = tuple((key.is_descending, key.is_nulls_first) for key in wanted.tail)
    return there == tail and _same_order(order, _directions(index)[count : count + len(tail)])


def _finds_one(facts: Facts, index: Index, wanted: WantedIndex) -> bool:
    """Whether it is unique on some of the equalities: a look-up in it finds one row at most."""
    equal = {key.key for key in wanted.keys[: wanted.equalities]}
    return index.is_unique and not index.predicate and equal.issuperset(facts.index_keys(index))


def _is_class_enough(there: str | None, wanted: str | None) -> bool:
    """`jsonb_ops`, the default, serves all that `jsonb_path_ops` does; trigram classes of GIN and GiST are alike."""
    if wanted == "jsonb_path_ops":
        return there in (None, "jsonb_ops", "jsonb_path_ops")
    if wanted == "gin_trgm_ops":
        return there in ("gin_trgm_ops", "gist_trgm_ops")
    return there == wanted


def _keys(facts: Facts, index: Index) -> tuple[Spelled, ...]:
    names = facts.index_keys(index)
    return tuple((name, _class(key.operator_class), key.collation) for name, key in zip(names, index.keys, strict=True))


def _class(name: str | None) -> str | None:
    """One name for the pattern classes of text, varchar and char: each column has but one of them."""
    return "pattern_ops" if name and name.endswith("_pattern_ops") else name


def _directions(index: Index) -> tuple[tuple[bool, bool], ...]:
    return tuple((key.is_descending, key.is_nulls_first) for key in index.keys)


def _same_order(one: tuple[tuple[bool, bool], ...], other: tuple[tuple[bool, bool], ...]) -> bool:
    """Whether an index in one order can be read in the other, forwards or backwards."""
    return one in (other, tuple((not descending, not first) for descending, first in other))


def _predicate(index: Index) -> str | None:
    return canonical(index.predicate) if index.predicate else None


def _nulls(index: Index) -> bool:
    return "NULLS NOT DISTINCT" in index.definition


def is_free_to_go(index: Index) -> bool:
    """Whether nothing but queries depends on it: no constraint, replica identity, clustering or parent index."""
    return not (
        index.constraint
        or index.is_primary
        or index.is_exclusion
        or index.is_replica_identity
        or index.is_clustered
        or index.partition_of
    )


def supports_foreign_key(index: Index, columns: tuple[str, ...]) -> bool:
    """Whether the check of a foreign key on those columns of its table can look them up in the index."""
    leading = {key.column for key in index.keys[: len(columns)]}
    if not index.is_valid or leading != set(columns) or index.method not in ("btree", "hash"):
        return False
    not_null = {canonical(f"{quoted(column)} IS NOT NULL") for column in columns}
    return not index.predicate or canonical(index.predicate) in not_null
