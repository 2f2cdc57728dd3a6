"""What a workload says for and against cutting a table by time."""

from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Column, Table
from pgadvisor.model.record import Record
from pgadvisor.sql.query import Predicate, Query, Scope

TIME_TYPES = ("timestamp", "date")
LEAST_WINDOW_DAYS = 7.0
"""Growth seen for less than a week is no growth to extrapolate."""
YEAR_DAYS = 365.0


class PartitionEvidence(Record):
    """What the statements of a table say about one of its time columns as the key."""

    table: Table
    column: Column
    size_bytes: int
    year_bytes: int | None = None
    """Size in twelve months at the rate of the counters; None: they have not run long enough."""
    key_share: float = 0.0
    """Share of the table's reading and deleting time in statements that an interval of the key narrows."""
    retention: tuple[str, ...] = ()
    """Keys of the statements that delete what is older than some time."""
    retention_share: float = 0.0
    """Their share of all observed time."""
    retention_rows: int = 0
    """Rows they deleted."""
    without_key: tuple[str, ...] = ()
    """Keys of the statements that would have to look into every partition, the most costly first."""

    @property
    def correlation(self) -> float | None:
        """How far the table lies in the order of the key, 0 to 1."""
        seen = self.column.statistics
        return None if seen is None or seen.correlation is None else abs(seen.correlation)


def partition_evidence(facts: Facts, table: Table) -> PartitionEvidence | None:
    """The evidence for the time column that narrows most of the table's time; None: it has none, or nothing uses it."""
    found = [_of_column(facts, table, column) for column in table.columns if column.type.startswith(TIME_TYPES)]
    used = [each for each in found if each.key_share > 0]
    return max(used, key=lambda each: (each.key_share, each.retention_share), default=None)


def _statements_by_table(facts: Facts) -> dict[str, list[tuple[str, Query]]]:
    """The understood statements, with their keys, that name each table (`schema.table`)."""
    found: dict[str, list[tuple[str, Query]]] = {}
    for key, query in facts.queries.items():
        if not query.is_truncated:
            for name in {named.qualified for use in query.tables() if (named := facts.table(use.table))}:
                found.setdefault(name, []).append((key, query))
    return found


def _of_column(facts: Facts, table: Table, column: Column) -> PartitionEvidence:
    narrowed = total = 0.0
    without, retention = [], []
    for key, query in facts.once(_statements_by_table).get(table.qualified, ()):
        statement = facts.statement(key)
        ms = (statement.total_ms if statement else None) or 0.0
        if query.kind == "insert" and not _reads(facts, query, table):
            continue
        total += ms
        if any(_narrows(facts, scope, table, column) for scope in query.scopes):
            narrowed += ms
        else:
            without.append((ms, key))
        if _is_retention(facts, query, table, column):
            retention.append(key)
    kept = [facts.statement(key) for key in retention]
    return PartitionEvidence(
        table=table,
        column=column,
        size_bytes=table.total_bytes or table.heap_bytes or 0,
        year_bytes=_in_a_year(facts, table),
        key_share=narrowed / total if total else 0.0,
        retention=tuple(retention),
        retention_share=sum(facts.share(key) or 0.0 for key in retention),
        retention_rows=sum((each.rows or 0) for each in kept if each),
        without_key=tuple(key for _, key in sorted(without, reverse=True)),
    )


def _reads(facts: Facts, query: Query, table: Table) -> bool:
    """Whether an INSERT also reads the table."""
    return any(facts.table(use.table) is table and not use.is_target for scope in query.scopes for use in scope.tables)


def _narrows(facts: Facts, scope: Scope, table: Table, column: Column) -> bool:
    return any(_is_on(facts, scope, predicate, table, column) for predicate in scope.predicates)


def _is_on(facts: Facts, scope: Scope, predicate: Predicate, table: Table, column: Column) -> bool:
    """Whether the predicate holds the column within bounds that pruning can use."""
    if predicate.column is None or predicate.column.column != column.name or predicate.column.scope != scope.number:
        return False
    use = scope.relation(predicate.column.alias)
    is_bound = predicate.operator in ("=", "<", "<=", ">", ">=", "BETWEEN") and predicate.value.kind != "column"
    is_plain = not (predicate.is_negated or predicate.is_wrapped) and predicate.is_conjunct
    return is_bound and is_plain and use is not None and facts.table(use.table) is table


def _is_retention(facts: Facts, query: Query, table: Table, column: Column) -> bool:
    """Whether it deletes what is older than some time, and asks for nothing else; also in batches by a subquery."""
    target = next((scope for scope in query.scopes if scope.write == "delete" and scope.target), None)
    if target is None or target.target is None or facts.table(target.target.table) is not table:
        return False
    for scope in (target, *query.children(target.number)):
        own = [predicate for predicate in scope.predicates if predicate.value.kind != "subquery"]
        older = [each for each in own if each.operator in ("<", "<=") and _is_on(facts, scope, each, table, column)]
        if older and len(older) == len(own):
            return True
    return False


def _in_a_year(facts: Facts, table: Table) -> int | None:
    days, counters = facts.counted_days, table.counters
    if days is None or days < LEAST_WINDOW_DAYS or counters is None or not table.rows:
        return None
    size = table.total_bytes or table.heap_bytes or 0
    grown = max(counters.rows_inserted - counters.rows_deleted, 0) / days * YEAR_DAYS
    return int(size + grown * size / table.rows)
