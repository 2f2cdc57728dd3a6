"""One spelling for one expression, so that a query's text and a catalog's can be compared."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.nodes import constant, function_name, operator, parts, strings, type_name, unwrap
from pgadvisor.sql.parse import Node, Unread, parse_tree

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z")
_TEXT_TYPES = frozenset(("text", "character varying", "text[]", "character varying[]"))
_NUMBER_TYPES = frozenset(("smallint", "integer", "bigint", "numeric", "real", "double precision"))
_LITERAL_TYPES_WORDS = """
    boolean date interval uuid json jsonb inet cidr macaddr bytea xml tsquery tsvector point box circle money bit
    name oid time timestamp int4range int8range numrange tsrange tstzrange daterange
"""
_LITERAL_TYPES = frozenset(_LITERAL_TYPES_WORDS.split())
"""Types that a literal needs a cast for; a cast of a literal to another one (an enum, regconfig) says nothing that the
other side does not say."""
_OPERATORS = {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE"}
_PREFIX = "SELECT "


@lru_cache(maxsize=20_000)
def canonical(text: str) -> str:
    """The canonical spelling of a SQL expression.

    Column qualifiers, redundant parentheses and casts that change nothing (`::text` on a text or varchar column or
    literal) are dropped, names are lower case unless quoted, synonyms get one name: `lower(email)` and
    `lower((email)::text)` are equal. A text that cannot be parsed comes back with its white space folded.

    A bare column comes back as its plain name, as a catalog keeps it (`createdAt`); within an expression it is quoted
    where SQL needs that. A cast around a bare column and nothing else stays: the types are not known here.
    """
    statements = parse_tree(_PREFIX + text)
    if not isinstance(statements, Unread) and len(statements) == 1:
        targets = _only_targets(statements[0]["stmt"])
        if len(targets) == 1 and "name" not in targets[0]["ResTarget"]:
            return canonical_node(targets[0]["ResTarget"]["val"])
    return " ".join(text.split())


def _only_targets(statement: Node) -> list[Node]:
    """The select list of a statement that is nothing but a select list."""
    body = statement.get("SelectStmt", {})
    if set(body) - {"targetList", "limitOption", "op"}:
        return []
    return body.get("targetList") or []


def canonical_node(node: Node) -> str:
    """The canonical spelling of a node of the tree."""
    kind, body = unwrap(node)
    if kind == "ColumnRef":
        return parts(body)[-1]
    if kind == "TypeCast" and unwrap(body["arg"])[0] == "ColumnRef":
        return f"{_spell(body['arg'])}::{type_name(body['typeName'])}"
    return _spell(node)


def _spell(node: Node) -> str:
    kind, body = unwrap(node)
    spell = _SPELLERS.get(kind)
    return spell(body) if spell else _spell_other(kind, body)


def _inner(node: Node) -> str:
    """An operand: in parentheses when it is an operation itself."""
    text = _spell(node)
    kind, body = unwrap(node)
    is_operation = kind in ("A_Expr", "BoolExpr", "NullTest", "BooleanTest", "CollateClause", "CaseExpr")
    return f"({text})" if is_operation and body.get("kind") != "AEXPR_NULLIF" else text


def _list(nodes: list[Node]) -> str:
    return ", ".join(_spell(node) for node in nodes)


def _spell_column(body: Node) -> str:
    name = parts(body)[-1]
    return "*" if name == "*" else quoted(name)


def _spell_constant(body: Node) -> str:
    text, kind = constant({"A_Const": body}) or ("", None)
    if kind is None:
        return "null"
    if kind == "string":
        return "'" + text.replace("'", "''") + "'"
    return f"'{text}'" if kind == "bit" else text


def _spell_cast(body: Node) -> str:
    argument, target = body["arg"], type_name(body["typeName"])
    found = constant(argument)
    if found is not None and target.removesuffix("[]") in _NUMBER_TYPES and _NUMBER.match(found[0]):
        return found[0]
    kind = unwrap(argument)[0]
    if target in _TEXT_TYPES and (kind in ("ColumnRef", "A_ArrayExpr") or (found is not None and found[1] == "string")):
        return _spell(argument)
    if found is not None and found[1] == "string" and _is_implied(target):
        return _spell(argument)
    if target in _TEXT_TYPES and kind == "TypeCast":
        below = argument["TypeCast"]
        if type_name(below["typeName"]) in _TEXT_TYPES:
            return _spell(argument)
    return f"{_inner(argument)}::{target}"


def _is_implied(target: str) -> bool:
    """Whether a literal is read as that type without a cast, wherever the other side has it."""
    base = target.removesuffix("[]")
    return base not in _NUMBER_TYPES and base.partition(" ")[0].partition("(")[0] not in _LITERAL_TYPES


def _spell_call(body: Node) -> str:
    names = [name for name in strings(body.get("funcname", [])) if name not in ("pg_catalog", "public")]
    name, arguments = function_name(body), body.get("args", [])
    if name == "now" and not arguments:
        return "now()"
    if name == "date" and len(arguments) == 1:
        return f"{_inner(arguments[0])}::date"
    spelled = "*" if body.get("agg_star") else _list(arguments)
    if body.get("agg_distinct"):
        spelled = f"DISTINCT {spelled}"
    if body.get("agg_order"):
        spelled += f" ORDER BY {_list(body['agg_order'])}"
    # A plain word before a parenthesis needs no quotes, whichever keyword it is: left(x, 1).
    written = name if _PLAIN.match(name) else quoted(name)
    call = f"{'.'.join([*(quoted(each) for each in names[:-1]), written])}({spelled})"
    if "agg_filter" in body:
        call += f" FILTER (WHERE {_spell(body['agg_filter'])})"
    return call + (f" OVER ({_spell_other('window', body['over'])})" if "over" in body else "")


def _spell_operation(body: Node) -> str:
    kind, name = body.get("kind", ""), operator(body)
    spell = _OPERATIONS.get(kind)
    if spell:
        return spell(body)
    left = _inner(body["lexpr"]) if "lexpr" in body else ""
    right = body.get("rexpr", {})
    word = _OPERATORS.get(name, name)
    if kind in ("AEXPR_OP_ANY", "AEXPR_OP_ALL"):
        quantifier = kind.removeprefix("AEXPR_OP_")
        array = _array_items(right)
        if array is not None and (name, quantifier) in (("=", "ANY"), ("<>", "ALL")):
            return f"{left} {'IN' if name == '=' else 'NOT IN'} ({_list(array)})"
        return f"{left} {word} {quantifier} ({_spell(right)})"
    if name == "=" and constant(right) == ("true", "boolean"):
        return left
    if name == "=" and constant(right) == ("false", "boolean"):
        return f"NOT {left}"
    return f"{left} {word} {_inner(right)}".strip()


def _array_items(node: Node) -> list[Node] | None:
    """The elements of `ARRAY[…]`, also below `::text[]`."""
    kind, body = unwrap(node)
    if kind == "TypeCast":
        return _array_items(body["arg"])
    return body.get("elements", []) if kind == "A_ArrayExpr" else None


def _spell_in(body: Node) -> str:
    word = "IN" if operator(body) == "=" else "NOT IN"
    return f"{_inner(body['lexpr'])} {word} ({_list(unwrap(body['rexpr'])[1].get('items', []))})"


def _spell_between(body: Node) -> str:
    left = _inner(body["lexpr"])
    low, high = (_inner(each) for each in unwrap(body["rexpr"])[1]["items"])
    if body["kind"] == "AEXPR_BETWEEN":
        return f"({left} >= {low}) AND ({left} <= {high})"
    return f"{left} {operator(body)} {low} AND {high}"


def _spell_distinct(body: Node) -> str:
    word = "IS DISTINCT FROM" if body["kind"] == "AEXPR_DISTINCT" else "IS NOT DISTINCT FROM"
    return f"{_inner(body['lexpr'])} {word} {_inner(body['rexpr'])}"


def _spell_boolean(body: Node) -> str:
    operands = body.get("args", [])
    if body.get("boolop") == "NOT_EXPR":
        return f"NOT {_inner(operands[0])}"
    return f" {'AND' if body.get('boolop') == 'AND_EXPR' else 'OR'} ".join(_inner(each) for each in operands)


def _spell_null_test(body: Node) -> str:
    return f"{_inner(body['arg'])} {'IS NULL' if body.get('nulltesttype') == 'IS_NULL' else 'IS NOT NULL'}"


def _spell_boolean_test(body: Node) -> str:
    return f"{_inner(body['arg'])} {body.get('booltesttype', '').replace('_', ' ')}"


def _spell_case(body: Node) -> str:
    subject = f" {_inner(body['arg'])}" if "arg" in body else ""
    whens = "".join(
        f" WHEN {_spell(each['CaseWhen']['expr'])} THEN {_spell(each['CaseWhen']['result'])}" for each in body["args"]
    )
    default = f" ELSE {_spell(body['defresult'])}" if "defresult" in body else ""
    return f"CASE{subject}{whens}{default} END"


def _spell_value_function(body: Node) -> str:
    name = str(body.get("op", "")).removeprefix("SVFOP_").lower()
    return {"current_timestamp": "now()"}.get(name, name)


def _spell_indirection(body: Node) -> str:
    spelled = _inner(body["arg"])
    for each in body.get("indirection", ()):
        kind, part = unwrap(each)
        if kind == "String":
            spelled = f"({spelled}).{quoted(part.get('sval', ''))}"
        elif kind == "A_Indices":
            bounds = [_spell(part[key]) if key in part else "" for key in ("lidx", "uidx")]
            spelled += f"[{':'.join(bounds) if part.get('is_slice') else bounds[1]}]"
        else:
            spelled = f"({spelled}).*"
    return spelled


def _spell_collate(body: Node) -> str:
    return f'{_inner(body["arg"])} COLLATE "{strings(body.get("collname", []))[-1]}"'


def _spell_sort(body: Node) -> str:
    return _spell(body["node"]) + (" DESC" if body.get("sortby_dir") == "SORTBY_DESC" else "")


def _spell_other(kind: str, body: Any) -> str:
    """Any other node: its kind, its words and what is in it, in the tree's order, without positions."""
    if isinstance(body, dict):
        found = [
            _spell({key: value}) if key in _SPELLERS else _spell_other(key, value)
            for key, value in body.items()
            if "location" not in key and not key.endswith("_len") and key not in ("inh", "relpersistence")
        ]
        return f"{kind.lower()}({', '.join(found)})" if kind[:1].isupper() else " ".join(filter(None, found))
    if isinstance(body, list):
        return ", ".join(_spell_other("", each) for each in body)
    return str(body)


_OPERATIONS: dict[str, Callable[[Node], str]] = {
    "AEXPR_IN": _spell_in,
    "AEXPR_BETWEEN": _spell_between,
    "AEXPR_NOT_BETWEEN": _spell_between,
    "AEXPR_BETWEEN_SYM": _spell_between,
    "AEXPR_NOT_BETWEEN_SYM": _spell_between,
    "AEXPR_DISTINCT": _spell_distinct,
    "AEXPR_NOT_DISTINCT": _spell_distinct,
    "AEXPR_NULLIF": lambda body: f"nullif({_spell(body['lexpr'])}, {_spell(body['rexpr'])})",
}
_SPELLERS: dict[str, Callable[[Node], str]] = {
    "ColumnRef": _spell_column,
    "A_Const": _spell_constant,
    "ParamRef": lambda body: f"${body.get('number', 0)}",
    "TypeCast": _spell_cast,
    "FuncCall": _spell_call,
    "A_Expr": _spell_operation,
    "BoolExpr": _spell_boolean,
    "NullTest": _spell_null_test,
    "BooleanTest": _spell_boolean_test,
    "CaseExpr": _spell_case,
    "CoalesceExpr": lambda body: f"coalesce({_list(body.get('args', []))})",
    "MinMaxExpr": lambda body: (
        f"{'least' if body.get('op') == 'IS_LEAST' else 'greatest'}({_list(body.get('args', []))})"
    ),
    "SQLValueFunction": _spell_value_function,
    "A_ArrayExpr": lambda body: f"ARRAY[{_list(body.get('elements', []))}]",
    "RowExpr": lambda body: f"({_list(body.get('args', []))})",
    "List": lambda body: f"({_list(body.get('items', []))})",
    "A_Indirection": _spell_indirection,
    "CollateClause": _spell_collate,
    "SortBy": _spell_sort,
}
