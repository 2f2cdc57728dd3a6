"""Query: what a statement means, as records. Made by `pgadvisor.sql.reader.read_query`."""

import re
from collections.abc import Iterator
from typing import Literal

from pgadvisor.model.finding import Span
from pgadvisor.model.record import Record

QueryKind = Literal["select", "insert", "update", "delete", "merge", "other"]
Place = Literal["top", "arm", "cte", "from", "select", "where", "having", "on", "order by", "set", "values", "other"]
JoinKind = Literal["from", "comma", "inner", "left", "right", "full", "cross", "natural"]
ValueKind = Literal["constant", "parameter", "null", "column", "subquery", "list", "expression", "none"]
WrapKind = Literal["function", "cast", "arithmetic", "coalesce", "case", "concat", "json", "at time zone", "other"]


class ColumnUse(Record):
    """A column as it is used: resolved where the schema, or a single table in scope, allows it."""

    column: str
    table: str | None = None
    """`schema.table` when the schema is known, else as written; None: not resolved, or of a CTE or derived table."""
    alias: str | None = None
    """The alias (or name) of the relation in its scope; None: not resolved."""
    scope: int = 0
    """The scope that the relation belongs to: smaller than the using scope's number for an outer column."""


class TableUse(Record):
    """A relation in a FROM clause, or the target of a write."""

    alias: str
    """Alias, or the bare name where there is none."""
    kind: Literal["table", "view", "cte", "subquery", "function", "values", "unknown"]
    table: str | None = None
    """`schema.table` when the schema is known, else as written; None for subqueries, functions, VALUES, CTEs."""
    inner: int | None = None
    """The scope that a CTE, subquery or VALUES stands for."""
    join: JoinKind = "from"
    has_condition: bool = False
    """An ON or USING that is not trivially true."""
    conditions: tuple[str, ...] = ()
    """Aliases that its ON or USING names, itself left out."""
    is_lateral: bool = False
    is_target: bool = False
    is_sampled: bool = False
    is_used: bool = True
    """Something beside its own ON or USING names it; a star does, and so does a name that may be its."""
    span: Span | None = None


class Value(Record):
    """The other side of a predicate, or a LIMIT or OFFSET."""

    kind: ValueKind
    text: str = ""
    """The source text; of a constant its value without quotes."""
    type: str | None = None
    """The type it is written with: `numeric` in `42::numeric`, `date` in `date '2024-01-01'`; `string`, `integer`,
    `number`, `boolean` for a bare constant. None: not said."""
    column: ColumnUse | None = None
    scope: int | None = None
    """Of a subquery: its scope."""
    count: int | None = None
    """Of a list: how many items."""
    items: tuple["Value", ...] = ()
    """Of a list: the items, at most the first 1,000."""
    columns: tuple[ColumnUse, ...] = ()
    """Every column in an expression."""


class Predicate(Record):
    """A comparison with a column (or an expression over columns) on its left; `5 = a` is turned into `a = 5`."""

    key: str
    """Canonical text of the left side, without alias: `email`, `lower(email)`."""
    source: str
    """The left side as written."""
    value: Value
    operator: str
    """`=`, `<>`, `<`, `LIKE`, `ILIKE`, `SIMILAR TO`, `~`, `IN`, `= ANY`, `<> ALL`, `BETWEEN`, `IS NULL`,
    `IS NOT NULL`, `IS DISTINCT FROM`, `@>`, `?`, `@@`, `EXISTS`, …; upper case, without NOT."""
    is_negated: bool = False
    """NOT stands before it: NOT IN, NOT LIKE, NOT EXISTS."""
    column: ColumnUse | None = None
    """The column on the left, also when wrapped; None: none, or several different ones."""
    columns: tuple[ColumnUse, ...] = ()
    """All columns on the left."""
    is_wrapped: bool = False
    """Something stands around the column, so that a plain index on it cannot serve. A cast that changes nothing
    (varchar to text) is no wrapping."""
    wrap: WrapKind | None = None
    """The outermost thing around it."""
    function: str | None = None
    """Its lower-case name, when a function: `lower`, `date_trunc`, `extract`."""
    cast_to: str | None = None
    """The type that the column itself is cast to, as `format_type` prints it, when that changes anything."""
    has_aggregate: bool = False
    """The left side holds an aggregate: `count(*)`, `sum(x)`."""
    upper: Value | None = None
    """Of BETWEEN."""
    place: Literal["where", "on", "having", "select"] = "where"
    is_conjunct: bool = True
    """Stands at the top of its clause's AND: False under OR or NOT."""
    disjunction: int | None = None
    """Number of the OR it stands under within its query; predicates of one OR share it."""
    arm: int | None = None
    """Which arm of that OR it stands in."""
    scope: int = 0
    span: Span | None = None
    """The whole predicate in the query's text."""


class Output(Record):
    """One item of a select list or RETURNING."""

    text: str
    """As written."""
    alias: str | None = None
    is_star: bool = False
    star_of: str | None = None
    """The alias in `o.*`; None in a bare `*`."""
    column: ColumnUse | None = None
    """When it is a bare column."""
    columns: tuple[ColumnUse, ...] = ()
    """Every column in it, subqueries left out."""
    has_aggregate: bool = False
    has_window: bool = False
    is_constant: bool = False
    is_count_star: bool = False
    """`count(*)` or `count(1)`, bare."""
    subqueries: tuple[int, ...] = ()
    span: Span | None = None

    @property
    def name(self) -> str | None:
        """The name that the outer query knows it by, where the text gives one."""
        return self.alias or (self.column.column if self.column else None)


class SortKey(Record):
    """One item of an ORDER BY; an ordinal or an output alias is resolved to what it stands for."""

    text: str
    key: str
    """Canonical text without alias."""
    column: ColumnUse | None = None
    is_descending: bool = False
    is_nulls_first: bool | None = None
    """None: not said."""
    is_random: bool = False


class Comparison(Record):
    """How a subquery is compared: `x NOT IN (…)`, `(…) > 0`, `EXISTS (…)`."""

    operator: str
    """`IN`, `NOT IN`, `EXISTS`, `NOT EXISTS`, `= ANY`, `<> ALL`, `=`, `>`, …; seen with the subquery on the RIGHT of
    `IN`/`ANY`/`ALL`, and on the LEFT of a scalar comparison."""
    column: ColumnUse | None = None
    """The column on the other side, when it is a bare one."""
    value: Value | None = None
    """The other side."""
    is_conjunct: bool = True
    span: Span | None = None


class Scope(Record):
    """One SELECT (or write): its relations and clauses. Scope 0 is the outermost."""

    number: int
    parent: int | None = None
    place: Place = "top"
    """Where it stands in its parent; `arm`: an arm of a UNION, INTERSECT or EXCEPT."""
    name: str | None = None
    """Alias of a derived table or name of a CTE."""
    set_operation: str | None = None
    """This scope is a set operation of its `arm` children: `union`, `union all`, `intersect`, `except`."""
    comparison: Comparison | None = None
    """Of a subquery in WHERE, HAVING, ON or SELECT: how it is compared; None: its value is used."""
    tables: tuple[TableUse, ...] = ()
    outputs: tuple[Output, ...] = ()
    predicates: tuple[Predicate, ...] = ()
    columns: tuple[ColumnUse, ...] = ()
    """Every column that it names anywhere (also in SET, windows, arguments of functions in FROM), each once; those of
    its subqueries are theirs. A star is the column `*` of its relation, and so is a whole row: `row_to_json(o)`."""
    sort_keys: tuple[SortKey, ...] = ()
    group_keys: tuple[SortKey, ...] = ()
    has_grouping_sets: bool = False
    is_distinct: bool = False
    distinct_on: tuple[str, ...] = ()
    limit: Value | None = None
    """Also FETCH FIRST."""
    offset: Value | None = None
    has_where: bool = False
    has_aggregate: bool = False
    has_window: bool = False
    is_locking: bool = False
    """FOR UPDATE, FOR SHARE and the like."""
    correlated: tuple[ColumnUse, ...] = ()
    """Columns of outer scopes that it, or a scope in it, uses."""
    is_materialized: bool | None = None
    """Of a CTE: MATERIALIZED, NOT MATERIALIZED, or None: not said."""
    is_recursive: bool = False
    references: int = 0
    """Of a CTE: how often it is named."""
    write: QueryKind | None = None
    """Of a data-modifying statement or CTE: insert, update, delete, merge."""
    assigned: tuple[ColumnUse, ...] = ()
    """Columns that an UPDATE sets or an INSERT names."""
    has_column_list: bool = True
    """Of an INSERT: columns are named."""
    span: Span | None = None

    @property
    def target(self) -> TableUse | None:
        """The table it writes to."""
        return next((each for each in self.tables if each.is_target), None)

    def relation(self, alias: str | None) -> TableUse | None:
        """The relation of that alias."""
        return next((each for each in self.tables if each.alias == alias), None)


class Query(Record):
    """A statement understood."""

    text: str
    """The statement's own text; spans point into it."""
    kind: QueryKind
    scopes: tuple[Scope, ...]
    statement: str | None = None
    """`Statement.key`."""
    is_truncated: bool = False

    @property
    def top(self) -> Scope:
        """The outermost scope."""
        return self.scopes[0]

    def predicates(self) -> Iterator[Predicate]:
        """All predicates of all scopes."""
        for scope in self.scopes:
            yield from scope.predicates

    def children(self, number: int) -> Iterator[Scope]:
        """The scopes that stand directly in the scope of that number."""
        return (scope for scope in self.scopes if scope.parent == number)

    def tables(self) -> Iterator[TableUse]:
        """Every use of a real table in every scope."""
        for scope in self.scopes:
            yield from (each for each in scope.tables if each.table is not None)

    def cut(self, span: Span | None) -> str:
        """The text that a span stands for."""
        return self.text[span.start : span.end] if span else ""

    def spliced(self, *changes: tuple[Span, str]) -> str:
        """The text with each span replaced; spans do not overlap."""
        text = self.text
        for span, new in sorted(changes, key=lambda change: change[0].start, reverse=True):
            text = _glued(_glued(text[: span.start], new), text[span.end :])
        return text


def _glued(left: str, right: str) -> str:
    """Both, with a blank between them where two words would become one: `select*from` without its star."""
    return f"{left} {right}" if re.search(r"\w\Z", left) and re.match(r"\w", right) else left + right
