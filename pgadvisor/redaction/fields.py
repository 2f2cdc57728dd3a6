"""What each field of a report's records holds. One that is not here holds a sentence, or no text."""

from typing import Literal

from pgadvisor.redaction.pseudonyms import Kind

Field = (
    Kind
    | Literal[
        "keep", "prose", "sql", "statement", "type", "qualified", "key", "identity", "digest", "endpoint",
        "operator class", "alias", "called", "collation", "subplan", "change", "subject", "place",
    ]
)  # fmt: skip
"""A kind of name, or: `keep`, PostgreSQL's or our own; `sql`, with our remarks; `statement`, whose comments go;
`qualified`, `schema.name`; `key`, of a statement; `identity`, of a finding; `digest`, to be made with the secret;
`change`, what was tried; `subject`, of a gap; `place`, of a finding that is gone."""

FIELDS: dict[tuple[str, str], Field] = {
    ("Server", "version"): "keep",
    ("Server", "database"): "database",
    ("Server", "host"): "host",
    ("Column", "name"): "column",
    ("Column", "type"): "type",
    ("Column", "default"): "sql",
    ("Column", "type_schema"): "schema",
    ("Column", "collation"): "collation",
    ("Column", "collation_schema"): "schema",
    ("IndexKey", "text"): "sql",
    ("IndexKey", "column"): "column",
    ("IndexKey", "operator_class"): "operator class",
    ("IndexKey", "collation"): "collation",
    ("Index", "schema"): "schema",
    ("Index", "name"): "index",
    ("Index", "definition"): "sql",
    ("Index", "method"): "keep",
    ("Index", "included"): "column",
    ("Index", "predicate"): "sql",
    ("Index", "constraint"): "constraint",
    ("Index", "partition_of"): "qualified",
    ("Constraint", "name"): "constraint",
    ("Constraint", "definition"): "sql",
    ("Constraint", "columns"): "column",
    ("Constraint", "references"): "qualified",
    ("Constraint", "referenced_columns"): "column",
    ("Constraint", "on_delete"): "keep",
    ("Constraint", "on_update"): "keep",
    ("Trigger", "name"): "trigger",
    ("Trigger", "definition"): "sql",
    ("ExtendedStatistics", "schema"): "schema",
    ("ExtendedStatistics", "name"): "statistics",
    ("ExtendedStatistics", "definition"): "sql",
    ("ExtendedStatistics", "columns"): "column",
    ("ExtendedStatistics", "kinds"): "keep",
    ("Table", "schema"): "schema",
    ("Table", "name"): "table",
    ("Table", "partition_of"): "qualified",
    ("Table", "partition_key"): "sql",
    ("Table", "partition_bound"): "sql",
    ("Table", "inherits"): "qualified",
    ("Table", "options"): "keep",
    ("Table", "access_method"): "keep",
    ("Disagreement", "statement"): "key",
    ("TriedChange", "statement"): "key",
    ("TriedChange", "change"): "change",
    ("TriedIndex", "name"): "qualified",
    ("TriedIndex", "definition"): "sql",
    ("PlanComparison", "change"): "change",
    ("PlanNode", "node_type"): "keep",
    ("PlanNode", "schema"): "schema",
    ("PlanNode", "table"): "table",
    ("PlanNode", "alias"): "alias",
    ("PlanNode", "index"): "index",
    ("PlanNode", "parent_relationship"): "keep",
    ("PlanNode", "subplan_name"): "subplan",
    ("PlanNode", "cte_name"): "name",
    ("PlanNode", "function_name"): "called",
    ("PlanNode", "join_type"): "keep",
    ("PlanNode", "strategy"): "keep",
    ("PlanNode", "operation"): "keep",
    ("PlanNode", "scan_direction"): "keep",
    ("PlanNode", "sort_method"): "keep",
    ("PlanNode", "sort_space_type"): "keep",
    ("PlanNode", "filter"): "sql",
    ("PlanNode", "index_condition"): "sql",
    ("PlanNode", "recheck_condition"): "sql",
    ("PlanNode", "hash_condition"): "sql",
    ("PlanNode", "merge_condition"): "sql",
    ("PlanNode", "join_filter"): "sql",
    ("PlanNode", "sort_keys"): "sql",
    ("PlanNode", "presorted_keys"): "sql",
    ("PlanNode", "group_keys"): "sql",
    ("PlanNode", "parameters_evaluated"): "keep",
    ("PlanNode", "other"): "keep",  # as JSON, elsewhere
    ("TriggerTime", "name"): "trigger",
    ("TriggerTime", "table"): "table",
    ("TriggerTime", "constraint"): "constraint",
    ("StatementPlan", "statement"): "key",
    ("DrawnPlan", "label"): "keep",
    ("RejectedRemedy", "rule"): "keep",
    ("RejectedRemedy", "change"): "sql",
    ("RejectedRemedy", "statements"): "key",
    ("UnplannedStatement", "statement"): "key",
    ("Trials", "planner"): "keep",
    ("Trials", "different"): "key",
    ("Statement", "key"): "key",
    ("Statement", "text"): "statement",
    ("Statement", "fingerprint"): "digest",
    ("Statement", "file"): "file",
    ("Statement", "name"): "endpoint",
    ("Statement", "ignores"): "keep",
    ("Statement", "tags"): "keep",  # in pairs, elsewhere
    ("Remedy", "sql"): "sql",
    ("Remedy", "undo"): "sql",
    ("Where", "table"): "qualified",
    ("Where", "column"): "column",
    ("Where", "index"): "index",
    ("Where", "statement"): "key",
    ("Where", "file"): "file",
    ("Where", "endpoint"): "endpoint",
    ("Finding", "rule"): "keep",
    ("Finding", "also"): "keep",
    ("Finding", "key"): "identity",
    ("Finding", "statements"): "key",
    ("GoneFinding", "rule"): "keep",
    ("GoneFinding", "key"): "identity",
    ("GoneFinding", "applied"): "qualified",
    ("GoneFinding", "place"): "place",
    ("StatementChange", "text"): "statement",
    ("StatementChange", "statement"): "key",
    ("Gap", "subject"): "subject",
    ("StatementEffect", "statement"): "key",
    ("AdvisedIndex", "name"): "index",
    ("AdvisedIndex", "table"): "qualified",
    ("AdvisedIndex", "definition"): "sql",
    ("AdvisedIndex", "sql"): "sql",
    ("AdvisedIndex", "then"): "sql",
    ("AdvisedIndex", "undo"): "sql",
    ("AdvisedIndex", "checks"): "sql",
    ("DroppedIndex", "name"): "qualified",
    ("DroppedIndex", "table"): "qualified",
    ("DroppedIndex", "sql"): "sql",
    ("DroppedIndex", "undo"): "sql",
    ("DroppedIndex", "replaced_by"): "qualified",
    ("KeptIndex", "name"): "qualified",
    ("KeptIndex", "table"): "qualified",
    ("KeptIndex", "definition"): "sql",
    ("KeptIndex", "statements"): "key",
    ("WhyNot", "definition"): "sql",
    ("WhyNot", "dominated_by"): "qualified",
    ("Measured", "statement"): "key",
    ("IndexAdvice", "tried_on"): "keep",
    ("IndexAdvice", "left_out"): "keep",  # in pairs, elsewhere
    ("Endpoint", "name"): "endpoint",
    ("JudgedMigration", "file"): "file",
    ("JudgedMigration", "down_file"): "file",
    ("JudgedMigration", "tool"): "keep",
    ("JudgedMigrations", "tried_on"): "keep",
    ("Endpoint", "statements"): "key",
    ("TimeShare", "statement"): "key",
    ("RuleNotRun", "rule"): "keep",
    ("UnreadStatement", "statement"): "key",
    ("Report", "pgadvisor"): "keep",
    ("Report", "rules_run"): "keep",
    ("Report", "rule_pages"): "keep",
}

SUBJECTS = frozenset(
    (
        "access methods", "collations", "columns of range types", "connection", "extended statistics", "extensions",
        "functions", "locale", "pg_stat_statements.track", "row security", "schemas", "search paths", "sequences",
        "size", "sizes", "statements of other roles", "statistics", "tables never analyzed", "text search",
        "the previous run", "triggers", "types", "values", "version", "views",
    )
)  # fmt: skip
"""What a gap is of, where that is nothing with a name."""

TAG_KEYS = frozenset(
    (
        "action", "app", "application", "component", "controller", "db_driver", "framework", "job", "job_tag", "line",
        "namespaced_controller", "route", "sidekiq_job", "source_location", "traceparent", "tracestate",
    )
)  # fmt: skip
"""Names of tags that sqlcommenter and marginalia give; others are the user's own."""

WORDS_OF_EXPLAIN = frozenset(
    (
        "Cache Mode", "Command", "Conflict Resolution", "Custom Plan Provider", "Node Type", "Operation",
        "Partial Mode", "Sampling Method", "Sort Method", "Sort Methods Used", "Sort Space Type", "Storage",
    )
)  # fmt: skip
"""Keys of EXPLAIN whose values are words of its own."""
