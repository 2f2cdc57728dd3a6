"""Conditions: from WHERE, ON, HAVING and the select list to predicates."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from pgadvisor.model.finding import Span
from pgadvisor.sql.drafts import Draft
from pgadvisor.sql.nodes import LEAVES, NAME_LISTS, constant, function_name, has_aggregate, operator, type_name, unwrap
from pgadvisor.sql.parse import Node
from pgadvisor.sql.query import Comparison, Predicate, Value, WrapKind
from pgadvisor.sql.reading import Reading

ConditionPlace = Literal["where", "on", "having", "select"]

_FLIPPED = {
    "=": "=",
    "<>": "<>",
    "<": ">",
    ">": "<",
    "<=": ">=",
    ">=": "<=",
    "@>": "<@",
    "<@": "@>",
    "&&": "&&",
    "@@": "@@",
    "IS DISTINCT FROM": "IS DISTINCT FROM",
    "IS NOT DISTINCT FROM": "IS NOT DISTINCT FROM",
}
"""Operators that can be read from the other side (`pg_operator.oprcom`)."""
_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "IN": "NOT IN", "EXISTS": "NOT EXISTS"}
_PATTERNS = {"~~": "LIKE", "~~*": "ILIKE"}
_LIKE = frozenset(("LIKE", "ILIKE", "SIMILAR TO", "~", "~*", "LIKE ANY", "ILIKE ANY", "LIKE ALL", "ILIKE ALL"))
_COMPARING = frozenset(_FLIPPED) | _LIKE | frozenset(("!~", "!~*", "~~", "!~~", "~~*", "!~~*", "?", "?|", "?&", "@?"))
_ARITHMETIC = frozenset("+-*/%^")
_JSON = frozenset(("->", "->>", "#>", "#>>"))
_NO_TESTS = LEAVES | NAME_LISTS | {"SubLink", "SelectStmt"}
"""Keys of the tree below which no test of this scope stands."""
_TESTS = frozenset(("NullTest", "BooleanTest", "BoolExpr"))


class _Place(NamedTuple):
    """Where in a condition we stand."""

    draft: Draft
    place: ConditionPlace
    is_conjunct: bool = True
    is_negated: bool = False
    disjunction: int | None = None
    arm: int | None = None
    takes_null: bool = False
    """Below `IS NOT TRUE` or `IS NOT FALSE`, which are true for NULL."""


def read_condition(reading: Reading, draft: Draft, node: Node | None, place: ConditionPlace) -> None:
    """Adds the predicates of a WHERE, ON or HAVING to the draft."""
    if node:
        reading.enter(node, draft, place)
        _Conditions(reading).read(node, _Place(draft, place))


def read_tests(reading: Reading, draft: Draft, node: Any, place: ConditionPlace = "select") -> None:
    """Adds the predicates that stand somewhere in an expression, which was entered, to the draft."""
    _Conditions(reading).search(node, _Place(draft, place, is_conjunct=False))


class _Conditions:
    """Walks one condition."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._readers: dict[str, Callable[[Node, Node, _Place], None]] = {
            "BoolExpr": self._boolean,
            "A_Expr": self._operation,
            "NullTest": self._null_test,
            "BooleanTest": self._boolean_test,
            "SubLink": self._sublink,
        }

    def read(self, node: Node, at: _Place) -> None:
        """A node that stands where a truth value is expected."""
        kind, body = unwrap(node)
        reader = self._readers.get(kind)
        if reader:
            reader(node, body, at)
        elif kind not in ("A_Const", "ParamRef"):
            self._bare(node, at)
            self.search(body, at._replace(is_conjunct=False))

    def search(self, node: Any, at: _Place) -> None:
        """Finds the tests inside an expression: arguments of CASE, FILTER, coalesce."""
        if isinstance(node, list):
            for each in node:
                self.search(each, at)
        elif isinstance(node, dict):
            for kind, value in node.items():
                if isinstance(value, dict) and _tells_truth(kind, value):
                    self.read({kind: value}, at)
                elif isinstance(value, dict | list) and kind not in _NO_TESTS:
                    self.search(value, at)

    def _boolean(self, _: Node, body: Node, at: _Place) -> None:
        operands = body["args"]
        if body["boolop"] == "NOT_EXPR":
            inner = operands[0]
            is_one = _takes_not(inner)
            self.read(inner, at._replace(is_negated=not at.is_negated, is_conjunct=at.is_conjunct and is_one))
            return
        is_or = (body["boolop"] == "OR_EXPR") != at.is_negated
        if not is_or or at.disjunction is not None:
            for each in operands:
                self.read(each, at._replace(is_conjunct=at.is_conjunct and not is_or and not at.is_negated))
            return
        number = self._reading.disjunction()
        for arm, each in enumerate(_flat(operands, body["boolop"])):
            self.read(each, at._replace(is_conjunct=False, disjunction=number, arm=arm))

    def _operation(self, node: Node, body: Node, at: _Place) -> None:
        kind = body.get("kind")
        name, is_negated = _operator_of(body)
        left, right = body.get("lexpr"), body.get("rexpr")
        if left is None or right is None or kind == "AEXPR_NULLIF":
            self._bare(node, at)
            self.search(body, at._replace(is_conjunct=False))
            return
        at = at._replace(is_negated=at.is_negated != is_negated)
        rows = _row_pairs(left, right) if name == "=" and at.is_conjunct and not at.is_negated else None
        if rows:
            for one, other in rows:
                self._compare({"A_Expr": {}}, one, other, name, at)
        elif kind is not None and "BETWEEN" in kind:
            low, high = unwrap(right)[1]["items"]
            value, upper = self._reading.value(low), self._reading.value(high)
            self._add(node, left, name, value, at, upper=upper)
        else:
            self._compare(node, left, right, name, at)
        self.search([left, right], at._replace(is_conjunct=False))

    def _compare(self, node: Node, left: Node, right: Node, name: str, at: _Place) -> None:
        flipped = _FLIPPED.get(name)
        if flipped and not self._weight(left) and self._weight(right):
            left, right, name = right, left, flipped
        self._note_scalars(node, left, right, name, at)
        self._add(node, left, name, self._reading.value(right), at)

    def _weight(self, node: Node) -> bool:
        """Whether a side may stand on the left: it has columns, an aggregate or a subquery."""
        return bool(self._reading.columns(node)) or has_aggregate(node) or bool(self._reading.subqueries(node))

    def _note_scalars(self, node: Node, left: Node, right: Node, name: str, at: _Place) -> None:
        """Tells scalar subqueries on either side how they are compared, seen from their side."""
        for own, other, seen in ((left, right, name), (right, left, _FLIPPED.get(name, name))):
            kind, body = unwrap(_uncast(own))
            if kind == "SubLink" and body.get("subLinkType") == "EXPR_SUBLINK":
                self._note(body, node, _OPPOSITE.get(seen, f"NOT {seen}") if at.is_negated else seen, other, at)

    def _note(self, sublink: Node, node: Node, name: str, other: Node | None, at: _Place) -> None:
        reading = self._reading
        reading.subquery(sublink).comparison = Comparison(
            operator=name,
            column=reading.column(_uncast(other)) if other else None,
            value=reading.value(other) if other else None,
            is_conjunct=at.is_conjunct,
            span=reading.extents.span(node),
        )

    def _null_test(self, node: Node, body: Node, at: _Place) -> None:
        name = "IS NULL" if body["nulltesttype"] == "IS_NULL" else "IS NOT NULL"
        self._add(node, body["arg"], name, Value(kind="none"), at)
        self.search(body["arg"], at._replace(is_conjunct=False))

    def _boolean_test(self, node: Node, body: Node, at: _Place) -> None:
        """`x IS TRUE`; a test of a condition is that condition, with another answer for NULL."""
        name = body["booltesttype"].replace("_", " ")
        kind, inner = unwrap(body["arg"])
        if _tells_truth(kind, inner):
            negates = name in ("IS FALSE", "IS NOT TRUE")
            at = at._replace(is_negated=at.is_negated != negates, is_conjunct=False)
            self.read(body["arg"], at._replace(takes_null=name in ("IS NOT TRUE", "IS NOT FALSE")))
            return
        self._add(node, body["arg"], name, Value(kind="none"), at)

    def _sublink(self, node: Node, body: Node, at: _Place) -> None:
        kind = body["subLinkType"]
        scope = self._reading.subquery(body).number
        value = Value(kind="subquery", scope=scope, text=self._reading.extents.text(self._subquery_span(body)) or "")
        if kind == "EXISTS_SUBLINK":
            self._note(body, node, "NOT EXISTS" if at.is_negated else "EXISTS", None, at)
            self._append(Predicate(key="exists", source="EXISTS", value=value, operator="EXISTS"), node, at)
        elif kind in ("ANY_SUBLINK", "ALL_SUBLINK"):
            names = [each["String"]["sval"] for each in body.get("operName", [])]
            name = f"{names[-1]} {kind.removesuffix('_SUBLINK')}" if names else "IN"
            # `(x IN (…)) IS NOT TRUE` keeps the rows that a NULL makes undecided: it is no NOT IN.
            seen = _OPPOSITE.get(name, f"NOT {name}") if at.is_negated and not at.takes_null else name
            self._note(body, node, seen, body["testexpr"], at)
            self._add(node, body["testexpr"], name, value, at)
            self.search(body["testexpr"], at._replace(is_conjunct=False))
        else:
            self._bare(node, at)

    def _subquery_span(self, body: Node) -> Span | None:
        return self._reading.subquery(body).facts.get("span")

    def _bare(self, node: Node, at: _Place) -> None:
        """A column, function or CASE that is the condition itself."""
        self._add(node, node, "IS TRUE", Value(kind="none"), at)

    def _add(self, node: Node, left: Node, name: str, value: Value, at: _Place, *, upper: Value | None = None) -> None:
        reading = self._reading
        columns = reading.columns(left)
        uses = bool(columns or value.columns or value.column or value.kind == "subquery" or (upper and upper.columns))
        is_aggregate = has_aggregate(left)
        if not (uses or is_aggregate or reading.subqueries(left) or at.disjunction is not None):
            return
        column = columns[0] if len(columns) == 1 else None
        wrapping = wrapping_of(reading, left, name) if column else _NOT_WRAPPED
        predicate = Predicate(
            key=reading.key(left),
            source=reading.source(left)[0],
            value=value,
            operator=name,
            column=column,
            columns=columns,
            is_wrapped=wrapping.wrap is not None,
            wrap=wrapping.wrap,
            function=wrapping.function,
            cast_to=wrapping.cast_to,
            upper=upper,
            has_aggregate=is_aggregate,
        )
        self._append(predicate, node, at)

    def _append(self, predicate: Predicate, node: Node, at: _Place) -> None:
        at.draft.predicates.append(
            msgspec.structs.replace(
                predicate,
                is_negated=at.is_negated,
                place=at.place,
                is_conjunct=at.is_conjunct,
                disjunction=at.disjunction,
                arm=at.arm,
                scope=at.draft.number,
                span=self._reading.extents.span(node),
            )
        )


class Wrapping(NamedTuple):
    """What stands around a column."""

    wrap: WrapKind | None = None
    function: str | None = None
    cast_to: str | None = None


_NOT_WRAPPED = Wrapping()


def wrapping_of(reading: Reading, node: Node, name: str) -> Wrapping:
    """What stands around the only column of an expression that is compared by that operator."""
    kind, body = unwrap(node)
    if kind == "ColumnRef":
        return _NOT_WRAPPED
    if kind == "TypeCast":
        return _cast_wrapping(reading, body, name)
    inner = next(_holding(reading, body), None)
    cast_to = wrapping_of(reading, inner, name).cast_to if inner else None
    wrap, function = _wrap_kind(kind, body)
    return Wrapping(wrap, function, cast_to)


def _cast_wrapping(reading: Reading, body: Node, name: str) -> Wrapping:
    column, target = reading.column(body["arg"]), type_name(body["typeName"])
    if column is None:
        inner = wrapping_of(reading, body["arg"], name)
        return Wrapping("cast", None, inner.cast_to)
    if reading.is_relabelled(body):
        return _NOT_WRAPPED
    if reading.type_of(column) is None and name in _LIKE and target == "text":
        # Object mappers write `name::text LIKE …` around text columns; of another type nothing is known here.
        return _NOT_WRAPPED
    return Wrapping("cast", None, target)


def _wrap_kind(kind: str, body: Node) -> tuple[WrapKind, str | None]:
    """The kind of a node around a column, and its name when it is a function."""
    if kind == "FuncCall":
        name = function_name(body)
        is_zone = name == "timezone" and body.get("funcformat") == "COERCE_SQL_SYNTAX"
        return ("at time zone", None) if is_zone else ("function", name)
    if kind == "CoalesceExpr":
        return "coalesce", "coalesce"
    if kind == "MinMaxExpr":
        return "function", "least" if body.get("op") == "IS_LEAST" else "greatest"
    if kind == "CaseExpr":
        return "case", None
    if kind != "A_Expr":
        return "other", None
    if body.get("kind") == "AEXPR_NULLIF":
        return "function", "nullif"
    name = operator(body)
    if name in _JSON:
        return "json", None
    if name == "||":
        return "concat", None
    return ("arithmetic" if name in _ARITHMETIC else "other"), None


def _holding(reading: Reading, body: Any) -> Iterator[Node]:
    """The operands of a node that hold a column."""
    values = body.values() if isinstance(body, dict) else body
    for value in values:
        if isinstance(value, dict) and value and next(iter(value))[:1].isupper():
            if reading.columns(value):
                yield value
        elif isinstance(value, dict | list):
            yield from _holding(reading, value)


def _uncast(node: Node) -> Node:
    """The node below casts."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    return node


def _flat(operands: list[Node], boolop: str) -> Iterator[Node]:
    """The operands with those of the same operator below them."""
    for each in operands:
        kind, body = unwrap(each)
        if kind == "BoolExpr" and body["boolop"] == boolop:
            yield from _flat(body["args"], boolop)
        else:
            yield each


def _takes_not(node: Node) -> bool:
    """Whether NOT before the node is part of its operator: NOT IN, NOT EXISTS, NOT LIKE."""
    kind, body = unwrap(node)
    if kind == "SubLink":
        return body.get("subLinkType") in ("ANY_SUBLINK", "EXISTS_SUBLINK")
    return kind == "ColumnRef" or (kind == "A_Expr" and body.get("kind") in ("AEXPR_IN", "AEXPR_LIKE", "AEXPR_ILIKE"))


def _tells_truth(kind: str, body: Node) -> bool:
    """Whether a node of that kind is a condition by its nature."""
    if kind == "SubLink":
        return body.get("subLinkType") in ("ANY_SUBLINK", "ALL_SUBLINK", "EXISTS_SUBLINK")
    return kind in _TESTS or (kind == "A_Expr" and _is_test(body))


def _is_test(body: Node) -> bool:
    """Whether an A_Expr gives a truth value."""
    kind = body.get("kind")
    if kind == "AEXPR_OP":
        return "lexpr" in body and operator(body) in _COMPARING
    return kind != "AEXPR_NULLIF"


def _operator_of(body: Node) -> tuple[str, bool]:
    """The operator in our spelling, and whether NOT is part of it."""
    kind, name = body.get("kind", ""), operator(body)
    if kind == "AEXPR_IN":
        return "IN", name == "<>"
    if "BETWEEN" in kind:
        return name.removeprefix("NOT "), name.startswith("NOT ")
    if kind == "AEXPR_DISTINCT":
        return "IS DISTINCT FROM", False
    if kind == "AEXPR_NOT_DISTINCT":
        return "IS NOT DISTINCT FROM", False
    if kind == "AEXPR_SIMILAR":
        return "SIMILAR TO", name.startswith("!")
    is_negated = name.startswith("!~")
    bare = name[1:] if is_negated else name
    spelled = _PATTERNS.get(bare, bare)
    if kind in ("AEXPR_OP_ANY", "AEXPR_OP_ALL"):
        word = _PATTERNS.get(name, name)
        return f"{word} {kind.removeprefix('AEXPR_OP_')}", False
    return spelled, is_negated


def _row_pairs(left: Node, right: Node) -> list[tuple[Node, Node]] | None:
    """The pairs of `(a, b) = (1, 2)`, which PostgreSQL reads as `a = 1 AND b = 2`."""
    (left_kind, left_body), (right_kind, right_body) = unwrap(left), unwrap(right)
    if left_kind != "RowExpr" or right_kind != "RowExpr":
        return None
    ours, theirs = left_body.get("args", []), right_body.get("args", [])
    return list(zip(ours, theirs, strict=True)) if len(ours) == len(theirs) else None


def is_trivial(node: Node | None) -> bool:
    """Whether a condition is true whatever the row: missing, `true`, `1 = 1`."""
    kind, body = unwrap(node or {})
    if not kind:
        return True
    if constant({kind: body}) == ("true", "boolean"):
        return True
    if kind == "A_Expr" and operator(body) == "=" and "lexpr" in body:
        left = constant(body["lexpr"])
        return left is not None and left[1] is not None and left == constant(body["rexpr"])
    return False
