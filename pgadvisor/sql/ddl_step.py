"""What a DDL statement does, a step at a time: ALTER TABLE with three clauses is three steps."""

from typing import Literal

from pgadvisor.model.catalog import Index, UserType
from pgadvisor.model.finding import Span
from pgadvisor.model.record import Record

ObjectKind = Literal[
    "table", "index", "view", "materialized view", "type", "domain", "sequence", "schema", "function", "trigger",
    "extension", "policy", "statistics", "role", "database", "publication", "rows", "other",
]  # fmt: skip


class DdlColumn(Record):
    """A column as a step adds or changes it."""

    name: str
    type: str | None = None
    """As format_type prints it: `character varying(20)`; `serial` stays `serial`."""
    default: str | None = None
    """SQL."""
    is_volatile_default: bool = False
    """Its default has another value for each row, so that adding it rewrites the table."""
    default_calls: tuple[str, ...] = ()
    """Functions in its default that are not PostgreSQL's own: whether they are volatile is not known from the text."""
    not_null: bool = False
    is_identity: bool = False
    generated: Literal["stored", "virtual"] | None = None
    collation: str | None = None


class DdlConstraint(Record):
    """A constraint as a step adds it."""

    kind: Literal["primary key", "unique", "foreign key", "check", "not null", "exclusion"]
    name: str | None = None
    columns: tuple[str, ...] = ()
    expression: str | None = None
    """Of a check: SQL."""
    references: tuple[str | None, str] | None = None
    """(schema, table) of a foreign key."""
    referenced_columns: tuple[str, ...] = ()
    is_not_valid: bool = False
    using_index: str | None = None
    is_enforced: bool = True
    """False: NOT ENFORCED (PostgreSQL 18); nothing is ever checked."""
    is_deferrable: bool = False
    on_delete: str = "no action"
    on_update: str = "no action"
    definition: str | None = None
    """As written, without its name."""


class DdlStep(Record):
    """One step. What does not concern its command is None or empty."""

    command: str
    """Its name in the table of locks: `add column`, `set not null`, `create index concurrently`, `update`."""
    kind: ObjectKind
    schema: str | None = None
    """As written; None: the search path decides."""
    name: str | None = None
    """Bare, of the object: of an ALTER TABLE the table, of an index the index."""
    table: tuple[str | None, str] | None = None
    """(schema, name) of the table concerned, where the object is not one itself: of CREATE INDEX, of a trigger."""
    names: tuple[tuple[str | None, str], ...] = ()
    """All objects of a DROP or TRUNCATE of several; `name` is the first."""
    column: DdlColumn | None = None
    column_name: str | None = None
    constraint: DdlConstraint | None = None
    constraint_name: str | None = None
    new_name: str | None = None
    using: str | None = None
    """Of a type change: SQL."""
    columns: tuple[DdlColumn, ...] = ()
    """Of CREATE TABLE."""
    constraints: tuple[DdlConstraint, ...] = ()
    """Of CREATE TABLE, or with a column that is added."""
    index_definition: str | None = None
    """Of CREATE INDEX: the whole statement."""
    partition_of: tuple[str | None, str] | None = None
    setting: tuple[str, str] | None = None
    """Of SET: name and value."""
    is_concurrent: bool = False
    is_cascade: bool = False
    if_exists: bool = False
    is_conditional: bool = False
    """Inside an IF or a loop of PL/pgSQL: it may not run."""
    is_temporary: bool = False
    is_unlogged: bool = False
    if_not_exists: bool = False
    or_replace: bool = False
    new_schema: str | None = None
    """Of SET SCHEMA."""
    has_where: bool = True
    """False: an UPDATE or DELETE of every row."""
    pinned: tuple[str, ...] = ()
    """Columns that the WHERE of an UPDATE or DELETE binds to constants: `= 1`, `IN (1, 2)`, `BETWEEN 1 AND 9`."""
    inserts_query: bool = False
    """Of INSERT: rows of a SELECT, not VALUES; of CREATE TABLE AS: WITH DATA."""
    reads: tuple[tuple[str | None, str], ...] = ()
    """Other tables that it reads: of INSERT … SELECT, a view's query, the source of LIKE."""
    calls: tuple[str, ...] = ()
    """Functions that it calls, bare lower-case names."""
    set_calls: tuple[tuple[str, str], ...] = ()
    """Of SELECT: settings made by set_config(name, value, …), where both are constants."""
    options: tuple[tuple[str, str], ...] = ()
    """Of SET (…) and of VACUUM, CREATE TABLE … WITH (…)."""
    lock_mode: str | None = None
    """Of LOCK TABLE: `ACCESS EXCLUSIVE`."""
    is_local: bool = False
    """Of SET LOCAL."""
    index: Index | None = None
    """Of CREATE INDEX, as the catalog would hold it; its schema is that of the table, empty where not written."""
    is_only: bool = False
    """ON ONLY, ALTER TABLE ONLY: not on partitions or children."""
    partition_key: str | None = None
    """Of CREATE TABLE … PARTITION BY: `RANGE (at)`."""
    partition_bound: str | None = None
    """Of ATTACH and CREATE TABLE … PARTITION OF: `FOR VALUES FROM (1) TO (2)`, `DEFAULT`."""
    likes: tuple[tuple[str | None, str], ...] = ()
    """Of CREATE TABLE: tables whose columns it takes (LIKE, INHERITS)."""
    user_type: UserType | None = None
    """Of CREATE TYPE and CREATE DOMAIN; a domain's constraints are in `constraints`."""
    value: str | None = None
    """A label of an enum that is added or renamed; a statistics target, a storage; of REPLICA IDENTITY what it is."""
    placement: str | None = None
    """Of ADD VALUE: `BEFORE 'x'` or `AFTER 'x'`."""
    volatility: Literal["immutable", "stable", "volatile"] | None = None
    """Of CREATE FUNCTION."""
    body: tuple["DdlStep", ...] = ()
    """Of CREATE FUNCTION and PROCEDURE: what it does when it is called, not now."""
    reason: str | None = None
    """Of `unknown`: what is not understood, as a clause."""
    span: Span | None = None
    """In the statement's text."""
