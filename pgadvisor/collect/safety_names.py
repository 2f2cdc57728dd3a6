"""What a text would make the server touch: the relations, functions, operators and types that it names.

Nothing here asks a server. Node kinds that are not on the list are objections: what is not known is not run.
"""

from collections.abc import Iterator
from typing import Any

from pgadvisor.model.record import Record
from pgadvisor.sql.nodes import strings
from pgadvisor.sql.parse import Node, Unread, parse_tree
from pgadvisor.sql.syntax import walk

Name = tuple[str | None, str]
"""Schema, where one is written, and name."""

_KINDS = frozenset({
    "A_ArrayExpr", "A_Const", "A_Expr", "A_Indices", "A_Indirection", "A_Star", "Alias", "BitString",
    "BoolExpr", "Boolean", "BooleanTest", "CTECycleClause", "CTESearchClause", "CaseExpr", "CaseWhen",
    "CoalesceExpr", "CollateClause", "ColumnDef", "ColumnRef", "CommonTableExpr", "Float", "FuncCall", "GroupingFunc",
    "GroupingSet", "Integer", "JoinExpr", "List", "MinMaxExpr", "NamedArgExpr", "NullTest", "ParamRef",
    "RangeFunction", "RangeSubselect", "RangeTableSample", "RangeVar", "ResTarget", "RowExpr",
    "SQLValueFunction", "SelectStmt", "SortBy", "String", "SubLink", "TypeCast", "TypeName", "WindowDef",
    "WithClause"
})  # fmt: skip
"""Kinds of nodes of a SELECT that reads and computes, and does nothing else."""

_WORDS = {
    "LockingClause": "locks rows (FOR UPDATE or FOR SHARE)",
    "intoClause": "makes a table (SELECT INTO)",
    "InsertStmt": "writes (INSERT)",
    "UpdateStmt": "writes (UPDATE)",
    "DeleteStmt": "writes (DELETE)",
    "MergeStmt": "writes (MERGE)",
}
_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_OF_WRITES = _WRITES | {
    "InferClause", "LockingClause", "MergeWhenClause", "MultiAssignRef", "OnConflictClause", "ReturningClause",
    "SetToDefault", "IndexElem"
}  # fmt: skip
"""Kinds that a statement has besides where it writes or locks rows."""
_SAMPLING = frozenset({"system", "bernoulli"})
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
"""Used without being written: by DISTINCT, GROUP BY, ORDER BY, IN, USING, CASE."""


class Names(Record):
    """What a text names."""

    relations: frozenset[Name] = frozenset()
    """Tables and views, those written to as well; CTE names are among them."""
    ctes: frozenset[str] = frozenset()
    functions: frozenset[Name] = frozenset()
    columns: frozenset[str] = frozenset()
    """Names after a dot or alone that may also mean a function of one row: `u.full_name` is `full_name(u)`."""
    operators: frozenset[Name] = frozenset()
    types: frozenset[Name] = frozenset()
    objection: str | None = None
    """Why the text is not run, whatever it names, as a clause: `locks rows`."""
    has_derived: bool = False
    """A subquery, CTE, function or VALUES stands in FROM: its columns may be constants to the planner."""
    row_functions: frozenset[Name] = frozenset()
    """Functions that have a bare column among their arguments at each call."""
    writes: frozenset[str] = frozenset()
    """How it writes, as a whole or in a CTE: `InsertStmt`."""


def names_in(text: str, *, may_write: bool = False) -> Names:
    """The names in the text of one statement. What cannot be parsed is an objection; `may_write`: writing is none."""
    statements = parse_tree(text)
    if isinstance(statements, Unread):
        return Names(objection="its text cannot be parsed")
    if len(statements) != 1:
        return Names(objection="the text holds several statements" if statements else "the text holds no statement")
    return names_of(statements[0]["stmt"], may_write=may_write)


def names_of(tree: Node, *, may_write: bool = False) -> Names:
    """The names in a statement's tree."""
    calls = [call for kind, call in walk(tree) if kind == "FuncCall"]
    functions = frozenset(_name(call["funcname"]) for call in calls)
    constant = frozenset(_name(call["funcname"]) for call in calls if not _has_column(call.get("args")))
    return Names(
        relations=frozenset(
            (body.get("schemaname"), body["relname"])
            for kind, body in walk(tree)
            if kind in ("RangeVar", "relation") and "relname" in body
        ),
        ctes=frozenset(body.get("ctename", "") for kind, body in walk(tree) if kind == "CommonTableExpr"),
        functions=functions,
        columns=frozenset(_column_names(tree)),
        operators=frozenset([*_operators(tree), *((None, each) for each in _COMPARISONS)]),
        types=frozenset(_types(tree)),
        objection=_objection(tree, may_write),
        has_derived=any(
            kind in ("RangeSubselect", "RangeFunction", "CommonTableExpr") or "valuesLists" in body
            for kind, body in walk(tree)
        ),
        row_functions=functions - constant,
        writes=frozenset(kind for kind, _ in walk(tree) if kind in _WRITES),
    )


def _objection(tree: Node, may_write: bool) -> str | None:
    kind = next(iter(tree), "")
    granted = _OF_WRITES if may_write else frozenset[str]()
    if kind != "SelectStmt" and kind not in granted:
        return _WORDS.get(kind, "is no SELECT")
    for each, body in walk(tree):
        if each in granted:
            continue
        if each in _WORDS:
            return ("a CTE of it " if each.endswith("Stmt") else "") + _WORDS[each]
        if each[0].isupper() and each not in _KINDS:
            return f"holds {each}, which is not on the list of harmless syntax"
        if each == "RangeTableSample" and strings(body.get("method", []))[-1] not in _SAMPLING:
            return "samples a table by a method that is not PostgreSQL's own"
    # Lists of other kinds (`lockingClause`) hold nodes, which the walk has met.
    return None


def _name(parts: list[Node]) -> Name:
    words = strings(parts)
    return (words[-2] if len(words) > 1 else None), words[-1]


def _operators(tree: Node) -> Iterator[Name]:
    for kind, body in walk(tree):
        if kind == "A_Expr":
            schema, name = _name(body["name"])
            if "BETWEEN" not in body.get("kind", ""):
                yield schema, name
        elif kind == "SubLink" and body.get("operName"):
            yield _name(body["operName"])
        elif kind == "SortBy" and body.get("useOp"):
            yield _name(body["useOp"])


def _types(tree: Node) -> Iterator[Name]:
    for _, body in walk(tree):
        names = body.get("names")
        if isinstance(names, list) and ("typemod" in body or "arrayBounds" in body) and names:
            yield _name(names)


def _column_names(tree: Node) -> Iterator[str]:
    for kind, body in walk(tree):
        fields = body.get("fields", ()) if kind == "ColumnRef" else ()
        if kind == "A_Indirection":
            fields = body.get("indirection", ())
        yield from (field["String"].get("sval", "") for field in fields if "String" in field)


def _has_column(arguments: Any) -> bool:
    """Whether one of the arguments is a column, at most cast: of `coalesce('x', a)` the planner makes a constant."""
    return any(_is_column(argument) for argument in arguments or ())


def _is_column(argument: Node) -> bool:
    for kind in ("TypeCast", "NamedArgExpr"):
        if kind in argument:
            return _is_column(argument[kind].get("arg", {}))
    return "ColumnRef" in argument
