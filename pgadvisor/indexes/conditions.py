"""A condition by itself and the indexes: whether one serves it, which one would, and whether it needs any."""

from collections.abc import Iterator

from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.indexes.offers import offer_of
from pgadvisor.indexes.overlap import serving_index
from pgadvisor.indexes.wanted import WantedIndex
from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.finding import Evidence, Rung, Severity
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.nullable import STRICT
from pgadvisor.sql.query import ColumnUse, Predicate, Query, Scope

MANY = 0.3
"""Where more of the rows than this match, reading the table whole is right."""
Arm = tuple[Predicate, ...]


def searched_table(facts: Facts, column: ColumnUse | None) -> Table | None:
    """The column's table, when it is known and not so small that reading it costs nothing."""
    found = facts.table(column.table) if column else None
    return None if found is None or facts.is_tiny(found.qualified) else found


def index_for(predicate: Predicate, table: Table) -> WantedIndex | None:
    """The index on the predicate's left side that would find its rows; None: none would, or nobody can tell."""
    offer = offer_of(predicate, table)
    if offer is None or offer.role == "null test" or (offer.selectivity or 0.0) > MANY:
        return None
    equalities = 1 if offer.role in ("equal", "several") else 0
    return WantedIndex(
        table=table.qualified, keys=(offer.key,), equalities=equalities, method=offer.method, extension=offer.extension
    )


def serving(facts: Facts, predicate: Predicate, wanted: WantedIndex) -> Index | None:
    """An index that finds the predicate's rows already."""
    is_strict = predicate.operator in STRICT and not predicate.is_negated
    implied = frozenset({canonical(f"{each.column} IS NOT NULL") for each in predicate.columns if is_strict})
    return serving_index(facts, wanted, implied)


def is_narrowed(facts: Facts, query: Query, column: ColumnUse, *, but: Predicate | None = None) -> bool:
    """Whether the other conditions leave few rows of the column's table: by the plan, else by a look-up of equals."""
    planned = facts.plan(query.statement)
    if planned:
        return not planned.scans(column.alias) or facts.reads_part(planned, column.alias, column.table)
    return is_looked_up(facts, query, column, but=but)


def is_looked_up(
    facts: Facts, query: Query, column: ColumnUse, *, but: Predicate | None = None, by_joins: bool = True
) -> bool:
    """Whether an index finds the rows of the column's table by another condition; by a join as well, or by values."""
    scope = query.scopes[column.scope]
    is_single = column.alias is not None and column.alias in facts.single_rows(scope)
    return is_single or any(
        _finds_few(facts, scope, each, column)
        for each in scope.predicates
        if each is not but and (by_joins or not each.value.column)
    )


def _finds_few(facts: Facts, scope: Scope, predicate: Predicate, column: ColumnUse) -> bool:
    """Whether it is a condition on the same relation whose rows an index finds: equality, containment, a range."""
    other, found = predicate.column, facts.table(column.table)
    if other is None or found is None or not predicate.is_conjunct or predicate.place not in ("where", "on"):
        return False
    wanted = index_for(predicate, found) if (other.alias, other.scope) == (column.alias, column.scope) else None
    is_exact = wanted is not None and (
        wanted.equalities > 0 or wanted.method != "btree" or _is_bounded(scope, predicate)
    )
    return is_exact and wanted is not None and serving(facts, predicate, wanted) is not None


def _is_bounded(scope: Scope, predicate: Predicate) -> bool:
    """Whether the range that it is an end of has both."""
    signs = {each.operator[0] for each in scope.predicates if each.is_conjunct and each.column == predicate.column}
    return predicate.operator == "BETWEEN" or {"<", ">"} <= signs


def whole_read(facts: Facts, query: Query, column: ColumnUse) -> tuple[tuple[Evidence, ...], Severity, int | None]:
    """The plan's word that it reads all of the column's table, how bad that is, and the number of the node that does,
    where it is one; nothing without such a plan."""
    planned = facts.plan(query.statement)
    scans = planned.scans(column.alias) if planned else ()
    whole = next((each for each in scans if each.node_type == "Seq Scan"), None)
    if planned is None or whole is None:
        return (), Severity.INFO, None
    rung = Rung.MEASURED if planned.is_analyzed else Rung.ESTIMATED
    found, rows = facts.table(column.table), facts.rows(column.table) or 0.0
    label = found.label if found else column.table
    text = f"the plan reads all {rows:,.0f} rows of {label} ({whole.node_type})"
    severity = facts.severity(query.statement, planned.scan_share(column.alias))
    if facts.is_small(column.table):
        severity = Severity.INFO
    return (Evidence(rung=rung, text=text),), severity, planned.scan_number(column.alias)


def kept_share(facts: Facts, planned: PlannedStatement, column: ColumnUse) -> float:
    """Share of the table's rows that its scans are estimated to keep."""
    rows = facts.rows(column.table) or 1.0
    return sum(each.estimated_rows for each in planned.scans(column.alias)) / max(rows, 1.0)


def disjunctions(scope: Scope) -> Iterator[tuple[Arm, ...]]:
    """Each OR among the scope's conditions on rows, arm by arm; a constant is no arm."""
    found: dict[int, dict[int, list[Predicate]]] = {}
    for predicate in scope.predicates:
        if predicate.disjunction is not None and predicate.arm is not None and predicate.place in ("where", "on"):
            found.setdefault(predicate.disjunction, {}).setdefault(predicate.arm, []).append(predicate)
    for arms in found.values():
        yield tuple(tuple(arm) for arm in arms.values())
