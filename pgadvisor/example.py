"""What an example of a rule is made of: the snapshot of one statement on a few tables, in a few words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pgadvisor.model.advice import IndexAdvice
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.catalog import (
    Column,
    ColumnStatistics,
    Constraint,
    Index,
    IndexKey,
    Replica,
    Table,
    TableCounters,
)
from pgadvisor.model.log import EndpointStatement, LoggedEndpoint, LoggedPlan, RequestStep, RequestTrace, Spread
from pgadvisor.model.plan import DrawLabel, DrawnPlan, Plan, PlanNode
from pgadvisor.model.plan_change import PlanChanges
from pgadvisor.model.trace import Trace


@dataclass(frozen=True, kw_only=True)
class Example:
    """A case that runs as a test: the snapshot of one statement on a few tables."""

    sql: str = ""
    note: str = ""
    tables: tuple[Table, ...] = ()
    plan: PlanNode | None = None
    """The statement's plan; analyzed when its root has actual rows."""
    plan_fields: Mapping[str, Any] = field(default_factory=dict)
    """More of that plan than its nodes: `jit_ms`, `planning_ms`, `triggers`."""
    is_pasted: bool = False
    """No database is known: the plan is one that a person pasted."""
    logged: tuple[LoggedPlan, ...] = ()
    """Its plans that auto_explain logged."""
    generic: PlanNode | None = None
    """The plan for any values of its parameters."""
    alternatives: tuple[DrawnPlan, ...] = ()
    """Its plans for several choices of values."""
    calls: int = 1_000
    mean_ms: float = 10.0
    rows: int | None = None
    """Rows that all calls together returned."""
    other: tuple[tuple[str, int, float], ...] = ()
    """More statements of the workload: text, calls, mean_ms."""
    settings: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    replicas: tuple[Replica, ...] = ()
    days: float = 30.0
    """How long the counters have been running."""
    version_num: int = 160_004
    advice: IndexAdvice | None = None
    """On the indexes of the whole workload."""
    endpoint: LoggedEndpoint | None = None
    """Of a rule of endpoints: its requests, as logs tell of them; the statements' texts are their keys."""
    budgets: tuple[EndpointBudget, ...] = ()
    migration: str = ""
    """Of a rule of migrations: the statements judged, each by itself. `tables` are then those of a snapshot; without
    them there is none."""
    earlier: str = ""
    """Migrations that are applied and not judged."""
    is_in_transaction: bool = False
    """Whether all of the migration runs in one transaction."""
    plan_changes: PlanChanges | None = None
    """Of a rule of changes: what planning the workload before and after the migrations gave."""
    unread: str | None = None
    """Why the migration could not be read."""
    trace: Trace | None = None
    """What running the migration, `2_change.sql`, on a scratch server showed."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of the snapshot: sequences, functions."""
    remedy: str | None = None
    """Of a BAD example: the SQL that the finding's remedy must hold."""


def table(
    name: str,
    *,
    rows: float = 1_000_000,
    columns: Mapping[str, str] | None = None,
    indexes: Mapping[str, str] | None = None,
    primary_key: str | None = "id",
    not_null: tuple[str, ...] = (),
    statistics: Mapping[str, ColumnStatistics] | None = None,
    constraints: tuple[Constraint, ...] = (),
    counters: TableCounters | None = None,
    partition_key: str | None = None,
    partition_of: str | None = None,
    width_bytes: int = 100,
    **more: Any,
) -> Table:
    """A table for an example, in schema `public`.

    `columns`: name to type; without it every column named elsewhere is `bigint`. `indexes`: index name to its keys as
    PostgreSQL prints them, with what follows: `"email"`, `"a, b DESC"`, `"UNIQUE email"`, `"lower(email)"`,
    `"gin: tags"`, `"a WHERE (b IS NULL)"`. A primary key gets its index by itself. Statistics are there unless
    `statistics={}` says that there are none.
    """
    made = tuple(_index(name, label, keys) for label, keys in (indexes or {}).items())
    if primary_key:
        made = (_index(name, f"{name}_pkey", f"PRIMARY {primary_key}"), *made)
        constraints = (_primary_key(name, primary_key), *constraints)
    keys = primary_key.split(", ") if primary_key else []
    named = [key for index in made for key in index.columns]
    named += [column for constraint in constraints for column in constraint.columns]
    types = {**dict.fromkeys([*keys, *named, *(statistics or ())], "bigint"), **(columns or {})}
    pages = int(rows * width_bytes / 8192) + 1
    return Table(
        schema="public",
        name=name,
        rows=rows,
        pages=pages,
        heap_bytes=pages * 8192,
        total_bytes=pages * 12_000,
        kind="partitioned table" if partition_key else "table",
        partition_key=partition_key,
        columns=_columns(types, {*not_null, *keys}, statistics),
        indexes=made,
        constraints=constraints,
        counters=counters or TableCounters(live_rows=int(rows)),
        partition_of=f"public.{partition_of}" if partition_of else None,
        **more,
    )


def _columns(
    types: Mapping[str, str], not_null: set[str], statistics: Mapping[str, ColumnStatistics] | None
) -> tuple[Column, ...]:
    seen = dict.fromkeys(types, TYPICAL) if statistics is None else statistics
    return tuple(
        Column(name=name, type=kind, not_null=name in not_null, statistics=seen.get(name))
        for name, kind in types.items()
    )


TYPICAL = ColumnStatistics(null_fraction=0.0, average_width_bytes=8, n_distinct=-0.5, correlation=0.1)
"""Statistics of a column of an example that says nothing else: two rows a value."""


def _primary_key(name: str, keys: str) -> Constraint:
    return Constraint(
        name=f"{name}_pkey", kind="primary key", columns=tuple(keys.split(", ")), definition=f"PRIMARY KEY ({keys})"
    )


def _index(table_name: str, name: str, spelled: str) -> Index:
    """An index as `table` spells it: [PRIMARY|UNIQUE] [method:] keys [INCLUDE (…)] [WHERE (…)]."""
    primary, unique = spelled.startswith("PRIMARY "), spelled.startswith(("PRIMARY ", "UNIQUE "))
    rest = spelled.split(" ", 1)[1] if unique else spelled
    rest, _, predicate = rest.partition(" WHERE ")
    rest, _, included = rest.partition(" INCLUDE ")
    method, _, keys = rest.rpartition(": ")
    parts = _split_keys(keys)
    tail = (f" INCLUDE {included}" if included else "") + (f" WHERE {predicate}" if predicate else "")
    return Index(
        schema="public",
        name=name,
        method=method or "btree",
        keys=tuple(_key(part) for part in parts),
        included=tuple(included.strip("()").split(", ")) if included else (),
        predicate=predicate or None,
        is_unique=unique,
        is_primary=primary,
        constraint=name if primary else None,
        size_bytes=20_000_000,
        scans=1_000,
        definition=f"CREATE {'UNIQUE ' if unique else ''}INDEX {name} ON public.{table_name} USING "
        f"{method or 'btree'} ({keys}){tail}",
    )


def _split_keys(keys: str) -> list[str]:
    """The keys at the commas outside parentheses."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(keys):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(keys[start:at].strip())
            start = at + 1
    return [*parts, keys[start:].strip()]


def _key(part: str) -> IndexKey:
    descending = " DESC" in part
    text = part.replace(" DESC", "").replace(" ASC", "")
    text, _, operator_class = text.rpartition(" ") if text.endswith("_ops") else (text, "", "")
    return IndexKey(
        text=text,
        column=text if text.isidentifier() else None,
        is_descending=descending,
        is_nulls_first=descending,
        operator_class=operator_class or None,
    )


def foreign_key(column: str, references: str, *, on_delete: str = "no action") -> Constraint:
    """A foreign key on one column to `id` of another table of `public`, for an example."""
    return Constraint(
        name=f"{column}_fkey",
        kind="foreign key",
        columns=(column,),
        references=f"public.{references}",
        referenced_columns=("id",),
        on_delete=on_delete,
        on_update="no action",
        definition=f"FOREIGN KEY ({column}) REFERENCES {references}(id)",
    )


def node(
    node_type: str,
    *children: PlanNode,
    rows: float = 1.0,
    actual: float | None = None,
    loops: float = 1.0,
    ms: float | None = None,
    cost: float = 100.0,
    **keys: Any,
) -> PlanNode:
    """A plan node for an example. `rows`: estimated; `actual`: real rows per loop, and then it was run; `ms`: real time
    per loop of the node and all below it; `cost`: total. Other keys as in PlanNode: `table`, `filter`, …"""
    return PlanNode(
        node_type=node_type,
        children=children,
        estimated_rows=rows,
        total_cost=cost,
        actual_rows=actual,
        actual_loops=None if actual is None else loops,
        actual_total_ms=ms,
        **keys,
    )


def drawn_plan(label: DrawLabel, weight: float, root: PlanNode, *, generic_cost: float | None = None) -> DrawnPlan:
    """A plan for one choice of values, for an example."""
    return DrawnPlan(label=label, weight=weight, plan=Plan(root=root), generic_cost=generic_cost)


def endpoint(
    name: str,
    *statements: EndpointStatement,
    requests: int = 100,
    other_queries: int = 0,
    idle_ms: float = 0.0,
    lock_wait_ms: float = 0.0,
    rows: int | None = None,
) -> LoggedEndpoint:
    """The requests of an endpoint for an example, all alike; figures are of each, rows and waits of all together.
    `other_queries`: so many more of each request are of other statements."""
    count = sum(each.runs for each in statements) / requests + other_queries
    database_ms = sum(each.database_ms for each in statements) / requests
    steps = tuple(
        RequestStep(statement=each.statement, start_ms=at * 10.0, duration_ms=1.0, is_in_transaction=True,
                    line=each.lines[0] if each.lines else None)
        for at, each in enumerate(statements)
    )  # fmt: skip
    trace = RequestTrace(steps=steps, statements=len(steps), duration_ms=database_ms + idle_ms, database_ms=database_ms)
    return LoggedEndpoint(
        name=name,
        requests=requests,
        queries=_alike(requests, count),
        database_ms=_alike(requests, database_ms),
        duration_ms=_alike(requests, database_ms + idle_ms),
        rows=rows,
        statements=statements,
        typical=trace,
        slow=trace,
        idle_in_transaction_ms=idle_ms * requests,
        lock_wait_ms=lock_wait_ms,
    )


def _alike(count: int, value: float) -> Spread:
    return Spread(count=count, total=value * count, least=value, median=value, p95=value, p99=value, most=value)


def ran(
    sql: str,
    *,
    each: float = 1.0,
    ms: float = 1.0,
    requests: int = 100,
    duplicates: float = 0.0,
    after_write: float = 0.0,
    parent: str | None = None,
    line: str | None = None,
) -> EndpointStatement:
    """A statement in the requests of an endpoint, for an example. `each`: runs, `duplicates` and `after_write` of them,
    in a request; `ms`: of a run."""
    runs = int(each * requests)
    return EndpointStatement(
        statement=sql,
        runs=runs,
        requests=requests,
        most_in_one=int(each),
        repeated_runs=runs - requests,
        duplicate_runs=int(duplicates * requests),
        database_ms=runs * ms,
        lines=(line,) if line else (),
        after_write_runs=int(after_write * requests),
        parent=parent,
    )
