"""From a statement of a migration to its steps. What is not understood is a step `unknown`, never nothing."""

import re
from collections.abc import Callable

from msgspec.structs import replace

from pgadvisor.sql import ddl_alter, ddl_create, ddl_index, ddl_rows, ddl_session
from pgadvisor.sql.ddl_body import function_body_of, read_body, string_at
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.ddl_text import DdlText
from pgadvisor.sql.nodes import unwrap
from pgadvisor.sql.parse import LIMIT_BYTES, Node, Parsed, Unread, parse

Reader = Callable[[Node, DdlText], list[DdlStep]]
_READERS: dict[str, Reader] = {
    "AlterTableStmt": ddl_alter.alter_table,
    "RenameStmt": ddl_alter.rename,
    "AlterObjectSchemaStmt": ddl_alter.set_schema,
    "AlterOwnerStmt": ddl_alter.owner_to,
    "AlterEnumStmt": ddl_alter.alter_enum,
    "AlterDomainStmt": ddl_alter.alter_domain,
    "CreateStmt": ddl_create.create_table,
    "CreateTableAsStmt": ddl_create.create_table_as,
    "ViewStmt": ddl_create.create_view,
    "CreateEnumStmt": ddl_create.create_enum,
    "CompositeTypeStmt": ddl_create.create_composite,
    "CreateRangeStmt": ddl_create.create_range,
    "CreateDomainStmt": ddl_create.create_domain,
    "DefineStmt": ddl_create.define,
    "CreateSeqStmt": ddl_create.create_sequence,
    "AlterSeqStmt": ddl_create.create_sequence,
    "CreateTrigStmt": ddl_create.create_trigger,
    "CreatePolicyStmt": ddl_create.create_policy,
    "AlterPolicyStmt": ddl_create.create_policy,
    "RuleStmt": ddl_create.create_rule,
    "CreateStatsStmt": ddl_create.create_statistics,
    "CreateExtensionStmt": ddl_create.extension,
    "AlterExtensionStmt": ddl_create.extension,
    "AlterExtensionContentsStmt": ddl_create.extension,
    "AlterFunctionStmt": ddl_create.alter_function,
    "IndexStmt": ddl_index.create_index,
    "ReindexStmt": ddl_index.reindex,
    "SelectStmt": ddl_rows.select,
    "CopyStmt": ddl_rows.copy,
    "CallStmt": ddl_rows.call,
    "ExplainStmt": ddl_rows.explain,
    "DropStmt": ddl_session.drop,
    "TruncateStmt": ddl_session.truncate,
    "LockStmt": ddl_session.lock_table,
    "VacuumStmt": ddl_session.vacuum,
    "ClusterStmt": ddl_session.cluster,
    "RefreshMatViewStmt": ddl_session.refresh,
    "VariableSetStmt": ddl_session.set_variable,
    "TransactionStmt": ddl_session.transaction,
    "GrantStmt": ddl_session.grant,
    "CommentStmt": ddl_session.comment,
    "SecLabelStmt": ddl_session.comment,
    "CreatePublicationStmt": ddl_session.publication,
    "AlterPublicationStmt": ddl_session.publication,
    "ImportForeignSchemaStmt": ddl_session.import_foreign,
}
_WRITES = frozenset(("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"))
_BULK = re.compile(r"\s*(?:--[^\n]*\n\s*)*insert\s+into\s+(?:only\s+)?([\w.\"]+)", re.IGNORECASE)


def read_ddl(text: str) -> tuple[DdlStep, ...] | Unread:
    """What one statement does, a step at a time; `Unread` when PostgreSQL's grammar does not take the text.

    There is at least one step: a statement that is valid and not understood is a step `unknown` with its reason. Of a
    DO block the steps of its body come, those under IF, CASE, a loop or a handler marked `is_conditional`; what a
    function's body does is in the `body` of its `create function`, for it runs only when it is called.
    """
    parsed = parse(text)
    if isinstance(parsed, Unread):
        return _bulk_insert(text) or parsed
    steps = steps_of(parsed.kind, parsed.body, DdlText(parsed))
    return tuple(steps) or (DdlStep(command="unknown", kind="other", reason="nothing in it is understood"),)


def _bulk_insert(text: str) -> tuple[DdlStep, ...] | None:
    """An INSERT too long to be parsed: what counts of it is its table."""
    found = _BULK.match(text[:2_000]) if len(text) > LIMIT_BYTES // 4 else None
    if found is None:
        return None
    schema, _, name = found[1].replace('"', "").rpartition(".")
    return (DdlStep(command="insert", kind="rows", schema=schema or None, name=name, table=(schema or None, name)),)


def steps_of(kind: str, body: Node, text: DdlText) -> list[DdlStep]:
    """The steps of one node of the tree; every step has a span."""
    if kind == "DoStmt":
        steps = _do(body, text.parsed)
    elif kind == "CreateFunctionStmt":
        steps = [replace(ddl_create.function_step(body), body=tuple(function_body_of(body, text.parsed, read_ddl)))]
    elif kind == "CreateSchemaStmt":
        steps = ddl_create.create_schema(body, text)
        for element in body.get("schemaElts", ()):
            steps += _inside(steps_of(*unwrap(element), text), steps[0].name)
    elif kind == "CreateForeignTableStmt":
        steps = ddl_create.create_table(body["base"], text)
    elif kind in _WRITES:
        steps = ddl_rows.write(body, text, kind)
    elif kind in _READERS:
        steps = _READERS[kind](body, text)
    else:
        found = ddl_session.plain(kind, body)
        reason = f"{kind.removesuffix('Stmt')} is not known"
        steps = [DdlStep(command="unknown", kind="other", reason=reason)] if found is None else found
    whole = text.whole()
    return [each if each.span else replace(each, span=whole) for each in steps]


def _inside(steps: list[DdlStep], schema: str | None) -> list[DdlStep]:
    """What CREATE SCHEMA creates with itself stands in it."""
    placed = [each if each.schema else replace(each, schema=schema) for each in steps]
    return [
        replace(each, table=(schema, each.table[1])) if each.table and not each.table[0] else each for each in placed
    ]


def _do(body: Node, parsed: Parsed) -> list[DdlStep]:
    """What a DO block does; a step `do` when it does nothing to tell of."""
    arguments = {each["DefElem"]["defname"]: each["DefElem"]["arg"] for each in body.get("args", ())}
    language = str(arguments.get("language", {}).get("String", {}).get("sval", "plpgsql")).lower()
    source = str(arguments.get("as", {}).get("String", {}).get("sval", ""))
    if language != "plpgsql":
        return [DdlStep(command="unknown", kind="other", reason=f"a DO block in {language} is not read")]
    found = read_body(source, string_at(parsed, source), read_ddl)
    return found or [DdlStep(command="do", kind="other")]
