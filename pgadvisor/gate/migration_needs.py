"""What migrations ask of a server beforehand: extensions, and roles to own things and to be granted them."""

from collections.abc import Iterable

from pgadvisor.model.migration import Migration
from pgadvisor.model.record import Record
from pgadvisor.sql.parse import Node, Unread, parse_tree
from pgadvisor.sql.syntax import walk

_WORDS = ("extension", "role", "user", "group", "grant", "owner", "policy", "revoke", "privileges", "authorization",
          " to ")  # fmt: skip
"""What names a role or an extension has one of them."""
_ROWS = ("insert ", "update ", "delete ", "select ")
"""What begins so names no role; a dump of rows has a great many of them."""
_PUBLIC_ROLES = ("public", "none", "postgres", "current_user", "session_user", "current_role")


class Needs(Record):
    """Names of extensions and roles."""

    extensions: tuple[str, ...] = ()
    """Those that some statement creates."""
    roles: tuple[str, ...] = ()
    """Those that some statement names, or creates."""


def needs_of(migrations: Iterable[Migration]) -> Needs:
    """What the statements of all migrations name, both ways, each once and in their order."""
    extensions: dict[str, None] = {}
    roles: dict[str, None] = {}
    for migration in migrations:
        for statement in (*migration.up, *(migration.down or ())):
            text = statement.text.lower()
            if text.startswith(_ROWS) or not any(word in text for word in _WORDS):
                continue
            for kind, body in trees_of(statement.text):
                if kind == "CreateExtensionStmt":
                    extensions[body["extname"]] = None
                for name in _roles(kind, body):
                    roles[name] = None
    return Needs(extensions=tuple(extensions), roles=tuple(roles))


def trees_of(text: str) -> list[tuple[str, Node]]:
    """Kind and tree of each statement in the text; none where it cannot be read."""
    found = parse_tree(text)
    if isinstance(found, Unread):
        return []
    return [next(iter(each["stmt"].items())) for each in found if each.get("stmt")]


def _roles(kind: str, body: Node) -> list[str]:
    named = [body["role"]] if kind == "CreateRoleStmt" else []
    for _, node in walk({kind: body}):
        if node.get("roletype") == "ROLESPEC_CSTRING" and isinstance(node.get("rolename"), str):
            named.append(node["rolename"])
    return [name for name in named if name.lower() not in _PUBLIC_ROLES and not name.startswith("pg_")]
