"""Statements about the session and about whole objects as steps: SET, transactions, locks, drops, upkeep, grants."""

from pgadvisor.sql.ddl_alter import KINDS, object_name_of, plain_value, read_options
from pgadvisor.sql.ddl_step import DdlStep, ObjectKind
from pgadvisor.sql.ddl_text import DdlText, Name, relation
from pgadvisor.sql.nodes import strings, unwrap
from pgadvisor.sql.parse import Node

LOCK_MODES = ("", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
              "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE")  # fmt: skip
"""By the number that lockdefs.h gives each."""
_ON_TABLE = frozenset(("OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"))


def drop(body: Node, text: DdlText) -> list[DdlStep]:
    """A DropStmt."""
    removed = body["removeType"]
    kind = KINDS.get(removed, "other")
    concurrent = bool(body.get("concurrent"))
    cascade, if_exists = body.get("behavior") == "DROP_CASCADE", bool(body.get("missing_ok"))
    if removed in _ON_TABLE:
        names = strings(body["objects"][0]["List"]["items"])
        label = "drop rule" if removed == "OBJECT_RULE" else f"drop {kind}"
        table: Name = (names[-3] if len(names) > 2 else None, names[-2])
        return [DdlStep(command=label, kind=kind, name=names[-1], table=table, is_cascade=cascade,
                        if_exists=if_exists)]  # fmt: skip
    found = [object_name_of(each) for each in body["objects"]]
    named = tuple((schema, name) for schema, name in found if name is not None)
    schema, name = named[0] if named else (None, None)
    command = f"drop {kind}" + (" concurrently" if concurrent else "")
    return [DdlStep(command=command, kind=kind, schema=schema, name=name, names=named, is_concurrent=concurrent,
                    is_cascade=cascade, if_exists=if_exists)]  # fmt: skip


def truncate(body: Node, text: DdlText) -> list[DdlStep]:
    """A TruncateStmt."""
    names = _relations(body["relations"])
    schema, name = names[0]
    return [DdlStep(command="truncate", kind="table", schema=schema, name=name, names=names,
                    is_cascade=body.get("behavior") == "DROP_CASCADE")]  # fmt: skip


def _relations(nodes: list[Node]) -> tuple[Name, ...]:
    return tuple(relation(each["RangeVar"]) or (None, "") for each in nodes)


def lock_table(body: Node, text: DdlText) -> list[DdlStep]:
    """A LockStmt."""
    names = _relations(body["relations"])
    schema, name = names[0]
    return [DdlStep(command="lock table", kind="table", schema=schema, name=name, names=names,
                    lock_mode=LOCK_MODES[body.get("mode", 8)])]  # fmt: skip


def vacuum(body: Node, text: DdlText) -> list[DdlStep]:
    """A VacuumStmt: VACUUM, VACUUM FULL or ANALYZE."""
    options = read_options(body.get("options", []))
    full = dict(options).get("full", "off") in ("", "true", "on", "1")
    label = ("vacuum full" if full else "vacuum") if body.get("is_vacuumcmd") else "analyze"
    names = tuple(found for each in body.get("rels", ()) if (found := relation(each["VacuumRelation"].get("relation"))))
    schema, name = names[0] if names else (None, None)
    return [DdlStep(command=label, kind="table", schema=schema, name=name, names=names, options=options)]


def cluster(body: Node, text: DdlText) -> list[DdlStep]:
    """A ClusterStmt."""
    schema, name = relation(body.get("relation")) or (None, None)
    return [DdlStep(command="cluster", kind="table", schema=schema, name=name, value=body.get("indexname"))]


def refresh(body: Node, text: DdlText) -> list[DdlStep]:
    """A RefreshMatViewStmt."""
    concurrent = bool(body.get("concurrent"))
    schema, name = relation(body["relation"]) or (None, "")
    label = "refresh materialized view" + (" concurrently" if concurrent else "")
    if body.get("skipData"):
        label = "refresh materialized view with no data"
    return [DdlStep(command=label, kind="materialized view", schema=schema, name=name, is_concurrent=concurrent)]


def set_variable(body: Node, text: DdlText) -> list[DdlStep]:
    """A VariableSetStmt: SET and RESET."""
    name, local = str(body.get("name", "")).lower(), bool(body.get("is_local"))
    kind = body.get("kind", "")
    if kind in ("VAR_SET_VALUE", "VAR_SET_CURRENT"):
        value = ", ".join(plain_value(each) for each in body.get("args", ()))
        return [DdlStep(command="set", kind="other", setting=(name, value), is_local=local)]
    if kind == "VAR_SET_MULTI":
        return [DdlStep(command="set", kind="other", setting=(name, ""), is_local=local)]
    return [DdlStep(command="reset", kind="other", setting=(name or "all", ""), is_local=local)]


_TRANSACTION = {
    "TRANS_STMT_BEGIN": "begin",
    "TRANS_STMT_START": "begin",
    "TRANS_STMT_COMMIT": "commit",
    "TRANS_STMT_ROLLBACK": "rollback",
    "TRANS_STMT_SAVEPOINT": "savepoint",
    "TRANS_STMT_RELEASE": "release savepoint",
    "TRANS_STMT_ROLLBACK_TO": "rollback to savepoint",
    "TRANS_STMT_PREPARE": "prepare transaction",
    "TRANS_STMT_COMMIT_PREPARED": "commit prepared",
    "TRANS_STMT_ROLLBACK_PREPARED": "rollback prepared",
}


def transaction(body: Node, text: DdlText) -> list[DdlStep]:
    """A TransactionStmt."""
    return [DdlStep(command=_TRANSACTION.get(body["kind"], "unknown"), kind="other",
                    name=body.get("savepoint_name"))]  # fmt: skip


def grant(body: Node, text: DdlText) -> list[DdlStep]:
    """A GrantStmt."""
    kind = KINDS.get(body.get("objtype", ""), "other")
    names = tuple(_granted(each) for each in body.get("objects", ())) if kind == "table" else ()
    schema, name = names[0] if names else (None, None)
    command = "grant" if body.get("is_grant") else "revoke"
    return [DdlStep(command=command, kind=kind, schema=schema, name=name, names=names)]


def _granted(node: Node) -> Name:
    """A table, or the schema of GRANT … ON ALL TABLES IN SCHEMA."""
    kind, body = unwrap(node)
    if kind == "RangeVar":
        return relation(body) or (None, "")
    return (body.get("sval", ""), "*") if kind == "String" else (None, "*")


def comment(body: Node, text: DdlText) -> list[DdlStep]:
    """A CommentStmt or SecLabelStmt."""
    kind = KINDS.get(body.get("objtype", ""), "other")
    schema, name = object_name_of(body.get("object"))
    if body.get("objtype") in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY"):
        names = strings(body["object"].get("List", {}).get("items", []))
        table: Name = (names[-3] if len(names) > 2 else None, names[-2]) if len(names) > 1 else (None, names[-1])
        return [DdlStep(command="comment", kind="table", schema=table[0], name=table[1])]
    return [DdlStep(command="comment", kind=kind, schema=schema, name=name)]


PLAIN: dict[str, tuple[str, ObjectKind]] = {
    "AlterSystemStmt": ("alter system", "other"),
    "AlterDatabaseStmt": ("alter database", "database"),
    "AlterDatabaseSetStmt": ("alter database", "database"),
    "AlterDatabaseRefreshCollStmt": ("alter database", "database"),
    "AlterRoleStmt": ("alter role", "role"),
    "AlterRoleSetStmt": ("alter role", "role"),
    "AlterDefaultPrivilegesStmt": ("alter default privileges", "other"),
    "AlterObjectDependsStmt": ("depends on extension", "other"),
    "AlterStatsStmt": ("alter statistics", "statistics"),
    "AlterSubscriptionStmt": ("alter subscription", "other"),
    "AlterTSConfigurationStmt": ("alter other", "other"),
    "AlterTSDictionaryStmt": ("alter other", "other"),
    "AlterTypeStmt": ("alter other", "other"),
    "AlterOperatorStmt": ("alter other", "other"),
    "AlterOpFamilyStmt": ("alter other", "other"),
    "AlterEventTrigStmt": ("alter other", "other"),
    "AlterFdwStmt": ("alter other", "other"),
    "AlterForeignServerStmt": ("alter other", "other"),
    "AlterUserMappingStmt": ("alter other", "other"),
    "AlterTableSpaceOptionsStmt": ("alter other", "other"),
    "CheckPointStmt": ("session", "other"),
    "ClosePortalStmt": ("session", "other"),
    "ConstraintsSetStmt": ("session", "other"),
    "CreateAmStmt": ("create other", "other"),
    "CreateCastStmt": ("create other", "other"),
    "CreateConversionStmt": ("create other", "other"),
    "CreateEventTrigStmt": ("create other", "other"),
    "CreateFdwStmt": ("create other", "other"),
    "CreateForeignServerStmt": ("create other", "other"),
    "CreateOpClassStmt": ("create other", "other"),
    "CreateOpFamilyStmt": ("create other", "other"),
    "CreatePLangStmt": ("create other", "other"),
    "CreateRoleStmt": ("create role", "role"),
    "CreateSubscriptionStmt": ("create subscription", "other"),
    "CreateTableSpaceStmt": ("create tablespace", "other"),
    "CreateTransformStmt": ("create other", "other"),
    "CreateUserMappingStmt": ("create other", "other"),
    "CreatedbStmt": ("create database", "database"),
    "DeallocateStmt": ("session", "other"),
    "DeclareCursorStmt": ("session", "other"),
    "DiscardStmt": ("discard", "other"),
    "DropOwnedStmt": ("drop owned", "other"),
    "DropRoleStmt": ("drop role", "role"),
    "DropSubscriptionStmt": ("drop subscription", "other"),
    "DropTableSpaceStmt": ("drop tablespace", "other"),
    "DropUserMappingStmt": ("drop other", "other"),
    "DropdbStmt": ("drop database", "database"),
    "FetchStmt": ("session", "other"),
    "GrantRoleStmt": ("grant", "role"),
    "ListenStmt": ("session", "other"),
    "NotifyStmt": ("session", "other"),
    "PrepareStmt": ("session", "other"),
    "ReassignOwnedStmt": ("reassign owned", "other"),
    "UnlistenStmt": ("session", "other"),
    "VariableShowStmt": ("session", "other"),
}
"""Statements of which the kind alone tells enough."""


def plain(kind: str, body: Node) -> list[DdlStep] | None:
    """A statement of which the kind alone tells enough; None for any other."""
    found = PLAIN.get(kind)
    if found is None:
        return None
    name = next((body[key] for key in ("pubname", "dbname", "subname", "role") if isinstance(body.get(key), str)), None)
    return [DdlStep(command=found[0], kind=found[1], name=name)]


def publication(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreatePublicationStmt or AlterPublicationStmt."""
    objects = (each.get("PublicationObjSpec", {}).get("pubtable", {}) for each in body.get("pubobjects", ()))
    tables = tuple(found for each in objects if (found := relation(each.get("relation"))))
    verb = "create" if text.words[0] == "create" else "alter"
    return [DdlStep(command=f"{verb} publication", kind="publication", name=body["pubname"], reads=tables)]


def import_foreign(body: Node, text: DdlText) -> list[DdlStep]:
    """An ImportForeignSchemaStmt: which tables it makes is not known from the text."""
    return [DdlStep(command="import foreign schema", kind="schema", name=body.get("local_schema"))]
