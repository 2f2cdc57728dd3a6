"""CREATE as steps: tables, views, types, triggers and the other objects."""

from typing import Any, Literal, cast

from pgadvisor.model.catalog import UserType
from pgadvisor.sql.ddl_alter import plain_value, read_options
from pgadvisor.sql.ddl_column import read_column, read_constraint, read_type
from pgadvisor.sql.ddl_default import calls
from pgadvisor.sql.ddl_step import DdlColumn, DdlConstraint, DdlStep, ObjectKind
from pgadvisor.sql.ddl_text import DdlText, Name, dotted, relation
from pgadvisor.sql.nodes import strings
from pgadvisor.sql.parse import Node
from pgadvisor.sql.syntax import walk

Volatility = Literal["immutable", "stable", "volatile"]


def create_table(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateStmt, or the base of a CreateForeignTableStmt."""
    schema, name = relation(body["relation"]) or (None, "")
    columns: list[DdlColumn] = []
    constraints: list[DdlConstraint] = []
    likes: list[Name] = []
    for element in body.get("tableElts", ()):
        if "ColumnDef" in element:
            column, own = read_column(element["ColumnDef"], text)
            columns.append(column)
            constraints.extend(own)
        elif "Constraint" in element:
            constraints.append(read_constraint(element["Constraint"], text))
        elif "TableLikeClause" in element:
            likes.append(relation(element["TableLikeClause"]["relation"]) or (None, ""))
    parents = [relation(each["RangeVar"]) or (None, "") for each in body.get("inhRelations", ())]
    is_partition = "partbound" in body
    return [
        DdlStep(
            command="create table partition of" if is_partition else "create table",
            kind="table",
            schema=schema,
            name=name,
            columns=tuple(columns),
            constraints=tuple(constraints),
            likes=(*likes, *(() if is_partition else parents)),
            partition_of=parents[0] if is_partition and parents else None,
            partition_bound=_bound(body, text) if is_partition else None,
            partition_key=_partition_key(body, text),
            is_temporary=body["relation"].get("relpersistence") == "t",
            is_unlogged=body["relation"].get("relpersistence") == "u",
            if_not_exists=bool(body.get("if_not_exists")),
            options=read_options(body.get("options", [])),
        )
    ]


def _bound(body: Node, text: DdlText) -> str | None:
    if body["partbound"].get("is_default"):
        return "DEFAULT"
    after = text.after_words(0, "for", "values")
    return None if after is None else text.clause(after - 2, frozenset(("partition", "with", "tablespace")))


def _partition_key(body: Node, text: DdlText) -> str | None:
    after = text.after_words(0, "partition", "by") if "partspec" in body else None
    return None if after is None else text.clause(after, frozenset(("with", "tablespace", "using")))


def create_table_as(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateTableAsStmt: CREATE TABLE AS, or CREATE MATERIALIZED VIEW."""
    schema, name = relation(body["into"]["rel"]) or (None, "")
    view = body.get("objtype") == "OBJECT_MATVIEW"
    return [
        DdlStep(
            command="create materialized view" if view else "create table as",
            kind="materialized view" if view else "table",
            schema=schema,
            name=name,
            reads=tables_in(body["query"]),
            calls=calls(body["query"]),
            inserts_query=not body["into"].get("skipData", False),
            is_temporary=body["into"]["rel"].get("relpersistence") == "t",
            is_unlogged=body["into"]["rel"].get("relpersistence") == "u",
            if_not_exists=bool(body.get("if_not_exists")),
        )
    ]


def tables_in(node: Any) -> tuple[Name, ...]:
    """The relations that a query reads, each once, without its own CTEs."""
    nodes = [(kind, body) for kind, body in walk(node) if kind in ("CommonTableExpr", "RangeVar")]
    own = {body["ctename"] for kind, body in nodes if kind == "CommonTableExpr"}
    found = [(body.get("schemaname"), body["relname"]) for kind, body in nodes if kind == "RangeVar"]
    return tuple(dict.fromkeys(each for each in found if each[0] or each[1] not in own))


def create_view(body: Node, text: DdlText) -> list[DdlStep]:
    """A ViewStmt."""
    schema, name = relation(body["view"]) or (None, "")
    return [DdlStep(command="create view", kind="view", schema=schema, name=name, reads=tables_in(body["query"]),
                    or_replace=bool(body.get("replace")),
                    is_temporary=body["view"].get("relpersistence") == "t")]  # fmt: skip


def create_enum(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateEnumStmt."""
    schema, name = dotted(body["typeName"])
    labels = tuple(each["String"].get("sval", "") for each in body.get("vals", ()))
    made = UserType(schema=schema or "", name=name, kind="enum", labels=labels)
    return [DdlStep(command="create type", kind="type", schema=schema, name=name, user_type=made)]


def create_composite(body: Node, text: DdlText) -> list[DdlStep]:
    """A CompositeTypeStmt."""
    schema, name = relation(body["typevar"]) or (None, "")
    columns = tuple(read_column(each["ColumnDef"], text)[0] for each in body.get("coldeflist", ()))
    fields = tuple(f"{each.name} {each.type}" for each in columns)
    made = UserType(schema=schema or "", name=name, kind="composite", fields=fields)
    return [DdlStep(command="create type", kind="type", schema=schema, name=name, user_type=made)]


def create_range(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateRangeStmt."""
    schema, name = dotted(body["typeName"])
    base = dict(read_options(body.get("params", []))).get("subtype")
    made = UserType(schema=schema or "", name=name, kind="range", base=base)
    return [DdlStep(command="create type", kind="type", schema=schema, name=name, user_type=made)]


def create_domain(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateDomainStmt; NOT NULL is a constraint of it as well."""
    schema, name = dotted(body["domainname"])
    made = UserType(schema=schema or "", name=name, kind="domain", base=read_type(body["typeName"]))
    kinds = ("CONSTR_CHECK", "CONSTR_NOTNULL")
    bodies = [each["Constraint"] for each in body.get("constraints", ())]
    found = tuple(read_constraint(each, text, name) for each in bodies if each["contype"] in kinds)
    return [DdlStep(command="create domain", kind="domain", schema=schema, name=name, user_type=made,
                    constraints=found)]  # fmt: skip


_DEFINED: dict[str, ObjectKind] = {"OBJECT_TYPE": "type", "OBJECT_AGGREGATE": "function"}


def define(body: Node, text: DdlText) -> list[DdlStep]:
    """A DefineStmt: a base type, an aggregate, an operator, a collation, a text search object."""
    kind = _DEFINED.get(body["kind"], "other")
    schema, name = dotted(body.get("defnames", []))
    return [DdlStep(command=f"create {kind}" if kind != "other" else "create other", kind=kind, schema=schema,
                    name=name)]  # fmt: skip


def create_sequence(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateSeqStmt or AlterSeqStmt."""
    schema, name = relation(body["sequence"]) or (None, "")
    command = "create sequence" if "if_not_exists" in body or text.words[0] == "create" else "alter sequence"
    return [DdlStep(command=command, kind="sequence", schema=schema, name=name,
                    if_not_exists=bool(body.get("if_not_exists")), if_exists=bool(body.get("missing_ok")),
                    options=read_options(body.get("options", [])))]  # fmt: skip


def create_trigger(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateTrigStmt; a constraint trigger FROM another table locks that one as well."""
    other = relation(body.get("constrrel"))
    return [DdlStep(command="create trigger", kind="trigger", name=body["trigname"], table=relation(body["relation"]),
                    or_replace=bool(body.get("replace")), calls=strings(body.get("funcname", []))[-1:],
                    reads=(other,) if other else ())]  # fmt: skip


def create_policy(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreatePolicyStmt or AlterPolicyStmt."""
    verb = "create" if text.words[0] == "create" else "alter"
    return [DdlStep(command=f"{verb} policy", kind="policy", name=body["policy_name"],
                    table=relation(body["table"]))]  # fmt: skip


def create_rule(body: Node, text: DdlText) -> list[DdlStep]:
    """A RuleStmt."""
    return [DdlStep(command="create rule", kind="other", name=body["rulename"], table=relation(body["relation"]),
                    or_replace=bool(body.get("replace")))]  # fmt: skip


def create_statistics(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateStatsStmt."""
    schema, name = dotted(body.get("defnames", []))
    tables = [relation(each["RangeVar"]) for each in body.get("relations", ()) if "RangeVar" in each]
    return [DdlStep(command="create statistics", kind="statistics", schema=schema, name=name or None,
                    table=tables[0] if tables else None, if_not_exists=bool(body.get("if_not_exists")))]  # fmt: skip


def create_schema(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateSchemaStmt; what is created inside it comes after by `ddl.py`."""
    name = body.get("schemaname") or body.get("authrole", {}).get("rolename")
    return [DdlStep(command="create schema", kind="schema", name=name, if_not_exists=bool(body.get("if_not_exists")))]


def extension(body: Node, text: DdlText) -> list[DdlStep]:
    """A CreateExtensionStmt or one of the ALTER EXTENSION."""
    verb = "create" if text.words[0] == "create" else "alter"
    return [DdlStep(command=f"{verb} extension", kind="extension", name=body["extname"],
                    if_not_exists=bool(body.get("if_not_exists")))]  # fmt: skip


def function_step(body: Node) -> DdlStep:
    """A CreateFunctionStmt without what its body does."""
    schema, name = dotted(body["funcname"])
    options = dict(read_options(body.get("options", [])))
    volatility = options.get("volatility")
    known = volatility if volatility in ("immutable", "stable", "volatile") else "volatile"
    return DdlStep(command="create function", kind="function", schema=schema, name=name,
                   or_replace=bool(body.get("replace")), volatility=cast(Volatility, known))  # fmt: skip


def alter_function(body: Node, text: DdlText) -> list[DdlStep]:
    """An AlterFunctionStmt."""
    schema, name = dotted(body["func"]["objname"])
    given = {each["DefElem"]["defname"]: plain_value(each["DefElem"].get("arg")) for each in body.get("actions", ())}
    volatility = given.get("volatility")
    known = volatility if volatility in ("immutable", "stable", "volatile") else None
    return [DdlStep(command="alter function", kind="function", schema=schema, name=name,
                    volatility=cast(Volatility | None, known))]  # fmt: skip
