"""Which of the indexes that are there may not all go together: of each group one at least stays, or comes."""

from collections.abc import Collection, Sequence

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.facts import Facts
from pgadvisor.indexes.overlap import supports_foreign_key
from pgadvisor.model.catalog import Constraint, Index
from pgadvisor.selection.existing import ExistingIndex, as_index, does_work_of, unexplained_scans


def groups_to_keep(
    facts: Facts,
    existing: Sequence[tuple[int, ExistingIndex]],
    fixed: Sequence[ExistingIndex],
    candidates: Sequence[tuple[int, Candidate]],
    *,
    used: Collection[int] = (),
    is_given: bool = False,
) -> tuple[tuple[int, ...], ...]:
    """`Problem.one_of`: of each group one index at least must stay.

    Each foreign key that an index supports today keeps one that does, and so does whatever scans an index that no
    statement of the workload explains. Where statements speak of an index's expression, an index with it stays: the
    planner knows its values from that index alone, and no plan tells of all that would change without. `existing`,
    `candidates`: with their numbers. `used`: numbers of existing ones that statements use today.
    """
    found: dict[str, _OnTable] = {table.qualified: _OnTable() for table in facts.tables}
    for at, each in existing:
        found[each.on.qualified].today.append((at, each.index))
    for one in fixed:
        found[one.on.qualified].fixed.append(one.index)
    for at, candidate in candidates:
        if candidate.table in found:
            found[candidate.table].new.append((at, as_index(candidate)))
    groups = [_supporting(found[table], key) for table, key in _foreign_keys(facts)]
    for at, each in existing:
        if unexplained_scans(facts, each, is_used=at in used, is_given=is_given) is not None:
            groups.append(_substitutes(facts, found[each.on.qualified], at, each.index))
        if expressions := _asked_expressions(facts, each.index):
            groups.append(_with_statistics(facts, found[each.on.qualified], at, expressions))
    return tuple(dict.fromkeys(group for group in groups if group))


class _OnTable:
    """The indexes of one table, those among the choices with their numbers."""

    def __init__(self) -> None:
        self.fixed: list[Index] = []
        self.today: list[tuple[int, Index]] = []
        self.new: list[tuple[int, Index]] = []


def _foreign_keys(facts: Facts) -> list[tuple[str, Constraint]]:
    """Each foreign key with the table it stands on; partitions have their parent's."""
    return [
        (table.qualified, constraint)
        for table in facts.tables
        for constraint in table.constraints
        if constraint.kind == "foreign key" and constraint.columns and table.partition_of is None
    ]


def _supporting(on: _OnTable, key: Constraint) -> tuple[int, ...]:
    """The choices that support a foreign key; none, where a fixed index does, or where none does today."""
    if any(supports_foreign_key(each, key.columns) for each in on.fixed):
        return ()
    today = [at for at, each in on.today if supports_foreign_key(each, key.columns)]
    new = [at for at, each in on.new if supports_foreign_key(each, key.columns)]
    return (*today, *new) if today else ()


def _substitutes(facts: Facts, on: _OnTable, number: int, index: Index) -> tuple[int, ...]:
    """An index and the choices that do all its work; none, where a fixed one does."""
    if any(does_work_of(facts, each, index) for each in on.fixed):
        return ()
    others = (at for at, each in (*on.today, *on.new) if at != number and does_work_of(facts, each, index))
    return (number, *others)


def _asked_expressions(facts: Facts, index: Index) -> frozenset[str]:
    """The expressions of an index that statements of the workload compare, sort or group by."""
    own = (name for name, key in zip(facts.index_keys(index), index.keys, strict=True) if key.column is None)
    return frozenset(own) & facts.once(_expressions_asked)


def _expressions_asked(facts: Facts) -> frozenset[str]:
    scopes = [scope for query in facts.queries.values() for scope in query.scopes]
    compared = (each.key for scope in scopes for each in scope.predicates if each.is_wrapped)
    sorted_by = (each.key for scope in scopes for each in (*scope.sort_keys, *scope.group_keys) if not each.column)
    return frozenset((*compared, *sorted_by))


def _with_statistics(facts: Facts, on: _OnTable, number: int, expressions: frozenset[str]) -> tuple[int, ...]:
    """An index and the choices that hold these expressions too; none, where a fixed one does."""
    if any(expressions.issubset(facts.index_keys(each)) for each in on.fixed):
        return ()
    others = (at for at, each in (*on.today, *on.new) if at != number and expressions.issubset(facts.index_keys(each)))
    return (number, *others)
