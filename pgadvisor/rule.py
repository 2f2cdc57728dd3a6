"""All that a rule file imports: records, decorators and the short makers of examples."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from msgspec.structs import replace

from pgadvisor.endpoint_facts import SeenEndpoint, budgets_of
from pgadvisor.example import Example, drawn_plan, endpoint, foreign_key, node, ran, table
from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.indexes.advised import advised_cause, advised_evidence, advised_remedy, advised_severity
from pgadvisor.indexes.build_effort import size_text
from pgadvisor.indexes.build_plan import concurrent_definition
from pgadvisor.indexes.needs import (
    Need,
    equal_columns,
    filtered_columns,
    join_need,
    order_need,
    scanned_table,
)
from pgadvisor.indexes.overlap import is_covered, is_free_to_go, is_same, supports_foreign_key
from pgadvisor.indexes.remedy import create_index, drop_index
from pgadvisor.indexes.sizes import pays_off
from pgadvisor.indexes.wanted import WantedIndex, WantedKey
from pgadvisor.indexes.waste import Waste, join_wastes_of, read_fraction, wastes_of
from pgadvisor.locks.effect import Answer, LockEffect, TableLock
from pgadvisor.locks.modes import LockMode, blocks_reads, blocks_writes
from pgadvisor.memory import hash_memory_kb, memory_kb, temp_kb_per_call
from pgadvisor.migration_facts import NOTICED_MS, GateFacts, MigrationStep
from pgadvisor.model.advice import AdvisedIndex, DroppedIndex, IndexAdvice, StatementEffect
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.catalog import (
    Column,
    ColumnStatistics,
    Constraint,
    Index,
    IndexKey,
    Replica,
    Server,
    Setting,
    Table,
    TableCounters,
)
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Span, Where
from pgadvisor.model.log import EndpointStatement, LoggedEndpoint, LoggedStatement, RequestStep, RequestTrace
from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.model.plan import DrawnPlan, Plan, PlanComparison, PlanNode
from pgadvisor.model.plan_change import ChangePlace, MadeIndex, NeededIndex, PlanChange, PlanChanges, WholeRead
from pgadvisor.model.plan_figures import NodeFigures
from pgadvisor.model.plan_shape import accesses_of, shape_of
from pgadvisor.model.snapshot import Area
from pgadvisor.model.trace import HeldLock, Reversal, Trace, Traced, TraceError
from pgadvisor.model.workload import Statement
from pgadvisor.partitions.evidence import PartitionEvidence, partition_evidence
from pgadvisor.partitions.steps import migration, obstacles
from pgadvisor.partitions.steps import undo as partition_undo
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
from pgadvisor.sql.nullable import is_output_nullable
from pgadvisor.sql.query import ColumnUse, Output, Predicate, Query, Scope, SortKey, TableUse, Value

__all__ = [
    "NOTICED_MS",
    "AdvisedIndex",
    "Answer",
    "Area",
    "ChangePlace",
    "Column",
    "ColumnStatistics",
    "ColumnUse",
    "Constraint",
    "DdlColumn",
    "DdlConstraint",
    "DdlStep",
    "DrawnPlan",
    "DroppedIndex",
    "EndpointBudget",
    "EndpointStatement",
    "Evidence",
    "Example",
    "Facts",
    "Finding",
    "GateFacts",
    "HeldLock",
    "Index",
    "IndexAdvice",
    "IndexKey",
    "Link",
    "LockEffect",
    "LockMode",
    "LoggedEndpoint",
    "LoggedStatement",
    "MadeIndex",
    "Migration",
    "MigrationStatement",
    "MigrationStep",
    "Need",
    "NeededIndex",
    "NodeFigures",
    "Output",
    "PartitionEvidence",
    "Plan",
    "PlanChange",
    "PlanChanges",
    "PlanComparison",
    "PlanNode",
    "PlannedStatement",
    "Predicate",
    "Query",
    "Remedy",
    "Replica",
    "RequestStep",
    "RequestTrace",
    "Reversal",
    "Rule",
    "RuleKind",
    "Rung",
    "Scope",
    "SeenEndpoint",
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
    "Value",
    "WantedIndex",
    "WantedKey",
    "Waste",
    "Where",
    "WholeRead",
    "accesses_of",
    "advised_cause",
    "advised_evidence",
    "advised_remedy",
    "advised_severity",
    "alter",
    "blocks_reads",
    "blocks_writes",
    "budgets_of",
    "change_rule",
    "changes_many_rows",
    "column_script",
    "columns_sql",
    "concurrent_definition",
    "constraint_name",
    "constraints_to_check",
    "counts_up",
    "create_index",
    "drawn_plan",
    "drop_index",
    "earlier",
    "endpoint",
    "endpoint_rule",
    "equal_columns",
    "filtered_columns",
    "for_many",
    "foreign_key",
    "half_open_range",
    "has_lock_timeout",
    "hash_memory_kb",
    "how_long",
    "in_use_finding",
    "index_for_key",
    "index_users",
    "is_column_new",
    "is_covered",
    "is_free_to_go",
    "is_harmless",
    "is_on_new_table",
    "is_output_nullable",
    "is_partitioned",
    "is_same",
    "is_strong",
    "is_there",
    "is_workload_seen",
    "join_need",
    "join_wastes_of",
    "keeps_reads_out",
    "kept_up_script",
    "link_between",
    "lock_evidence",
    "lock_finding",
    "lock_severity",
    "lookups",
    "main_lookup",
    "makes",
    "memory_kb",
    "migration",
    "migration_rule",
    "milder_if_quick",
    "node",
    "not_null_constraint_steps",
    "not_null_steps",
    "object_name",
    "obstacles",
    "order_need",
    "partition_evidence",
    "partition_undo",
    "pays_off",
    "plain_type",
    "plan_rule",
    "query_rule",
    "quoted",
    "quoted_table",
    "ran",
    "read_fraction",
    "replace",
    "rows_in_batches",
    "same_values_script",
    "scanned_table",
    "schema_rule",
    "script",
    "server_rule",
    "shape_of",
    "size_text",
    "stopped",
    "supports_foreign_key",
    "table",
    "table_sql",
    "temp_kb_per_call",
    "timeout",
    "unique_steps",
    "users_of",
    "validated_steps",
    "wastes_of",
    "workload_rule",
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
