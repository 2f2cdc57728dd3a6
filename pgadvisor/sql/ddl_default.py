"""Whether a column's default gives another value for each row: then adding the column rewrites the table."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from pgadvisor.sql.nodes import strings
from pgadvisor.sql.parse import Node
from pgadvisor.sql.syntax import walk

_USUAL = ("pg_catalog", "public", "extensions")
"""Schemas in which a function of such a name is PostgreSQL's or an extension's."""


@cache
def _own() -> dict[str, bool]:
    """PostgreSQL's functions (and those of its usual extensions) that a default may call, and whether volatile."""
    found: dict[str, list[str]] = json.loads((files("pgadvisor.sql") / "functions.json").read_text("utf-8"))
    return {name: kind == "volatile" for kind, names in found.items() for name in names}


def is_volatile(expression: Any) -> bool:
    """Whether one of PostgreSQL's own volatile functions is called in it. `now()` is stable: one value for all rows."""
    return any(_own().get(name, False) for name in _called(expression) if "." not in name)


def unknown_calls(expression: Any) -> tuple[str, ...]:
    """The functions in it that are not PostgreSQL's own, in order, lower-case and bare."""
    own = _own()
    return tuple(dict.fromkeys(name.rpartition(".")[2] for name in _called(expression) if name not in own))


def calls(node: Any) -> tuple[str, ...]:
    """All functions called anywhere in it, subqueries included, lower-case and bare."""
    return tuple(dict.fromkeys(name.rpartition(".")[2] for name in _called(node)))


def _called(node: Any) -> list[str]:
    return [_name(body) for kind, body in walk(node) if kind == "FuncCall"]


def _name(call: Node) -> str:
    """Lower-case; bare where PostgreSQL's own functions and those of extensions usually are."""
    names = strings(call.get("funcname", []))
    bare = names[-1].lower() if names else ""
    return bare if len(names) < 2 or names[-2] in _USUAL else f"{names[-2]}.{bare}"
