"""What each parameter of a statement meets: a column, an end of a range, a LIMIT, or nothing that matters."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pgadvisor.model.catalog import ColumnStatistics, Table
from pgadvisor.parameters.distribution import Distribution
from pgadvisor.parameters.form import Form
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.nodes import base_type
from pgadvisor.sql.parse import Unread, parse, tokens_of
from pgadvisor.sql.query import ColumnUse, Predicate, Query, Value
from pgadvisor.sql.syntax import number, parameters

RoleKind = Literal[
    "equal", "above", "below", "age above", "age below", "array", "pattern", "regex", "elements", "element",
    "limit", "inner limit", "offset",
]  # fmt: skip
Wrap = Literal["lower", "upper", "day"]

_RANGES: Mapping[str, RoleKind] = {">": "above", ">=": "above", "<": "below", "<=": "below"}
_PATTERNS: Mapping[str, RoleKind] = {"LIKE": "pattern", "ILIKE": "pattern", "~": "regex", "~*": "regex"}
_EQUALITIES = frozenset({"=", "<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "IN"})
_NOW = frozenset(
    {"now", "current_timestamp", "localtimestamp", "current_date", "statement_timestamp", "transaction_timestamp"}
)
_CONDITIONS = ("whereClause", "quals", "RangeFunction", "RangeTableSample")
"""Where a parameter's value decides how many rows are read; HAVING comes after that, and is usually about 1."""
_GROUPS = ("groupClause", "distinctClause", "havingClause")
"""Where a parameter's value decides how many groups there are."""


class Role(NamedTuple):
    """What a parameter meets."""

    kind: RoleKind
    distribution: Distribution | None = None
    """Of the column it is compared with; None: the values are not known."""
    place: int = 0
    """Of an item of a list: which one, from 0."""
    length: int = 1
    """Of an item of a list: how many there are."""
    wrap: Wrap | None = None
    """What stands around the column, so that the value has to look the same."""
    column: str | None = None
    """The column's canonical text with its alias: both ends of one range have the same."""
    is_conjunct: bool = True
    is_excluding: bool = False
    """Rows with the value are left out."""


class Columns:
    """The distributions of columns, by the tables of a snapshot."""

    def __init__(self, tables: tuple[Table, ...]) -> None:
        self._tables = {table.qualified: table for table in tables}
        self._made: dict[tuple[str, str], Distribution | None] = {}

    def table(self, name: str | None) -> Table | None:
        """The table of that qualified name."""
        return self._tables.get(name or "")

    def of(self, use: ColumnUse | None) -> Distribution | None:
        """The values of a column; None when there are none."""
        return None if use is None or use.table is None else self._find((use.table, use.column), self._column)

    def of_expression(self, use: ColumnUse | None, key: str) -> Distribution | None:
        """The values of an expression that an index of the column's table keeps statistics of."""
        return None if use is None or use.table is None else self._find((use.table, key), self._expression)

    def _find(
        self, key: tuple[str, str], make: Callable[[Table, str], tuple[ColumnStatistics, str] | None]
    ) -> Distribution | None:
        if key not in self._made:
            table = self.table(key[0])
            found = make(table, key[1]) if table else None
            distribution = Distribution(*found, table.rows) if table and found else None
            is_useful = distribution is not None and (distribution.is_known or distribution.element is not None)
            self._made[key] = distribution if is_useful else None
        return self._made[key]

    def _column(self, table: Table, name: str) -> tuple[ColumnStatistics, str] | None:
        column = table.column(name)
        return None if column is None or column.statistics is None else (column.statistics, base_type(column.type))

    def _expression(self, table: Table, key: str) -> tuple[ColumnStatistics, str] | None:
        keys = (each for index in table.indexes for each in index.keys if each.statistics and each.column is None)
        return next(((each.statistics, "") for each in keys if each.statistics and canonical(each.text) == key), None)


def roles_of(query: Query, columns: Columns) -> dict[int, Role]:
    """The role of each parameter that meets something, by its number."""
    found: dict[int, Role] = {}
    for scope in query.scopes:
        for predicate in scope.predicates:
            for at, role in _of_predicate(predicate, columns):
                if at not in found or found[at].distribution is None:
                    found[at] = role
        limit: RoleKind = "limit" if scope.number == 0 else "inner limit"
        for value, kind in ((scope.limit, limit), (scope.offset, "offset")):
            if (at_limit := _parameter(value)) is not None:
                found[at_limit] = Role(kind=kind)
    return found


def deciding(form: Form) -> frozenset[int]:
    """The parameters whose values decide how many rows a part of the statement gives: those of conditions."""
    parsed = parse(form.text)
    if isinstance(parsed, Unread):
        return frozenset()
    return frozenset(number(parameter) for parameter in _below({parsed.kind: parsed.body}, _CONDITIONS))


def grouping(form: Form) -> frozenset[int]:
    """The parameters whose values decide how many groups there are."""
    parsed = parse(form.text)
    if isinstance(parsed, Unread):
        return frozenset()
    return frozenset(number(parameter) for parameter in _below({parsed.kind: parsed.body}, _GROUPS))


def _below(node: Any, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The parameters that stand below one of the keys."""
    if isinstance(node, list):
        for each in node:
            yield from _below(each, keys)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in keys:
                yield from parameters(_without_select_lists(value))
            yield from _below(value, keys)


def _without_select_lists(node: Any) -> Any:
    """The tree without the select lists of subqueries: what EXISTS selects matters to nobody."""
    if isinstance(node, list):
        return [_without_select_lists(each) for each in node]
    if isinstance(node, dict):
        return {key: _without_select_lists(value) for key, value in node.items() if key != "targetList"}
    return node


def _of_predicate(predicate: Predicate, columns: Columns) -> Iterator[tuple[int, Role]]:
    wrap, distribution = _wrap(predicate), columns.of(predicate.column)
    if predicate.is_wrapped and wrap is None:
        distribution = columns.of_expression(predicate.column, predicate.key)
        if distribution is None and predicate.wrap == "coalesce":
            distribution = columns.of(predicate.column)
    key = f"{predicate.column.alias}.{predicate.key}" if predicate.column else None
    value, operator = predicate.value, predicate.operator
    is_excluding = predicate.is_negated != (operator in ("<>", "<> ALL", "IS DISTINCT FROM"))
    role = Role(
        "equal", distribution, wrap=wrap, column=key, is_conjunct=predicate.is_conjunct, is_excluding=is_excluding
    )
    if predicate.has_aggregate:
        return
    if operator in _EQUALITIES or operator in ("= ANY", "<> ALL"):
        yield from _of_equality(predicate, role, columns)
    elif operator == "BETWEEN":
        yield from _of_end(value, role._replace(kind="above"))
        yield from _of_end(predicate.upper, role._replace(kind="below"))
    elif operator in _RANGES and value.kind == "list":
        yield from _of_rows(predicate, columns)
    elif operator in _RANGES:
        yield from _of_end(value, role._replace(kind=_RANGES[operator]))
    elif operator in _PATTERNS and (at := _parameter(value) or _escaped(value) or _folded(value)) is not None:
        yield at, role._replace(kind=_PATTERNS[operator])
    elif operator in ("@>", "&&", "<@"):
        yield from _of_elements(value, role)


def _of_equality(predicate: Predicate, role: Role, columns: Columns) -> Iterator[tuple[int, Role]]:
    value = predicate.value
    if value.kind == "list":
        for place, item in enumerate(value.items):
            if (at := _parameter(item)) is not None:
                yield at, role._replace(place=place, length=len(value.items))
    elif (at := _parameter(value) or _folded(value)) is not None:
        is_array = predicate.operator in ("= ANY", "<> ALL")
        yield at, role._replace(kind="array") if is_array else role
    elif predicate.operator == "= ANY" and value.column is not None:
        element = _number_in(predicate.source)
        if element is not None:
            yield element, role._replace(kind="element", distribution=columns.of(value.column))


def _of_elements(value: Value, role: Role) -> Iterator[tuple[int, Role]]:
    """`tags @> $1` and `tags @> ARRAY[$1]`."""
    if (at := _parameter(value)) is not None:
        yield at, role._replace(kind="elements")
    for item in value.items:
        if (at := _parameter(item)) is not None:
            yield at, role._replace(kind="element")


def _escaped(value: Value) -> int | None:
    """The pattern in `$1 ESCAPE $2`."""
    tokens = tokens_of(value.text)
    is_escaped = len(tokens) > 1 and tokens[0].kind == "parameter" and tokens[1].text.lower() == "escape"
    return int(tokens[0].text[1:]) if is_escaped else None


def _folded(value: Value) -> int | None:
    """The parameter in `upper($1)`, as object mappers write a comparison that ignores case."""
    words = [token.text.lower() for token in tokens_of(value.text)]
    is_folded = len(words) >= 4 and words[0] in ("lower", "upper") and words[1] == "(" and words[-1] == ")"
    plain = is_folded and words[2].startswith("$") and (len(words) == 4 or words[3] == "::") and words.count("(") == 1
    return int(words[2][1:]) if plain else None


def _of_end(value: Value | None, role: Role) -> Iterator[tuple[int, Role]]:
    """One end of a range: a parameter, or `now() - $1`."""
    if value is None:
        return
    if (at := _parameter(value)) is not None:
        yield at, role
        return
    tokens = tokens_of(value.text)
    places = [at for at, token in enumerate(tokens) if token.kind == "parameter"]
    is_age = tokens[:1] and tokens[0].text.lower() in _NOW and len(places) == 1 and tokens[places[0] - 1].text == "-"
    if is_age:
        kind: RoleKind = "age above" if role.kind == "above" else "age below"
        yield int(tokens[places[0]].text[1:]), role._replace(kind=kind)


def _of_rows(predicate: Predicate, columns: Columns) -> Iterator[tuple[int, Role]]:
    """`(a, b) > ($1, $2)`: the first column's range, at one value of the others."""
    for place, (use, item) in enumerate(zip(predicate.columns, predicate.value.items, strict=False)):
        at = _parameter(item)
        if at is not None:
            kind = _RANGES[predicate.operator] if place == 0 else "equal"
            yield at, Role(kind, columns.of(use), column=f"{use.alias}.{use.column}")


def _wrap(predicate: Predicate) -> Wrap | None:
    """A function around the column that we can put around its values too."""
    if predicate.function in ("lower", "upper"):
        return "lower" if predicate.function == "lower" else "upper"
    return "day" if predicate.cast_to == "date" or predicate.function == "date" else None


def _parameter(value: Value | None) -> int | None:
    """The number of the parameter that a value is, with a cast or without."""
    if value is None or value.kind not in ("parameter", "expression") or value.columns:
        return None
    tokens = tokens_of(value.text)
    if not tokens or tokens[0].kind != "parameter" or (len(tokens) > 1 and tokens[1].text != "::"):
        return None
    return _number_in(value.text)


def _number_in(text: str) -> int | None:
    """The number of the one parameter in a text."""
    found = [token for token in tokens_of(text) if token.kind == "parameter"]
    return int(found[0].text[1:]) if len(found) == 1 else None
