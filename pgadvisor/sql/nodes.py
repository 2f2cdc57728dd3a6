"""What the nodes of libpg_query's tree say: names, types, aggregates, the columns in an expression."""

from typing import Any

from pgadvisor.sql.parse import Node

_TYPES = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "varchar": "character varying",
    "bpchar": "character",
    "varbit": "bit varying",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "decimal": "numeric",
}
"""Internal names to those that `format_type` prints."""

_AGGREGATES_WORDS = """
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist
    dense_rank every json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique
    jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict max min mode percent_rank percentile_cont
    percentile_disc range_agg range_intersect_agg rank regr_avgx regr_avgy regr_count regr_intercept regr_r2
    regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
    xmlagg st_collect st_extent st_union
"""
AGGREGATES = frozenset(_AGGREGATES_WORDS.split())
"""Aggregates of PostgreSQL 18 (`pg_aggregate`), and PostGIS's usual ones."""

_AGGREGATE_KINDS = frozenset(("GroupingFunc", "JsonObjectAgg", "JsonArrayAgg"))
RANDOM = frozenset(("random", "gen_random_uuid", "uuidv4", "uuid_generate_v4"))

NAME_LISTS = frozenset(("fields", "funcname", "name", "names", "collname"))
LEAVES = frozenset(("A_Const", "ParamRef", "ColumnRef", "TypeName", "typeName", "String"))
_OWN_QUERY = frozenset(("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"))


def unwrap(node: Node) -> tuple[str, Node]:
    """A node's kind and inner part: `("ColumnRef", {...})`."""
    for kind, body in node.items():
        return kind, body
    return "", {}


def strings(nodes: list[Node]) -> tuple[str, ...]:
    """The texts of a list of String nodes: the parts of a name."""
    return tuple(node["String"].get("sval", "") for node in nodes if "String" in node)


def parts(column: Node) -> tuple[str, ...]:
    """The parts of a ColumnRef's name; `*` for a star."""
    return tuple("*" if "A_Star" in field else field["String"].get("sval", "") for field in column.get("fields", ()))


def walk(node: Any) -> list[tuple[str, Node]]:
    """Every node in an expression with its kind, parents first; of a subquery the SubLink and its left side only."""
    found: list[tuple[str, Node]] = []
    if node:
        _collect(node, found)
    return found


def _collect(node: Any, found: list[tuple[str, Node]]) -> None:
    """Adds what is below a node. Plain loops: this is where reading spends its time."""
    if type(node) is list:
        for each in node:
            if type(each) is dict or type(each) is list:
                _collect(each, found)
        return
    for key, value in node.items():
        if type(value) is list:
            if key not in NAME_LISTS:
                _collect(value, found)
        elif type(value) is dict and key not in _OWN_QUERY:
            if key[0].isupper():
                found.append((key, value))
            if key == "SubLink":
                if "testexpr" in value:
                    _collect(value["testexpr"], found)
            elif key not in LEAVES:
                _collect(value, found)


def find(node: Any, kind: str) -> list[Node]:
    """The nodes of that kind in an expression, subqueries left out."""
    return [body for each, body in walk(node) if each == kind]


def function_name(call: Node) -> str:
    """The bare lower-case name of a FuncCall."""
    names = strings(call.get("funcname", []))
    return names[-1].lower() if names else ""


def is_aggregate(call: Node) -> bool:
    """Whether a FuncCall is an aggregate, not a window function."""
    if "over" in call:
        return False
    marks = ("agg_star", "agg_distinct", "agg_order", "agg_filter", "agg_within_group")
    return any(call.get(mark) for mark in marks) or function_name(call) in AGGREGATES


def has_aggregate(node: Any) -> bool:
    """Whether an expression holds an aggregate."""
    return any(
        is_aggregate(body) if kind == "FuncCall" else kind in _AGGREGATE_KINDS and "over" not in body
        for kind, body in walk(node)
    )


def has_window(node: Any) -> bool:
    """Whether an expression holds a window function."""
    return any("over" in call for call in find(node, "FuncCall"))


def is_random(node: Any) -> bool:
    """Whether an expression calls a random function."""
    return any(function_name(call) in RANDOM for call in find(node, "FuncCall"))


def operator(expression: Node) -> str:
    """The operator of an A_Expr: `=`, `~~`."""
    names = strings(expression.get("name", []))
    return names[-1] if names else ""


def constant(node: Node) -> tuple[str, str | None] | None:
    """Text and type of a bare A_Const: `("42", "integer")`, `("", None)` for NULL; None for any other node."""
    kind, body = unwrap(node)
    if kind != "A_Const":
        return None
    if body.get("isnull"):
        return "", None
    if "ival" in body:
        return str(body["ival"].get("ival", 0)), "integer"
    if "fval" in body:
        return str(body["fval"].get("fval", "")), "number"
    if "boolval" in body:
        return ("true" if body["boolval"].get("boolval") else "false"), "boolean"
    if "bsval" in body:
        return str(body["bsval"].get("bsval", "")), "bit"
    return str(body.get("sval", {}).get("sval", "")), "string"


def type_name(node: Node) -> str:
    """A TypeName as `format_type` prints it: `character varying(255)`, `timestamp with time zone`, `integer[]`."""
    names = strings(node.get("names", []))
    schema, name = (names[-2], names[-1]) if len(names) > 1 else ("", names[-1] if names else "")
    spelled = _TYPES.get(name, name) if schema in ("", "pg_catalog") else f"{schema}.{name}"
    modifiers = [found[0] for each in node.get("typmods", ()) if (found := constant(each)) is not None]
    if modifiers and name != "interval" and not (name == "bpchar" and modifiers == ["1"] and "location" not in node):
        word, _, rest = spelled.partition(" ") if name.startswith("time") else (spelled, "", "")
        spelled = f"{word}({','.join(modifiers)})" + (f" {rest}" if rest else "")
    return spelled + "[]" * len(node.get("arrayBounds", ()))


def base_type(spelled: str) -> str:
    """A type without its modifiers: `character varying(255)` is `character varying`."""
    before, bracket, after = spelled.partition("(")
    return before + after.partition(")")[2] if bracket else spelled


def output_name(value: Node) -> str | None:
    """The name of an output column without alias (`FigureColname` in parse_target.c); None: `?column?`."""
    kind, body = unwrap(value)
    if kind == "ColumnRef":
        return next((part for part in reversed(parts(body)) if part != "*"), None)
    if kind == "A_Indirection":
        named = strings(body.get("indirection", []))
        return named[-1] if named else output_name(body.get("arg", {}))
    if kind == "FuncCall":
        return function_name(body)
    if kind == "TypeCast":
        names = strings(body.get("typeName", {}).get("names", []))
        return output_name(body.get("arg", {})) or (names[-1] if names else None)
    if kind == "CollateClause":
        return output_name(body.get("arg", {}))
    if kind == "CaseExpr":
        return (output_name(body["defresult"]) if "defresult" in body else None) or "case"
    if kind == "SubLink":
        return _sublink_name(body)
    if kind == "MinMaxExpr":
        return "least" if body.get("op") == "IS_LEAST" else "greatest"
    if kind == "SQLValueFunction":
        return str(body.get("op", "")).removeprefix("SVFOP_").removesuffix("_N").lower()
    if kind == "A_Expr" and body.get("kind") == "AEXPR_NULLIF":
        return "nullif"
    return {"CoalesceExpr": "coalesce", "A_ArrayExpr": "array", "RowExpr": "row", "GroupingFunc": "grouping"}.get(kind)


def _sublink_name(body: Node) -> str | None:
    kind = body.get("subLinkType")
    if kind == "EXISTS_SUBLINK":
        return "exists"
    if kind == "ARRAY_SUBLINK":
        return "array"
    targets = body.get("subselect", {}).get("SelectStmt", {}).get("targetList", [])
    if kind != "EXPR_SUBLINK" or not targets:
        return None
    target = targets[0]["ResTarget"]
    return target.get("name") or output_name(target.get("val", {}))
