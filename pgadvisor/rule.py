"""All that a rule file imports: records, decorators and the short makers of examples."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from msgspec.structs import replace

from pgadvisor.activity_facts import (
    Blocker,
    Holder,
    blockers,
    counters_a_day,
    end_prepared,
    end_session,
    holders,
    how_long_open,
    is_idle,
    lasting,
    long_transactions,
    session_label,
    vacuum_due_at,
)
from pgadvisor.catalog_facts import (
    Place,
    calls_own_function,
    counted,
    is_advised_to_go,
    is_in_a_plan,
    is_in_key,
    is_own,
    listed,
    operators_of,
    own_tables,
    places,
    retyped,
    written_entries,
)
from pgadvisor.endpoint_facts import SeenEndpoint, budgets_of
from pgadvisor.estimates.causes import STALE as STALE_SHARE
from pgadvisor.estimates.causes import changed_share
from pgadvisor.estimates.diagnosis import Diagnosis, diagnoses
from pgadvisor.estimates.remedies import analyze as analyze_table
from pgadvisor.example import Example, drawn_plan, endpoint, foreign_key, node, ran, table
from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.indexes.advised import advised_cause, advised_evidence, advised_remedy, advised_severity, is_exchange
from pgadvisor.indexes.bloat import rebuilt_bytes
from pgadvisor.indexes.build_effort import size_text
from pgadvisor.indexes.build_plan import concurrent_definition
from pgadvisor.indexes.conditions import (
    MANY,
    Arm,
    disjunctions,
    index_for,
    is_looked_up,
    is_narrowed,
    kept_share,
    searched_table,
    serving,
    whole_read,
)
from pgadvisor.indexes.needs import (
    Need,
    equal_columns,
    filtered_columns,
    join_need,
    order_need,
    scanned_table,
)
from pgadvisor.indexes.overlap import is_covered, is_free_to_go, is_same, supports_foreign_key
from pgadvisor.indexes.plan_alone import create_by_plan, index_by_plan, is_unknown
from pgadvisor.indexes.remedy import create_index, drop_index, exchange_index
from pgadvisor.indexes.sizes import leaves, pays_off
from pgadvisor.indexes.wanted import WantedIndex, WantedKey
from pgadvisor.indexes.waste import Waste, join_wastes_of, read_fraction, wastes_of
from pgadvisor.locks.effect import Answer, LockEffect, TableLock
from pgadvisor.locks.modes import LockMode, blocks_reads, blocks_writes
from pgadvisor.memory import hash_memory_kb, memory_kb, more_work_mem, temp_kb_per_call
from pgadvisor.migration_facts import NOTICED_MS, GateFacts, MigrationStep
from pgadvisor.model.activity import (
    Activity,
    DatabaseCounters,
    FrozenAge,
    OpenTransaction,
    PreparedTransaction,
    ReplicationSlot,
    RoleSetting,
)
from pgadvisor.model.advice import AdvisedIndex, DroppedIndex, IndexAdvice, StatementEffect
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.catalog import (
    CollationChange,
    Column,
    ColumnGroup,
    ColumnStatistics,
    Constraint,
    ExtendedStatistics,
    Function,
    Index,
    IndexKey,
    Policy,
    Replica,
    SecurityDefiner,
    Sequence,
    Server,
    Setting,
    Table,
    TableCounters,
)
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Span, Where
from pgadvisor.model.log import (
    EndpointStatement,
    LoggedEndpoint,
    LoggedPlan,
    LoggedStatement,
    RequestStep,
    RequestTrace,
)
from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.model.plan import DrawnPlan, Plan, PlanComparison, PlanNode, TriggerTime
from pgadvisor.model.plan_change import ChangePlace, MadeIndex, NeededIndex, PlanChange, PlanChanges, WholeRead
from pgadvisor.model.plan_figures import NodeFigures
from pgadvisor.model.plan_shape import accesses_of, shape_of
from pgadvisor.model.snapshot import Area
from pgadvisor.model.trace import HeldLock, Reversal, Trace, Traced, TraceError
from pgadvisor.model.workload import Statement, WorkloadTotals
from pgadvisor.partitions.bounds import (
    RangePartition,
    distance,
    following,
    has_default,
    interval_days,
    range_column,
    range_partitions,
    stamp,
    usual_width,
    written,
)
from pgadvisor.partitions.evidence import PartitionEvidence, partition_evidence
from pgadvisor.partitions.steps import migration, obstacles
from pgadvisor.partitions.steps import undo as partition_undo
from pgadvisor.pasted.logged import logged_plans
from pgadvisor.row_by_row import Link, for_many, link_between, lookups, main_lookup
from pgadvisor.safe_forms.batches import rows_in_batches
from pgadvisor.safe_forms.columns import column_script, kept_up_script
from pgadvisor.safe_forms.constraints import (
    not_null_constraint_steps,
    not_null_steps,
    unique_steps,
    validated_steps,
)
from pgadvisor.safe_forms.harm import (
    changes_many_rows,
    constraints_to_check,
    how_long,
    is_harmless,
    is_on_new_table,
    is_partitioned,
    is_strong,
    keeps_reads_out,
    lock_evidence,
    lock_finding,
    lock_severity,
    milder_if_quick,
    stopped,
)
from pgadvisor.safe_forms.in_use import (
    earlier,
    in_use_finding,
    index_users,
    is_column_new,
    is_there,
    is_workload_seen,
    makes,
    users_of,
)
from pgadvisor.safe_forms.keys import index_for_key
from pgadvisor.safe_forms.renamed import same_values_script
from pgadvisor.safe_forms.spelled import (
    alter,
    columns_sql,
    constraint_name,
    counts_up,
    has_lock_timeout,
    plain_type,
    script,
    table_sql,
    timeout,
)
from pgadvisor.sql.ddl_step import DdlColumn, DdlConstraint, DdlStep
from pgadvisor.sql.half_open import half_open_range
from pgadvisor.sql.identifiers import object_name, quoted, quoted_table
from pgadvisor.sql.nullable import is_denied, is_output_nullable
from pgadvisor.sql.policy import RowCall, equated_columns, row_calls, with_calls_once
from pgadvisor.sql.pull_up import pulled_up
from pgadvisor.sql.query import ColumnUse, Output, Predicate, Query, Scope, SortKey, TableUse, Value
from pgadvisor.unique_rows import has_distinct_rows, single_relations, told_relations

__all__ = [
    "MANY",
    "NOTICED_MS",
    "STALE_SHARE",
    "Activity",
    "AdvisedIndex",
    "Answer",
    "Area",
    "Arm",
    "Blocker",
    "ChangePlace",
    "CollationChange",
    "Column",
    "ColumnGroup",
    "ColumnStatistics",
    "ColumnUse",
    "Constraint",
    "DatabaseCounters",
    "DdlColumn",
    "DdlConstraint",
    "DdlStep",
    "Diagnosis",
    "DrawnPlan",
    "DroppedIndex",
    "EndpointBudget",
    "EndpointStatement",
    "Evidence",
    "Example",
    "ExtendedStatistics",
    "Facts",
    "Finding",
    "FrozenAge",
    "Function",
    "GateFacts",
    "HeldLock",
    "Holder",
    "Index",
    "IndexAdvice",
    "IndexKey",
    "Link",
    "LockEffect",
    "LockMode",
    "LoggedEndpoint",
    "LoggedPlan",
    "LoggedStatement",
    "MadeIndex",
    "Migration",
    "MigrationStatement",
    "MigrationStep",
    "Need",
    "NeededIndex",
    "NodeFigures",
    "OpenTransaction",
    "Output",
    "PartitionEvidence",
    "Place",
    "Plan",
    "PlanChange",
    "PlanChanges",
    "PlanComparison",
    "PlanNode",
    "PlannedStatement",
    "Policy",
    "Predicate",
    "PreparedTransaction",
    "Query",
    "RangePartition",
    "Remedy",
    "Replica",
    "ReplicationSlot",
    "RequestStep",
    "RequestTrace",
    "Reversal",
    "RoleSetting",
    "RowCall",
    "Rule",
    "RuleKind",
    "Rung",
    "Scope",
    "SecurityDefiner",
    "SeenEndpoint",
    "Sequence",
    "Server",
    "Setting",
    "Severity",
    "SortKey",
    "Span",
    "Statement",
    "StatementEffect",
    "Table",
    "TableCounters",
    "TableLock",
    "TableUse",
    "Trace",
    "TraceError",
    "Traced",
    "TriggerTime",
    "Value",
    "WantedIndex",
    "WantedKey",
    "Waste",
    "Where",
    "WholeRead",
    "WorkloadTotals",
    "accesses_of",
    "advised_cause",
    "advised_evidence",
    "advised_remedy",
    "advised_severity",
    "alter",
    "analyze_table",
    "blockers",
    "blocks_reads",
    "blocks_writes",
    "budgets_of",
    "calls_own_function",
    "change_rule",
    "changed_share",
    "changes_many_rows",
    "column_script",
    "columns_sql",
    "concurrent_definition",
    "constraint_name",
    "constraints_to_check",
    "counted",
    "counters_a_day",
    "counts_up",
    "create_by_plan",
    "create_index",
    "diagnoses",
    "disjunctions",
    "distance",
    "drawn_plan",
    "drop_index",
    "earlier",
    "end_prepared",
    "end_session",
    "endpoint",
    "endpoint_rule",
    "equal_columns",
    "equated_columns",
    "exchange_index",
    "filtered_columns",
    "following",
    "for_many",
    "foreign_key",
    "half_open_range",
    "has_default",
    "has_distinct_rows",
    "has_lock_timeout",
    "hash_memory_kb",
    "holders",
    "how_long",
    "how_long_open",
    "in_use_finding",
    "index_by_plan",
    "index_for",
    "index_for_key",
    "index_users",
    "interval_days",
    "is_advised_to_go",
    "is_column_new",
    "is_covered",
    "is_denied",
    "is_exchange",
    "is_free_to_go",
    "is_harmless",
    "is_idle",
    "is_in_a_plan",
    "is_in_key",
    "is_looked_up",
    "is_narrowed",
    "is_on_new_table",
    "is_output_nullable",
    "is_own",
    "is_partitioned",
    "is_same",
    "is_strong",
    "is_there",
    "is_unknown",
    "is_workload_seen",
    "join_need",
    "join_wastes_of",
    "keeps_reads_out",
    "kept_share",
    "kept_up_script",
    "lasting",
    "leaves",
    "link_between",
    "listed",
    "lock_evidence",
    "lock_finding",
    "lock_severity",
    "logged_plans",
    "long_transactions",
    "lookups",
    "main_lookup",
    "makes",
    "memory_kb",
    "migration",
    "migration_rule",
    "milder_if_quick",
    "more_work_mem",
    "node",
    "not_null_constraint_steps",
    "not_null_steps",
    "object_name",
    "obstacles",
    "operators_of",
    "order_need",
    "own_tables",
    "partition_evidence",
    "partition_undo",
    "pays_off",
    "places",
    "plain_type",
    "plan_rule",
    "pulled_up",
    "query_rule",
    "quoted",
    "quoted_table",
    "ran",
    "range_column",
    "range_partitions",
    "read_fraction",
    "rebuilt_bytes",
    "replace",
    "retyped",
    "row_calls",
    "rows_in_batches",
    "same_values_script",
    "scanned_table",
    "schema_rule",
    "script",
    "searched_table",
    "server_rule",
    "serving",
    "session_label",
    "shape_of",
    "single_relations",
    "size_text",
    "stamp",
    "stopped",
    "supports_foreign_key",
    "table",
    "table_sql",
    "temp_kb_per_call",
    "timeout",
    "told_relations",
    "unique_steps",
    "users_of",
    "usual_width",
    "vacuum_due_at",
    "validated_steps",
    "wastes_of",
    "whole_read",
    "with_calls_once",
    "workload_rule",
    "written",
    "written_entries",
]

RuleKind = Literal["query", "plan", "schema", "server", "workload", "endpoint", "migration", "change"]

QueryCheck = Callable[[Query, Facts], Iterator[Finding]]
PlanCheck = Callable[[PlannedStatement, Facts], Iterator[Finding]]
SchemaCheck = Callable[[Table, Facts], Iterator[Finding]]
ServerCheck = Callable[[Facts], Iterator[Finding]]
WorkloadCheck = Callable[[Facts], Iterator[Finding]]
EndpointCheck = Callable[[SeenEndpoint, Facts], Iterator[Finding]]
MigrationCheck = Callable[[MigrationStep, GateFacts], Iterator[Finding]]
ChangeCheck = Callable[[GateFacts], Iterator[Finding]]
Check = TypeVar("Check", QueryCheck, PlanCheck, SchemaCheck, WorkloadCheck, EndpointCheck, MigrationCheck, ChangeCheck)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule as the registry knows it. Name, page and examples are those of its file."""

    name: str
    kind: RuleKind
    severity: Severity
    """The worst it gives; with less evidence it gives less."""
    since: str
    needs: tuple[Area, ...]
    check: Callable[..., Iterator[Finding]]
    doc: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    aliases: tuple[str, ...] = ()
    package: str | None = None
    """The package that brought it; None: pgadvisor itself."""

    @property
    def summary(self) -> str:
        """The first line of its page: the fault, as a sentence."""
        return self.doc.strip().splitlines()[0]


@dataclass(frozen=True, kw_only=True)
class RuleMark:
    """What a decorator leaves on a check; the registry makes a Rule of it."""

    kind: RuleKind
    severity: Severity
    since: str
    needs: tuple[Area, ...]
    aliases: tuple[str, ...]


def query_rule(
    *, severity: Severity, since: str, needs: tuple[Area, ...] = (), aliases: tuple[str, ...] = ()
) -> Callable[[QueryCheck], QueryCheck]:
    """A rule whose check receives one parsed query at a time."""
    return lambda check: _marked(
        check, RuleMark(kind="query", severity=severity, since=since, needs=needs, aliases=aliases)
    )


def plan_rule(
    *, severity: Severity, since: str, needs: tuple[Area, ...] = ("plans",), aliases: tuple[str, ...] = ()
) -> Callable[[PlanCheck], PlanCheck]:
    """A rule whose check receives one statement's plan at a time; `needs=("analyze",)` when estimates are no use."""
    return lambda check: _marked(
        check, RuleMark(kind="plan", severity=severity, since=since, needs=needs, aliases=aliases)
    )


def schema_rule(
    *, severity: Severity, since: str, needs: tuple[Area, ...] = ("catalog",), aliases: tuple[str, ...] = ()
) -> Callable[[SchemaCheck], SchemaCheck]:
    """A rule whose check receives one table at a time."""
    return lambda check: _marked(
        check, RuleMark(kind="schema", severity=severity, since=since, needs=needs, aliases=aliases)
    )


def server_rule(
    *, severity: Severity, since: str, needs: tuple[Area, ...] = ("settings",), aliases: tuple[str, ...] = ()
) -> Callable[[ServerCheck], ServerCheck]:
    """A rule about the server as a whole: its settings, its vacuuming, its sessions and locks."""
    return lambda check: _marked(
        check, RuleMark(kind="server", severity=severity, since=since, needs=needs, aliases=aliases)
    )


def workload_rule(
    *, severity: Severity, since: str, needs: tuple[Area, ...] = ("statements",), aliases: tuple[str, ...] = ()
) -> Callable[[WorkloadCheck], WorkloadCheck]:
    """A rule whose check receives the whole snapshot."""
    return lambda check: _marked(
        check, RuleMark(kind="workload", severity=severity, since=since, needs=needs, aliases=aliases)
    )


def endpoint_rule(
    *, severity: Severity, since: str, needs: tuple[Area, ...] = ("logs",), aliases: tuple[str, ...] = ()
) -> Callable[[EndpointCheck], EndpointCheck]:
    """A rule whose check receives the requests of one endpoint at a time, as logs tell of them."""
    return lambda check: _marked(
        check, RuleMark(kind="endpoint", severity=severity, since=since, needs=needs, aliases=aliases)
    )


def migration_rule(
    *, severity: Severity, since: str, needs: tuple[Area, ...] = (), aliases: tuple[str, ...] = ()
) -> Callable[[MigrationCheck], MigrationCheck]:
    """A rule of the gate, whose check receives one step of a migration at a time; an audit never runs it."""
    return lambda check: _marked(
        check, RuleMark(kind="migration", severity=severity, since=since, needs=needs, aliases=aliases)
    )


def change_rule(
    *, severity: Severity, since: str, needs: tuple[Area, ...] = (), aliases: tuple[str, ...] = ()
) -> Callable[[ChangeCheck], ChangeCheck]:
    """A rule of the gate, whose check receives all that the pull request does to the plans of the workload."""
    return lambda check: _marked(
        check, RuleMark(kind="change", severity=severity, since=since, needs=needs, aliases=aliases)
    )


def _marked(check: Check, mark: RuleMark) -> Check:
    check.__pgadvisor_rule__ = mark  # type: ignore[attr-defined]
    return check
