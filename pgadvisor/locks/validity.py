"""Whether rows have to be read to believe a constraint: what is validated already spares it."""

import re

from msgspec.structs import replace

from pgadvisor.locks.effect import Answer, LockEffect
from pgadvisor.locks.schema import Schema
from pgadvisor.model.catalog import Table
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.ddl_step import DdlStep

_LITERAL = re.compile(r"'(?:[^']|'')*'|-?\d+(?:\.\d+)?")


def not_null_scan(step: DdlStep, schema: Schema, version: int) -> tuple[Answer, str]:
    """SET NOT NULL reads all rows unless a valid CHECK (column IS NOT NULL), or the column itself, says it already."""
    name = step.column_name or ""
    table = schema.table((step.schema, step.name or ""))
    if table is not None and is_known_not_null(table, name):
        return "no", f"a valid constraint says already that {name} is not null"
    if table is not None and _waits_for_validation(table, name):
        return "yes", f"the NOT NULL constraint on {name} is not valid yet: validate it before"
    return "yes", f"every row is read for a null in {name}"


def is_known_not_null(table: Table, column: str) -> bool:
    """Whether a valid constraint forbids nulls in the column."""
    found = table.column(column)
    if found is not None and found.not_null and not _waits_for_validation(table, column):
        return True
    return any(
        each.is_validated
        and (
            (each.kind == "not null" and each.columns == (column,))
            or (each.kind == "check" and _forbids_null(each.definition, column))
        )
        for each in table.constraints
    )


def _waits_for_validation(table: Table, column: str) -> bool:
    """A NOT NULL constraint that is NOT VALID (PostgreSQL 18)."""
    return any(each.kind == "not null" and each.columns == (column,) and not each.is_validated
               for each in table.constraints)  # fmt: skip


def _forbids_null(definition: str, column: str) -> bool:
    """Whether one of the CHECK's ANDed parts is `column IS NOT NULL`."""
    found = re.match(r"\s*CHECK\s*\((.*)\)", definition, re.IGNORECASE | re.DOTALL)
    spelled = canonical(found[1] if found else definition).replace("(", " ").replace(")", " ").replace('"', "")
    if re.search(r"\bor\b|\bcase\b", spelled, re.IGNORECASE):
        return False
    parts = re.split(r"\band\b", spelled, flags=re.IGNORECASE)
    return any(" ".join(part.split()).lower() == f"{column.lower()} is not null" for part in parts)


def primary_key_scan(step: DdlStep, schema: Schema) -> tuple[Answer, str]:
    """ADD PRIMARY KEY USING INDEX reads all rows for nulls where a column of it may hold some."""
    table = schema.table((step.schema, step.name or ""))
    index_name = step.constraint.using_index if step.constraint else None
    index = next((each for each in table.indexes if each.name == index_name), None) if table else None
    if table is None or index is None:
        return "unknown", "whether the index's columns are NOT NULL already is not known"
    nullable = [name for name in index.columns if not is_known_not_null(table, name)]
    if not nullable:
        return "no", "its columns are NOT NULL already"
    if all(table.column(name) is None for name in nullable) and not schema.is_whole(table.qualified):
        return "unknown", f"whether {nullable[0]} is NOT NULL already is not known"
    return "yes", f"every row is read for a null in {nullable[0]}"


def validated(step: DdlStep, schema: Schema) -> tuple[Answer, str]:
    """VALIDATE CONSTRAINT reads all rows, unless the constraint is valid."""
    table = schema.table((step.schema, step.name or ""))
    found = next((each for each in table.constraints if each.name == step.constraint_name), None) if table else None
    if found is not None and found.is_validated:
        return "no", "it is valid already"
    return "yes", ""


def attached(step: DdlStep, schema: Schema, effect: LockEffect) -> LockEffect:
    """ATTACH PARTITION reads the new partition unless a valid CHECK implies the bound, and builds missing indexes."""
    parent = schema.table((step.schema, step.name or ""))
    child = schema.table(step.names[0]) if step.names else None
    scans, reason = _attach_scan(step, parent, child, schema)
    worked = schema.qualified(step.names[0]) if step.names else None
    builds = _attach_index(parent, child, schema)
    return replace(effect, scans=scans, builds_index=builds, worked_table=worked, reason=reason)


def _attach_scan(step: DdlStep, parent: Table | None, child: Table | None, schema: Schema) -> tuple[Answer, str]:
    if child is None:
        return "unknown", "whether a CHECK of the partition says what its bound says is not known"
    literals = _LITERAL.findall(step.partition_bound or "")
    for each in child.constraints:
        text = each.definition
        if each.kind == "check" and each.is_validated and literals and all(word in text for word in literals):
            return "no", f"its constraint {each.name} says what the bound says"
    if not schema.is_whole(child.qualified):
        return "unknown", "whether a CHECK of the partition says what its bound says is not known"
    return "yes", "no CHECK of the partition says what its bound says"


def _attach_index(parent: Table | None, child: Table | None, schema: Schema) -> Answer:
    """Whether an index of the parent has no like on the partition."""
    if parent is None or child is None or not schema.is_whole(parent.qualified):
        return "unknown"
    owned = {(each.method, tuple(key.text for key in each.keys), each.is_unique) for each in child.indexes}
    wanted = {(each.method, tuple(key.text for key in each.keys), each.is_unique) for each in parent.indexes}
    return "no" if wanted <= owned else "yes"
