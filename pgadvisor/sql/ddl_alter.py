"""ALTER as steps: each clause of an ALTER TABLE, RENAME, SET SCHEMA and the other ALTERs."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from pgadvisor.sql.ddl_column import default_of, read_column, read_constraint
from pgadvisor.sql.ddl_step import DdlColumn, DdlConstraint, DdlStep, ObjectKind
from pgadvisor.sql.ddl_text import DdlText, dotted, relation
from pgadvisor.sql.nodes import strings, unwrap
from pgadvisor.sql.parse import Node

KINDS: dict[str, ObjectKind] = {
    "OBJECT_TABLE": "table",
    "OBJECT_FOREIGN_TABLE": "table",
    "OBJECT_INDEX": "index",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_TYPE": "type",
    "OBJECT_DOMAIN": "domain",
    "OBJECT_DOMCONSTRAINT": "domain",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "function",
    "OBJECT_ROUTINE": "function",
    "OBJECT_AGGREGATE": "function",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_EXTENSION": "extension",
    "OBJECT_POLICY": "policy",
    "OBJECT_STATISTIC_EXT": "statistics",
    "OBJECT_ROLE": "role",
    "OBJECT_DATABASE": "database",
    "OBJECT_PUBLICATION": "publication",
}
_PLAIN = {
    "AT_DropColumn": "drop column",
    "AT_SetNotNull": "set not null",
    "AT_DropNotNull": "drop not null",
    "AT_DropExpression": "drop expression",
    "AT_AddIdentity": "add identity",
    "AT_SetIdentity": "set identity",
    "AT_DropIdentity": "drop identity",
    "AT_SetOptions": "set column options",
    "AT_ResetOptions": "set column options",
    "AT_ValidateConstraint": "validate constraint",
    "AT_AlterConstraint": "alter constraint",
    "AT_DropConstraint": "drop constraint",
    "AT_EnableTrig": "enable trigger",
    "AT_EnableAlwaysTrig": "enable trigger",
    "AT_EnableReplicaTrig": "enable trigger",
    "AT_EnableTrigAll": "enable trigger",
    "AT_EnableTrigUser": "enable trigger",
    "AT_DisableTrig": "disable trigger",
    "AT_DisableTrigAll": "disable trigger",
    "AT_DisableTrigUser": "disable trigger",
    "AT_EnableRule": "enable rule",
    "AT_EnableAlwaysRule": "enable rule",
    "AT_EnableReplicaRule": "enable rule",
    "AT_DisableRule": "disable rule",
    "AT_SetLogged": "set logged",
    "AT_SetUnLogged": "set unlogged",
    "AT_SetTableSpace": "set tablespace",
    "AT_SetAccessMethod": "set access method",
    "AT_ClusterOn": "cluster on",
    "AT_DropCluster": "set without cluster",
    "AT_EnableRowSecurity": "enable row level security",
    "AT_DisableRowSecurity": "disable row level security",
    "AT_ForceRowSecurity": "force row level security",
    "AT_NoForceRowSecurity": "no force row level security",
    "AT_AddOf": "of type",
    "AT_DropOf": "not of",
    "AT_ChangeOwner": "owner to",
    "AT_GenericOptions": "set foreign options",
    "AT_AlterColumnGenericOptions": "set foreign options",
}
"""Clauses of which the name alone tells enough."""
_NAMES_COLUMN = frozenset(
    ("drop column", "set not null", "drop not null", "drop expression", "add identity", "set identity",
     "drop identity", "set column options")
)  # fmt: skip
_NAMES_CONSTRAINT = frozenset(("validate constraint", "alter constraint", "drop constraint"))


def alter_table(body: Node, text: DdlText) -> list[DdlStep]:
    """A step for each clause of an AlterTableStmt."""
    table = body["relation"]
    kind = KINDS.get(body.get("objtype", ""), "table")
    start = text.at(table)
    pieces = text.pieces(start + 1) if start is not None else []
    commands = body["cmds"]
    steps = []
    for number, each in enumerate(commands):
        step = _clause(each["AlterTableCmd"], text, kind)
        step = replace(
            step,
            schema=table.get("schemaname"),
            name=table["relname"],
            is_only=not table.get("inh", False),
            is_cascade=each["AlterTableCmd"].get("behavior") == "DROP_CASCADE",
            if_exists=bool(body.get("missing_ok") or each["AlterTableCmd"].get("missing_ok"))
            and not step.if_not_exists,
        )
        if len(commands) > 1 and len(pieces) == len(commands):
            first = text.at(table) if number == 0 else pieces[number][0]
            step = replace(step, span=text.span(*_without_name(text, pieces[number], table, first, number)))
        steps.append(step)
    return steps


def _without_name(
    text: DdlText, piece: tuple[int, int], table: Node, first: int | None, number: int
) -> tuple[int, int]:
    """A clause's tokens; before the first one the rest of the table's name stands."""
    start = piece[0]
    if number == 0:
        start += 2 if table.get("schemaname") else 0
        while text.words[start] in (".", "*"):
            start += 1
    return start, piece[1]


def _clause(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    subtype = command["subtype"]
    if subtype in _READERS:
        return _READERS[subtype](command, text, kind)
    name, plain = command.get("name"), _PLAIN.get(subtype)
    if plain is None:
        return DdlStep(command="unknown", kind=kind, reason=f"the clause {subtype.removeprefix('AT_')} is not known")
    if kind == "type":
        plain = {"drop column": "drop attribute"}.get(plain, plain)
    if kind == "index" and plain == "set tablespace":
        plain = "set index tablespace"
    return DdlStep(
        command=plain,
        kind=kind,
        column_name=name if plain in _NAMES_COLUMN or plain == "drop attribute" else None,
        constraint_name=_constraint_name(command, name) if plain in _NAMES_CONSTRAINT else None,
        value=name if plain not in _NAMES_COLUMN | _NAMES_CONSTRAINT else None,
    )


def _constraint_name(command: Node, name: str | None) -> str | None:
    return name or command.get("def", {}).get("ATAlterConstraint", {}).get("conname")


def _add_column(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    column, constraints = read_column(command["def"]["ColumnDef"], text)
    return DdlStep(
        command="add attribute" if kind == "type" else "add column",
        kind=kind,
        column=column,
        column_name=column.name,
        constraints=constraints,
        if_not_exists=bool(command.get("missing_ok")),
    )


def _column_type(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    node = command["def"]["ColumnDef"]
    column, _ = read_column({**node, "colname": command.get("name", "")}, text)
    using = None
    first = text.at(node["typeName"])
    if "raw_default" in node and first is not None:
        after = text.after_words(first, "using")
        using = None if after is None else text.clause(after, frozenset())
    return DdlStep(
        command="alter attribute type" if kind == "type" else "alter column type",
        kind=kind,
        column=column,
        column_name=command.get("name"),
        using=using,
    )


def _column_default(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    name, expression = command.get("name", ""), command.get("def")
    if expression is None:
        return DdlStep(command="drop default", kind=kind, column_name=name)
    found = default_of(expression, unwrap(expression)[1], text)
    found["default"] = _default_text(name, text)
    return DdlStep(command="set default", kind=kind, column_name=name, column=DdlColumn(name=name, **found))


def _default_text(column: str, text: DdlText) -> str | None:
    """What follows `column SET DEFAULT`."""
    for number in range(len(text.words) - 2):
        if (
            text.words[number : number + 2] == ("set", "default")
            and text.parsed.tokens[number - 1].text.strip('"').lower() == column.replace('"', '""').lower()
        ):
            return text.clause(number + 2, frozenset())
    return None


def _set_expression(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    return DdlStep(command="set expression", kind=kind, column_name=command.get("name"))


def _add_constraint(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    constraint = read_constraint(command["def"]["Constraint"], text)
    return DdlStep(
        command=constraint_command(constraint), kind=kind, constraint=constraint, constraint_name=constraint.name,
        column_name=constraint.columns[0] if constraint.kind == "not null" and constraint.columns else None,
    )  # fmt: skip


def constraint_command(constraint: DdlConstraint) -> str:
    """The command that adds such a constraint: `add foreign key not valid`, `add unique using index`."""
    if constraint.using_index:
        return f"add {constraint.kind} using index"
    if not constraint.is_enforced:
        return f"add {constraint.kind} not enforced"
    return f"add {constraint.kind}" + (" not valid" if constraint.is_not_valid else "")


def _attach(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    part = command["def"]["PartitionCmd"]
    start = text.at(part["name"])
    words = text.after_words(start or 0, "for", "values")
    end = None if words is None else text.clause(words - 2, frozenset())
    bound = end if end is not None else ("DEFAULT" if part.get("bound", {}).get("is_default") else None)
    if kind == "index":
        return DdlStep(command="attach index partition", kind=kind, names=(relation(part["name"]) or (None, ""),))
    return DdlStep(
        command="attach partition",
        kind=kind,
        names=(relation(part["name"]) or (None, ""),),
        partition_bound=bound,
    )


def _detach(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    part = command["def"]["PartitionCmd"]
    finalize = command["subtype"] == "AT_DetachPartitionFinalize"
    concurrent = bool(part.get("concurrent"))
    label = "detach partition" + (" finalize" if finalize else " concurrently" if concurrent else "")
    return DdlStep(command=label, kind=kind, names=(relation(part["name"]) or (None, ""),), is_concurrent=concurrent)


def _inherit(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    added = command["subtype"] == "AT_AddInherit"
    parent = relation(command["def"]["RangeVar"]) or (None, "")
    return DdlStep(command="inherit" if added else "no inherit", kind=kind, names=(parent,))


def _options(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    items = command.get("def", {}).get("List", {}).get("items", [])
    label = "set options" if command["subtype"] == "AT_SetRelOptions" else "reset options"
    if kind in ("index", "view"):
        label = f"{label.split()[0]} {kind} options"
    return DdlStep(command=label, kind=kind, options=read_options(items))


def read_options(items: list[Node]) -> tuple[tuple[str, str], ...]:
    """The names and values of a list of DefElem."""
    found = []
    for each in items:
        body = each.get("DefElem", {})
        name = f"{body['defnamespace']}.{body['defname']}" if "defnamespace" in body else body.get("defname", "")
        found.append((name, plain_value(body.get("arg"))))
    return tuple(found)


def plain_value(node: Any) -> str:
    """A constant of the tree as text; empty where there is none."""
    if not node:
        return ""
    kind, body = unwrap(node)
    if kind == "TypeName":
        return ".".join(strings(body.get("names", [])))
    if kind == "List":
        return ".".join(strings(body.get("items", [])))
    for key in ("ival", "sval", "fval", "boolval"):
        if key in body:
            inner = body[key]
            value = inner.get(key, {"ival": 0, "boolval": False}.get(key, "")) if isinstance(inner, dict) else inner
            return str(value).lower() if isinstance(value, bool) else str(value)
    return "0" if kind == "Integer" else ""


def _statistics(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    value = plain_value(command.get("def"))
    return DdlStep(command="set column statistics", kind=kind, column_name=command.get("name"), value=value)


def _storage(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    label = "set storage" if command["subtype"] == "AT_SetStorage" else "set compression"
    return DdlStep(command=label, kind=kind, column_name=command.get("name"), value=plain_value(command.get("def")))


_IDENTITIES = {"f": "full", "n": "nothing", "d": "default", "i": "index"}


def _replica_identity(command: Node, text: DdlText, kind: ObjectKind) -> DdlStep:
    body = command["def"]["ReplicaIdentityStmt"]
    value = _IDENTITIES.get(body.get("identity_type", ""), "")
    return DdlStep(command="replica identity", kind=kind, value=value, constraint_name=body.get("name"))


_READERS: dict[str, Callable[[Node, DdlText, ObjectKind], DdlStep]] = {
    "AT_AddColumn": _add_column,
    "AT_AlterColumnType": _column_type,
    "AT_ColumnDefault": _column_default,
    "AT_SetExpression": _set_expression,
    "AT_AddConstraint": _add_constraint,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
    "AT_DetachPartitionFinalize": _detach,
    "AT_AddInherit": _inherit,
    "AT_DropInherit": _inherit,
    "AT_SetRelOptions": _options,
    "AT_ResetRelOptions": _options,
    "AT_ReplaceRelOptions": _options,
    "AT_SetStatistics": _statistics,
    "AT_SetStorage": _storage,
    "AT_SetCompression": _storage,
    "AT_ReplicaIdentity": _replica_identity,
}


def rename(body: Node, text: DdlText) -> list[DdlStep]:
    """A RenameStmt."""
    renamed, owner = body["renameType"], KINDS.get(body.get("relationType", ""), "table")
    if_exists, new = bool(body.get("missing_ok")), body.get("newname")
    schema, name = relation(body.get("relation")) or (None, None)
    if renamed in ("OBJECT_COLUMN", "OBJECT_ATTRIBUTE"):
        label = "rename attribute" if renamed == "OBJECT_ATTRIBUTE" else "rename column"
        return [DdlStep(command=label, kind="type" if label == "rename attribute" else owner, schema=schema, name=name,
                        column_name=body.get("subname"), new_name=new, if_exists=if_exists)]  # fmt: skip
    if renamed == "OBJECT_TABCONSTRAINT":
        return [DdlStep(command="rename constraint", kind="table", schema=schema, name=name, if_exists=if_exists,
                        constraint_name=body.get("subname"), new_name=new)]  # fmt: skip
    kind = KINDS.get(renamed, "other")
    if renamed in ("OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"):
        return [DdlStep(command=f"rename {kind}", kind=kind, name=body.get("subname"), new_name=new,
                        table=relation(body.get("relation")), if_exists=if_exists)]  # fmt: skip
    if name is None:
        schema, name = _object_name(body.get("object"), body.get("subname"))
    constraint = body.get("subname") if renamed == "OBJECT_DOMCONSTRAINT" else None
    return [DdlStep(command=f"rename {kind}", kind=kind, schema=schema, name=name, new_name=new, if_exists=if_exists,
                    constraint_name=constraint)]  # fmt: skip


def _object_name(node: Node | None, fallback: str | None = None) -> tuple[str | None, str | None]:
    """The name of an object of any kind: a list of names, a function with its arguments, a bare name."""
    if not node:
        return None, fallback
    kind, body = unwrap(node)
    if kind == "List":
        return dotted(body.get("items", []))
    if kind == "ObjectWithArgs":
        return dotted(body.get("objname", []))
    if kind == "TypeName":
        return dotted(body.get("names", []))
    if kind == "String":
        return None, body.get("sval", "")
    return None, fallback


object_name_of = _object_name


def set_schema(body: Node, text: DdlText) -> list[DdlStep]:
    """An AlterObjectSchemaStmt."""
    kind = KINDS.get(body["objectType"], "other")
    schema, name = relation(body.get("relation")) or _object_name(body.get("object"))
    return [DdlStep(command="set schema", kind=kind, schema=schema, name=name, new_schema=body.get("newschema"),
                    if_exists=bool(body.get("missing_ok")))]  # fmt: skip


def owner_to(body: Node, text: DdlText) -> list[DdlStep]:
    """An AlterOwnerStmt: of anything but a table."""
    kind = KINDS.get(body["objectType"], "other")
    schema, name = relation(body.get("relation")) or _object_name(body.get("object"))
    return [DdlStep(command="owner to", kind=kind, schema=schema, name=name)]


def alter_enum(body: Node, text: DdlText) -> list[DdlStep]:
    """An AlterEnumStmt: a label added or renamed."""
    schema, name = dotted(body["typeName"])
    if "oldVal" in body:
        return [DdlStep(command="rename enum value", kind="type", schema=schema, name=name, value=body["oldVal"],
                        new_name=body["newVal"])]  # fmt: skip
    side = "AFTER" if body.get("newValIsAfter") else "BEFORE"
    placement = f"{side} '{body['newValNeighbor']}'" if "newValNeighbor" in body else None
    return [DdlStep(command="add enum value", kind="type", schema=schema, name=name, value=body["newVal"],
                    placement=placement, if_not_exists=bool(body.get("skipIfNewValExists")))]  # fmt: skip


_DOMAIN = {"T": "set domain default", "N": "drop domain not null", "O": "set domain not null",
           "X": "drop domain constraint", "V": "validate domain constraint"}  # fmt: skip


def alter_domain(body: Node, text: DdlText) -> list[DdlStep]:
    """An AlterDomainStmt."""
    schema, name = dotted(body["typeName"])
    cascade, if_exists = body.get("behavior") == "DROP_CASCADE", bool(body.get("missing_ok"))
    step = DdlStep(command="unknown", kind="domain", schema=schema, name=name, constraint_name=body.get("name"),
                   is_cascade=cascade, if_exists=if_exists)  # fmt: skip
    if body["subtype"] != "C":
        return [replace(step, command=_DOMAIN.get(body["subtype"], "unknown"))]
    constraint = read_constraint(body["def"]["Constraint"], text)
    suffix = " not valid" if constraint.is_not_valid else ""
    return [replace(step, command=f"add domain constraint{suffix}", constraint=constraint,
                    constraint_name=constraint.name)]  # fmt: skip
