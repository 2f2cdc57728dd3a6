"""What a statement is to the one who runs it: the transaction's own, a setting, not for a scratch server, or work."""

from typing import Literal

from pgadvisor.gate.migration_needs import trees_of
from pgadvisor.gate.scratch import Extensions
from pgadvisor.model.record import Record
from pgadvisor.sql.parse import Node

Part = Literal["begin", "commit", "rollback", "savepoint", "setting", "rows", "work"]

_TRANSACTION: dict[str, Part] = {
    "TRANS_STMT_BEGIN": "begin",
    "TRANS_STMT_START": "begin",
    "TRANS_STMT_COMMIT": "commit",
    "TRANS_STMT_ROLLBACK": "rollback",
    "TRANS_STMT_SAVEPOINT": "savepoint",
    "TRANS_STMT_RELEASE": "savepoint",
    "TRANS_STMT_ROLLBACK_TO": "savepoint",
}
_WHOLE_SERVER = frozenset(
    (
        "CreateRoleStmt", "AlterRoleStmt", "AlterRoleSetStmt", "DropRoleStmt", "GrantRoleStmt", "AlterSystemStmt",
        "CreatedbStmt", "DropdbStmt", "AlterDatabaseStmt", "AlterDatabaseSetStmt", "CreateTableSpaceStmt",
        "DropTableSpaceStmt", "AlterTableSpaceOptionsStmt", "CreateSubscriptionStmt", "AlterSubscriptionStmt",
        "DropSubscriptionStmt", "LoadStmt", "CheckPointStmt", "ReassignOwnedStmt", "DropOwnedStmt",
    )
)  # fmt: skip
_ROW_CHANGES = frozenset(("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"))
_ROLE_SETTINGS = frozenset(("role", "session_authorization"))
_MAKES_NOTHING = frozenset(
    (
        *_ROW_CHANGES, "TruncateStmt", "RefreshMatViewStmt", "VacuumStmt", "ClusterStmt", "ReindexStmt", "GrantStmt",
        "CommentStmt", "AlterOwnerStmt", "LockStmt", "NotifyStmt", "AlterDefaultPrivilegesStmt",
    )
)  # fmt: skip


class StatementKind(Record):
    """How a statement is run."""

    part: Part = "work"
    refusal: str | None = None
    """Why it is passed over, as a clause."""
    lacks: str | None = None
    """Why it cannot be run, as a clause; later statements may want what it would have made."""
    makes_something: bool = True
    """Where it is not run, later statements may fail for want of it."""
    changes_rows: bool = False
    """It does nothing but that."""


def kind_of(text: str, extensions: Extensions) -> StatementKind:
    """By the text's own syntax tree; a text that cannot be read is work, and the server says what is wrong with it."""
    trees = trees_of(text)
    if len(trees) != 1:
        return StatementKind()
    kind, body = trees[0]
    if kind == "TransactionStmt":
        return _transaction(body)
    if kind in ("VariableSetStmt", "VariableShowStmt", "ConstraintsSetStmt"):
        refusal = "it changes the role" if body.get("name") in _ROLE_SETTINGS else None
        return StatementKind(part="setting", refusal=refusal)
    if kind in _WHOLE_SERVER:
        return StatementKind(refusal="it concerns the whole server and not this database")
    if kind == "CopyStmt" and not body.get("filename"):
        return StatementKind(refusal="the rows of COPY are left out")
    if kind == "CreateExtensionStmt":
        return _extension(str(body["extname"]), extensions)
    if kind == "SelectStmt" and not body.get("intoClause"):
        return StatementKind(part="rows")
    return StatementKind(makes_something=kind not in _MAKES_NOTHING, changes_rows=kind in _ROW_CHANGES)


def _transaction(body: Node) -> StatementKind:
    part = _TRANSACTION.get(str(body.get("kind")))
    if part is None:
        return StatementKind(refusal="transactions in two phases are not tried")
    return StatementKind(part=part)


def _extension(name: str, extensions: Extensions) -> StatementKind:
    lacking = extensions.lacks(name)
    if lacking is not None:
        return StatementKind(lacks=lacking)
    if name in extensions.made and name not in extensions.trusted:
        return StatementKind(refusal="the extension was made beforehand, as only a superuser may")
    return StatementKind()
