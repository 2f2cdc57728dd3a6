"""What the expression of a row security policy does for each row: the functions it calls, the columns it compares."""

from pgadvisor.model.record import Record
from pgadvisor.sql.nodes import find, operator, parts, strings, unwrap
from pgadvisor.sql.parse import Node, Unread, parse_tree, tokens_of

_PREFIX = "SELECT WHERE "
_EQUALITIES = ("AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_IN")


class RowCall(Record):
    """A call of a function that takes no column of the row: it gives each row of a statement the same."""

    schema: str | None
    """None: not named."""
    name: str
    start: int
    """In the expression, in characters."""
    end: int


def row_calls(expression: str) -> tuple[RowCall, ...]:
    """The calls outside of subqueries whose arguments name no column, in their order; none where it cannot be read."""
    where = _where(expression)
    found = []
    for call in find(where, "FuncCall") if where else ():
        start = len((_PREFIX + expression).encode()[: call.get("location", 0)].decode()) - len(_PREFIX)
        end = _end_of_call(expression, start)
        if end is None or find(call.get("args", []), "ColumnRef") or find(call.get("args", []), "SubLink"):
            continue
        *schema, name = strings(call.get("funcname", []))
        found.append(RowCall(schema=schema[-1] if schema else None, name=name, start=start, end=end))
    return tuple(sorted(found, key=lambda each: each.start))


def with_calls_once(expression: str, calls: tuple[RowCall, ...]) -> str:
    """The expression with each of those calls in a subquery, which PostgreSQL runs once for the whole statement."""
    for call in sorted(calls, key=lambda each: each.start, reverse=True):
        text = expression[call.start : call.end]
        expression = f"{expression[: call.start]}(SELECT {text}){expression[call.end :]}"
    return expression


def equated_columns(expression: str) -> tuple[str, ...]:
    """Bare columns that each row must have equal to something that is not of the row: what an index could look up."""
    where = _where(expression)
    found = []
    for conjunct in _conjuncts(where) if where else ():
        kind, body = unwrap(conjunct)
        if kind != "A_Expr" or body.get("kind", "AEXPR_OP") not in _EQUALITIES or operator(body) != "=":
            continue
        left, right = body.get("lexpr", {}), body.get("rexpr", {})
        for one, other in ((left, right), (right, left)):
            if unwrap(one)[0] == "ColumnRef" and not find(other, "ColumnRef"):
                found.append(parts(unwrap(one)[1])[-1])
    return tuple(dict.fromkeys(found))


def _where(expression: str) -> Node | None:
    statements = parse_tree(_PREFIX + expression)
    if isinstance(statements, Unread) or len(statements) != 1:
        return None
    where: Node | None = statements[0]["stmt"].get("SelectStmt", {}).get("whereClause")
    return where


def _conjuncts(where: Node) -> list[Node]:
    kind, body = unwrap(where)
    return list(body["args"]) if kind == "BoolExpr" and body.get("boolop") == "AND_EXPR" else [where]


def _end_of_call(expression: str, start: int) -> int | None:
    """Behind the parenthesis that closes the call's arguments; None: it has none."""
    depth = 0
    for token in tokens_of(expression[start:]):
        text = expression[start + token.start : start + token.end]
        depth += (text == "(") - (text == ")")
        if text == ")" and depth == 0:
            return start + token.end
    return None
