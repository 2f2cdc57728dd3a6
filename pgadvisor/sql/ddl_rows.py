"""Statements on rows as steps: INSERT, UPDATE, DELETE, MERGE, COPY, SELECT, CALL."""

from typing import Any

from pgadvisor.sql.ddl_create import tables_in
from pgadvisor.sql.ddl_default import calls
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.ddl_text import DdlText, Name, dotted, relation
from pgadvisor.sql.nodes import constant, function_name, strings, unwrap
from pgadvisor.sql.parse import Node
from pgadvisor.sql.syntax import walk

_WRITES = {"InsertStmt": "insert", "UpdateStmt": "update", "DeleteStmt": "delete", "MergeStmt": "merge"}


def write(body: Node, text: DdlText, kind: str) -> list[DdlStep]:
    """An INSERT, UPDATE, DELETE or MERGE, after those in its CTEs."""
    inner = _writes_in(body.get("withClause", {}), text)
    return [*inner, _one(kind, body)]


def _writes_in(node: Any, text: DdlText) -> list[DdlStep]:
    return [_one(kind, body) for kind, body in walk(node) if kind in _WRITES]


def _one(kind: str, body: Node) -> DdlStep:
    target = relation(body["relation"])
    schema, name = target or (None, "")
    query = body.get("selectStmt", {}).get("SelectStmt", {})
    return DdlStep(
        command=_WRITES[kind],
        kind="rows",
        schema=schema,
        name=name,
        table=target,
        has_where=kind not in ("UpdateStmt", "DeleteStmt") or "whereClause" in body,
        pinned=_pinned(body.get("whereClause")),
        inserts_query=kind == "InsertStmt" and "valuesLists" not in query and bool(query),
        reads=_others(body, target),
        calls=calls(body),
    )


def _pinned(condition: Any) -> tuple[str, ...]:
    """The columns that one of the ANDed parts of a WHERE binds to constants."""
    if not condition:
        return ()
    kind, body = unwrap(condition)
    if kind == "BoolExpr" and body.get("boolop") == "AND_EXPR":
        return tuple(name for part in body["args"] for name in _pinned(part))
    is_bound = body.get("kind") in ("AEXPR_OP", "AEXPR_IN", "AEXPR_BETWEEN")
    if kind != "A_Expr" or not is_bound or strings(body.get("name", []))[-1:] not in (("=",), ("BETWEEN",)):
        return ()
    left, right = unwrap(body["lexpr"]), unwrap(body["rexpr"])
    values = right[1].get("items", []) if right[0] == "List" else [body["rexpr"]]
    if left[0] != "ColumnRef" or any(constant(each) is None for each in values):
        return ()
    return strings(left[1].get("fields", []))[-1:]


def _others(body: Node, target: Name | None) -> tuple[Name, ...]:
    """What it reads beside its target; the target again only where a query names it itself."""
    rest = {key: value for key, value in body.items() if key != "relation"}
    return tuple(each for each in tables_in(rest) if each != target)


def select(body: Node, text: DdlText) -> list[DdlStep]:
    """A SelectStmt; SELECT INTO makes a table."""
    inner = _writes_in(body.get("withClause", {}), text)
    if "intoClause" in body:
        made = body["intoClause"]["rel"]
        schema, name = relation(made) or (None, "")
        rest = {key: value for key, value in body.items() if key != "intoClause"}
        return [*inner, DdlStep(command="create table as", kind="table", schema=schema, name=name, inserts_query=True,
                                is_temporary=made.get("relpersistence") == "t", reads=tables_in(rest),
                                calls=calls(rest))]  # fmt: skip
    locks = "FOR UPDATE" if any("LockingClause" in each for each in body.get("lockingClause", ())) else None
    return [*inner, DdlStep(command="select", kind="rows", reads=tables_in(body), calls=calls(body),
                            set_calls=_set_calls(body), lock_mode=locks)]  # fmt: skip


def _set_calls(body: Node) -> tuple[tuple[str, str], ...]:
    found = []
    for kind, call in walk(body):
        if kind == "FuncCall" and function_name(call) == "set_config":
            given = [constant(each) for each in call.get("args", ())[:2]]
            if len(given) == 2 and given[0] and given[1]:
                found.append((given[0][0].lower(), given[1][0]))
    return tuple(found)


def copy(body: Node, text: DdlText) -> list[DdlStep]:
    """A CopyStmt."""
    target = relation(body.get("relation"))
    schema, name = target or (None, None)
    if body.get("is_from"):
        return [DdlStep(command="copy from", kind="rows", schema=schema, name=name, table=target)]
    reads = (target,) if target else tables_in(body.get("query", {}))
    return [DdlStep(command="copy to", kind="rows", reads=reads)]


def call(body: Node, text: DdlText) -> list[DdlStep]:
    """A CallStmt."""
    schema, name = dotted(body["funccall"].get("funcname", []))
    called = tuple(dict.fromkeys((name.lower(), *calls(body))))
    return [DdlStep(command="call", kind="function", schema=schema, name=name, calls=called)]


def explain(body: Node, text: DdlText) -> list[DdlStep]:
    """An ExplainStmt: with ANALYZE it does what its statement does."""
    names = {each["DefElem"]["defname"] for each in body.get("options", ())}
    return _writes_in(body["query"], text) if "analyze" in names else [DdlStep(command="select", kind="rows")]
