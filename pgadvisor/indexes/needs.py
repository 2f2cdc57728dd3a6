"""Which index each scan of each plan asks for."""

import re
from collections.abc import Iterable
from math import prod

import msgspec

from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.indexes.offers import INTEGERS, Offer, offer_of, truth_of
from pgadvisor.indexes.overlap import serving_index
from pgadvisor.indexes.wanted import WantedIndex, WantedKey
from pgadvisor.model.catalog import Table
from pgadvisor.model.plan import PlanNode
from pgadvisor.model.record import Record
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.query import Predicate, Scope, SortKey, TableUse

SELDOM = 0.5
"""A predicate that keeps more of the rows than this does not belong into a key."""
NARROW = 0.1
"""A key that keeps more than this leads an index only for the sake of what follows it."""
PARTIAL = 0.2
"""A constant predicate that keeps fewer rows than this makes a partial index (half the gain is size)."""
MOST_KEYS = 4
FEW_ROWS = 2.0
"""Where a look-up finds no more rows than this, more keys make the index bigger and nothing faster."""
_NO_COLUMNS = re.compile(r"""'(?:[^']|'')*'|::"?[a-z_]+|\b\w+\.|"[^"]*"\.""")
"""Literals, casts and qualifiers: what could be taken for a column's name in a plan's expression."""
UNKNOWN_RANGE = 0.33
"""PostgreSQL's own guess for an inequality with an unknown value (DEFAULT_INEQ_SEL)."""


class Need(Record):
    """The index that a scan asks for, and what is known of the rows it would keep."""

    index: WantedIndex
    is_whole: bool
    """Every column that the scan filters by is in the index: it would read the rows kept and no more."""
    selectivity: float
    """Share of the rows that the index keeps, by the statistics."""
    has_equality: bool
    equal_selectivity: float
    """Share that its equalities alone keep."""
    implied: frozenset[str] = frozenset()
    """Canonical predicates that the query fulfils."""


def need_of(facts: Facts, planned: PlannedStatement, number: int) -> Need | None:
    """What the scan of that number asks for; None: no index could serve it, or one that is there already does."""
    need = facts.once(_all_needs).get((planned.key, number))
    if need is None:
        return None
    ordered = _in_shared_order(facts, need.index)
    return None if serving_index(facts, ordered, need.implied) else msgspec.structs.replace(need, index=ordered)


def join_need(facts: Facts, planned: PlannedStatement, number: int, other: int) -> Need | None:
    """The index that would let a join look up the scanned relation by what the rows of its `other` side say."""
    found = _relation(facts, planned, number)
    aliases = {_alias(node) for node in planned.nodes[other].walk()}
    if found is None:
        return None
    scope, use, table = found
    joined = [
        offer
        for predicate in _own(scope, use)
        if predicate.operator == "=" and predicate.value.column and predicate.value.column.alias in aliases
        if _types_fit(facts, predicate, table)
        if (offer := offer_of(predicate, table)) and offer.role == "equal"
    ]
    if not joined:
        return None
    need = _assembled(table, joined, (), frozenset(offer.key.column for offer in joined), frozenset())
    return None if need is None or serving_index(facts, need.index) else need


def order_need(facts: Facts, planned: PlannedStatement, number: int) -> Need | None:
    """The index that would give the scanned rows in the query's order, so that LIMIT can stop early."""
    found = _relation(facts, planned, number)
    if found is None:
        return None
    scope, use, table = found
    order = _order(scope, use, table)
    offers = _filters(facts, planned, number, scope, use, table)
    equal = [offer for offer in offers if offer.role == "equal" and not _is_seldom(offer)]
    if not order or any(offer.role in ("several", "contains") for offer in offers):
        return None
    mentioned = _mentioned(planned, number, table)
    passing = {offer.key.column for offer in offers if _is_seldom(offer)}
    if mentioned - passing - {offer.key.column for offer in equal} - {key.column for key in order}:
        return None
    need = _assembled(table, equal, order, mentioned, _implied(scope, use))
    return None if need is None or serving_index(facts, need.index, need.implied) else need


def equal_columns(facts: Facts, planned: PlannedStatement, number: int) -> tuple[str, ...]:
    """The bare columns that a scan compares with values (=, IN, IS NULL), in the order of the query.

    A column compared with another relation's is left out: no statistics of its own table foretell that.
    """
    found = _relation(facts, planned, number)
    if found is None:
        return ()
    offers = (offer for offer in _filters(facts, planned, number, *found) if offer.role in ("equal", "several"))
    with_values = (offer for offer in offers if offer.predicate.value.kind != "column" and offer.key.is_column)
    return tuple(dict.fromkeys(offer.key.column for offer in with_values))


def filtered_columns(facts: Facts, planned: PlannedStatement, number: int) -> frozenset[str]:
    """The columns of its table that a scan's own conditions name."""
    table = scanned_table(facts, planned.nodes[number])
    return _mentioned(planned, number, table) if table else frozenset()


def scanned_table(facts: Facts, node: PlanNode) -> Table | None:
    """The table a node scans: of a partitioned table the partition."""
    if node.table is None:
        return None
    return facts.table(f"{node.schema}.{node.table}" if node.schema else node.table)


def base_table(facts: Facts, node: PlanNode) -> Table | None:
    """The table a node scans; of a partition its topmost parent."""
    table = scanned_table(facts, node)
    while table and table.partition_of:
        table = facts.table(table.partition_of)
    return table


def _all_needs(facts: Facts) -> dict[tuple[str, int], Need]:
    found = {}
    for planned in facts.plans:
        for number, node in enumerate(planned.nodes):
            if "Scan" in node.node_type and node.table and (need := _scan_need(facts, planned, number)):
                found[planned.key, number] = need
    return found


def _scan_need(facts: Facts, planned: PlannedStatement, number: int) -> Need | None:
    found = _relation(facts, planned, number)
    if found is None:
        return None
    scope, use, table = found
    offers = _filters(facts, planned, number, scope, use, table)
    order = _order(scope, use, table)
    return _assembled(table, offers, order, _mentioned(planned, number, table), _implied(scope, use))


def _assembled(
    table: Table,
    offers: Iterable[Offer],
    order: tuple[WantedKey, ...],
    mentioned: frozenset[str],
    implied: frozenset[str],
) -> Need | None:
    """One index of all that the predicates and the order offer: equalities, then one range or the order."""
    partial, rest = _split_partial(list(offers))
    equal = _distinct([offer for offer in rest if offer.role in ("equal", "several") and not _is_seldom(offer)])
    equal.sort(key=lambda offer: (offer.selectivity is None, offer.selectivity or 0.0))
    equal, is_enough = _enough(equal, table)
    tail = () if is_enough else _tail(rest, equal, order)
    partial = [] if is_enough else partial
    inverted = next((offer for offer in rest if offer.role == "contains"), None)
    if inverted and not (equal and _product(equal) <= 0.01):
        equal, tail, partial = [inverted], (), []
    keys = (*(offer.key for offer in equal), *tail)[:MOST_KEYS]
    if not keys and partial:
        keys = _any_keys(table, partial)
    if not keys:
        return None
    index = _index(table, keys, equal, partial, inverted if inverted in equal else None)
    filtered = {offer.key.column for offer in rest if offer.key in keys}
    return Need(
        index=index,
        is_whole=mentioned <= {*filtered, *index.predicate_columns},
        selectivity=_product([*partial, *(offer for offer in rest if offer.key in keys)]),
        has_equality=bool(equal or partial),
        equal_selectivity=_product(equal),
        implied=implied,
    )


def _index(
    table: Table, keys: tuple[WantedKey, ...], equal: list[Offer], partial: list[Offer], gin: Offer | None
) -> WantedIndex:
    return WantedIndex(
        table=table.qualified,
        keys=keys,
        equalities=min(len(equal), MOST_KEYS),
        method=gin.method if gin else "btree",
        predicate=" AND ".join(_condition(offer) for offer in partial) or None,
        predicate_columns=tuple(offer.key.column for offer in partial),
        part=_product(partial),
        extension=gin.extension if gin else None,
    )


def _enough(equal: list[Offer], table: Table) -> tuple[list[Offer], bool]:
    """The equalities up to where a look-up finds hardly more than one row, and whether that is reached."""
    left = table.rows or 0.0
    for count, offer in enumerate(equal, start=1):
        if offer.selectivity is None or not offer.key.is_column:
            break
        left *= offer.selectivity
        if left and left <= FEW_ROWS:
            return equal[:count], True
    return equal, False


def _tail(rest: list[Offer], equal: list[Offer], order: tuple[WantedKey, ...]) -> tuple[WantedKey, ...]:
    """What follows the equalities: the range column that narrows most, or else the order."""
    ranges = [offer for offer in rest if offer.role == "range" and offer.key not in [each.key for each in equal]]
    columns = {offer.key.key for offer in ranges}
    two_sided = {offer.key.key for offer in ranges if _is_bounded(offer, ranges)}
    chosen = columns if len(columns) == 1 else two_sided
    if len(chosen) == 1:
        key = next(offer.key for offer in ranges if offer.key.key in chosen)
        return order if order and order[0].key == key.key and not key.operator_class else (key,)
    if columns or any(offer.role == "several" for offer in equal):
        return ()
    return order


def _is_bounded(offer: Offer, ranges: list[Offer]) -> bool:
    """Whether the column has a lower and an upper bound."""
    signs = {each.predicate.operator[0] for each in ranges if each.key.key == offer.key.key}
    return offer.is_two_sided or {"<", ">"} <= signs


def _split_partial(offers: list[Offer]) -> tuple[list[Offer], list[Offer]]:
    """Predicates for the index's WHERE, and the others: constants in the text that few rows fulfil."""

    def fits(offer: Offer) -> bool:
        if offer.selectivity is None or offer.selectivity > PARTIAL or not offer.key.is_column:
            return False
        return offer.predicate.operator in ("IS NULL", "IS NOT NULL") or truth_of(offer.predicate) is not None

    partial = [offer for offer in offers if fits(offer)]
    rest = [offer for offer in offers if offer not in partial and offer.role != "null test"]
    return partial, rest


def _any_keys(table: Table, partial: list[Offer]) -> tuple[WantedKey, ...]:
    """Keys for a partial index whose WHERE already says it all: those of the primary key."""
    names = table.primary_key.columns if table.primary_key else (partial[0].key.column,)
    return tuple(WantedKey(text=quoted(name), key=name, label=name, column=name) for name in names)


def _condition(offer: Offer) -> str:
    column, predicate = quoted(offer.key.column), offer.predicate
    if predicate.operator in ("IS NULL", "IS NOT NULL"):
        return f"{column} {predicate.operator}"
    return column if truth_of(predicate) else f"NOT {column}"


def _distinct(offers: list[Offer]) -> list[Offer]:
    return list({offer.key: offer for offer in reversed(offers)}.values())[::-1]


def _is_seldom(offer: Offer) -> bool:
    return offer.selectivity is not None and offer.selectivity >= SELDOM and offer.key.is_column


def _product(offers: Iterable[Offer]) -> float:
    return prod(UNKNOWN_RANGE if offer.selectivity is None else offer.selectivity for offer in offers)


# The query's side of a scan


def _relation(facts: Facts, planned: PlannedStatement, number: int) -> tuple[Scope, TableUse, Table] | None:
    """The relation of the query that the node scans, in its scope; None when that is not sure."""
    node = planned.nodes[number]
    table = base_table(facts, node)
    if planned.query is None or planned.query.is_truncated or table is None or table.kind == "foreign table":
        return None
    named = _alias(node)
    found = [
        (scope, use)
        for scope in planned.query.scopes
        for use in scope.tables
        if use.alias in (node.alias, named) and use.table and facts.table(use.table) == table
    ]
    if not found:
        return None
    exact = [each for each in found if each[1].alias == node.alias] or found
    mentioned = _mentioned(planned, number, table)
    scope, use = max(exact, key=lambda each: len(mentioned & _filtered_columns(*each)))
    return scope, use, table


def _types_fit(facts: Facts, predicate: Predicate, table: Table) -> bool:
    """Whether a comparison with another column leaves the own one as it is: not an integer with a number or a float."""
    own = table.column(predicate.column.column) if predicate.column else None
    value = predicate.value.column
    other = facts.column(value.table, value.column) if value else None
    if own is None or other is None or own.type not in INTEGERS:
        return True
    return other.type in INTEGERS


def _alias(node: PlanNode) -> str:
    """The alias as the query has it: EXPLAIN numbers those that occur more than once."""
    return re.sub(r"_\d+$", "", node.alias or "")


def _own(scope: Scope, use: TableUse) -> Iterable[Predicate]:
    """The conjuncts of the scope whose left side is of that relation; `a.x = b.y` is turned where b is."""
    for predicate in scope.predicates:
        if not predicate.is_conjunct or predicate.place not in ("where", "on"):
            continue
        sides = {(each.alias, each.scope) for each in predicate.columns}
        if sides == {(use.alias, scope.number)}:
            yield predicate
        elif (turned := _turned(predicate)) and turned.column and turned.column.alias == use.alias:
            yield turned


def _turned(predicate: Predicate) -> Predicate | None:
    """`b.y = a.x` of `a.x = b.y`, both bare columns."""
    other = predicate.value.column
    if predicate.operator != "=" or predicate.is_wrapped or other is None or predicate.column is None:
        return None
    own = predicate.column
    value = msgspec.structs.replace(predicate.value, column=own, columns=(own,), text=predicate.source)
    return msgspec.structs.replace(
        predicate, key=other.column, source=predicate.value.text, column=other, columns=(other,), value=value
    )


def _filtered_columns(scope: Scope, use: TableUse) -> frozenset[str]:
    return frozenset(each.column for predicate in _own(scope, use) for each in predicate.columns)


def _filters(
    facts: Facts, planned: PlannedStatement, number: int, scope: Scope, use: TableUse, table: Table
) -> list[Offer]:
    """What the scan's own conditions offer: predicates of the query that the node itself applies."""
    mentioned = _mentioned(planned, number, table)
    return [
        offer
        for predicate in _own(scope, use)
        if all(each.column in mentioned for each in predicate.columns) and _types_fit(facts, predicate, table)
        if (offer := offer_of(predicate, table))
    ]


def _mentioned(planned: PlannedStatement, number: int, table: Table) -> frozenset[str]:
    """Columns of the table that the node's conditions name."""
    node = planned.nodes[number]
    below = [child for child, _ in planned.children(number) if child.node_type.startswith("Bitmap")]
    texts = [node.filter, node.index_condition, node.recheck_condition, *(each.index_condition for each in below)]
    bare = _NO_COLUMNS.sub(" ", " ".join(text for text in texts if text))
    words = set(re.findall(r"\w+", bare))
    return frozenset(column.name for column in table.columns if words.issuperset(re.findall(r"\w+", column.name)))


def _order(scope: Scope, use: TableUse, table: Table) -> tuple[WantedKey, ...]:
    """The sort keys as index keys, when a LIMIT makes their order pay and all are columns of that relation."""
    is_plain = not (scope.group_keys or scope.has_aggregate or scope.is_distinct or scope.has_window)
    if scope.limit is None or not scope.sort_keys or not is_plain or scope.set_operation:
        return ()
    columns = [key.column.column for key in scope.sort_keys if key.column and key.column.alias == use.alias]
    if [key.key for key in scope.sort_keys] != columns or not all(table.column(name) for name in columns):
        return ()
    order = [(key.is_descending, _nulls_first(key)) for key in scope.sort_keys]
    if len(set(order)) == 1 and order[0][0] == order[0][1]:
        order = [(False, False)] * len(order)
    return tuple(_sort_key(name, *how) for name, how in zip(columns, order, strict=True))


def _nulls_first(key: SortKey) -> bool:
    return key.is_descending if key.is_nulls_first is None else key.is_nulls_first


def _sort_key(name: str, is_descending: bool, is_nulls_first: bool) -> WantedKey:
    return WantedKey(text=quoted(name), key=name, label=name, column=name, is_descending=is_descending,
                     is_nulls_first=is_nulls_first)  # fmt: skip


def _implied(scope: Scope, use: TableUse) -> frozenset[str]:
    """The relation's conjuncts, spelled as the predicate of a partial index would be."""
    found = set()
    for predicate in _own(scope, use):
        if predicate.operator in ("IS NULL", "IS NOT NULL"):
            found.add(canonical(f"{predicate.key} {predicate.operator}"))
        elif truth_of(predicate) is not None:
            found.add(canonical(predicate.key if truth_of(predicate) else f"NOT {predicate.key}"))
        elif predicate.value.kind == "constant" and predicate.operator in ("=", "<", "<=", ">", ">="):
            text = predicate.value.text.replace("'", "''")
            spelled = text if predicate.value.type in ("integer", "number", "boolean") else f"'{text}'"
            found.add(canonical(f"{predicate.key} {predicate.operator} {spelled}"))
    return frozenset(found)


# Across the workload


def _in_shared_order(facts: Facts, index: WantedIndex) -> WantedIndex:
    """The equality keys that others ask for by themselves first, so that one index serves those as well."""
    own = frozenset(key.key for key in index.keys[: index.equalities])
    smaller = [keys for keys in facts.once(_asked_equalities).get(index.table, ()) if keys < own]
    equal = sorted(index.keys[: index.equalities], key=lambda key: -sum(key.key in keys for keys in smaller))
    return msgspec.structs.replace(index, keys=(*equal, *index.tail))


def _asked_equalities(facts: Facts) -> dict[str, frozenset[frozenset[str]]]:
    """By table: the sets of keys that scans compare for equality, where those keep few rows by themselves."""
    found: dict[str, frozenset[frozenset[str]]] = {}
    for need in facts.once(_all_needs).values():
        if need.equal_selectivity > NARROW:
            continue
        keys = frozenset(key.key for key in need.index.keys[: need.index.equalities])
        found[need.index.table] = found.get(need.index.table, frozenset()) | {keys}
    return found
