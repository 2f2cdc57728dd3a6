"""Walking libpg_query's tree, subqueries and all: what the safety gate and the repair of parameters look at."""

from collections.abc import Callable, Iterator
from typing import Any

from pgadvisor.sql.parse import Node

STATEMENTS = {
    "SelectStmt": "select",
    "InsertStmt": "insert",
    "UpdateStmt": "update",
    "DeleteStmt": "delete",
    "MergeStmt": "merge",
}
"""The statements that EXPLAIN plans and pgadvisor hands to it."""


def walk(node: Any) -> Iterator[tuple[str, Node]]:
    """Every node in the tree with its kind, parents first, in the order of the text where the tree keeps it.

    A part without a kind of its own (`withClause`, `typeName`, `alias`) comes under its key.
    """
    if isinstance(node, list):
        for each in node:
            yield from walk(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict):
                yield key, value
            if isinstance(value, dict | list):
                yield from walk(value)


def parameters(node: Any) -> list[Node]:
    """Every `$n` in the tree."""
    return [body for kind, body in walk(node) if kind == "ParamRef"]


def number(parameter: Node) -> int:
    """The n of a ParamRef; libpg_query leaves zeros out."""
    return int(parameter.get("number", 0))


def location(node: Node) -> int:
    """Where a node stands, in bytes; libpg_query leaves zeros out."""
    return int(node.get("location", 0))


def shape(node: Any) -> Any:
    """The tree without positions and parameter numbers: equal for expressions that were equal but for constants."""
    if isinstance(node, list):
        return [shape(each) for each in node]
    if isinstance(node, dict):
        if set(node) == {"ParamRef"}:
            return "$"
        return {key: shape(value) for key, value in node.items() if not _is_position(key)}
    return node


def _is_position(key: str) -> bool:
    return key.endswith("location") or key in ("list_start", "list_end", "rexpr_list_start", "rexpr_list_end")


def innermost(tree: Any, is_wanted: Callable[[str, Node], bool]) -> tuple[str, Node] | None:
    """The last, and so the deepest, node that is wanted on the way down."""
    found = None
    for kind, body in walk(tree):
        if is_wanted(kind, body):
            found = kind, body
    return found
