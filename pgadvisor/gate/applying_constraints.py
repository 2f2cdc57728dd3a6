"""What a step makes of a table's constraints, and of the indexes that belong to them."""

from msgspec.structs import replace

from pgadvisor.gate.known import Known
from pgadvisor.model.catalog import Constraint, Index, IndexKey, Table
from pgadvisor.sql.ddl_step import DdlConstraint, DdlStep
from pgadvisor.sql.identifiers import object_name, quoted

_ENDINGS = {"primary key": "pkey", "unique": "key", "foreign key": "fkey", "check": "check", "not null": "not_null",
            "exclusion": "excl"}  # fmt: skip


def with_constraint(table: Table, made: DdlConstraint, known: Known) -> Table:
    """The table with a constraint added, and its index; its name as PostgreSQL would make one up."""
    name = made.name or _made_up(table, made)
    if made.kind in ("unique", "primary key") and made.using_index:
        return _with_index_constraint(table, made, made.using_index)
    constraint = Constraint(
        name=name,
        kind=made.kind,
        definition=made.definition or "",
        columns=made.columns,
        is_validated=not made.is_not_valid and made.is_enforced,
        is_deferrable=made.is_deferrable,
        references=known.qualified(made.references) if made.references else None,
        referenced_columns=made.referenced_columns,
        on_delete=made.on_delete if made.kind == "foreign key" else None,
        on_update=made.on_update if made.kind == "foreign key" else None,
    )
    table = replace(table, constraints=(*table.constraints, constraint))
    if made.kind in ("unique", "primary key", "exclusion"):
        table = replace(table, indexes=(*table.indexes, _index(table, made, name)))
    forbids = made.kind == "primary key" or (made.kind == "not null" and not made.is_not_valid)
    return _not_null(table, made.columns) if forbids else table


def _made_up(table: Table, made: DdlConstraint) -> str:
    taken = frozenset((*(each.name for each in table.constraints), *(each.name for each in table.indexes)))
    parts = () if made.kind == "primary key" else made.columns[:1] if made.kind == "check" else made.columns
    if made.kind == "check" and len(made.columns) != 1:
        parts = ()
    return object_name(table.name, parts, _ENDINGS[made.kind], taken)


def _index(table: Table, made: DdlConstraint, name: str) -> Index:
    keys = ", ".join(quoted(each) for each in made.columns)
    return Index(
        schema=table.schema,
        name=name,
        definition=f"CREATE UNIQUE INDEX {quoted(name)} ON {quoted(table.schema)}.{quoted(table.name)} ({keys})",
        method="gist" if made.kind == "exclusion" else "btree",
        keys=tuple(IndexKey(text=each, column=each) for each in made.columns),
        is_unique=made.kind != "exclusion",
        is_primary=made.kind == "primary key",
        is_exclusion=made.kind == "exclusion",
        constraint=name,
    )


def _with_index_constraint(table: Table, made: DdlConstraint, index_name: str) -> Table:
    """ADD CONSTRAINT … USING INDEX: the index is the constraint's, and takes its name."""
    index = next((each for each in table.indexes if each.name == index_name), None)
    columns = index.columns if index else ()
    name = made.name or index_name
    constraint = Constraint(name=name, kind=made.kind, definition=made.definition or "", columns=columns)
    owned = [
        replace(each, name=name, constraint=name, is_primary=made.kind == "primary key")
        if each.name == index_name
        else each
        for each in table.indexes
    ]
    table = replace(table, constraints=(*table.constraints, constraint), indexes=tuple(owned))
    return _not_null(table, columns) if made.kind == "primary key" else table


def _not_null(table: Table, columns: tuple[str, ...]) -> Table:
    changed = (replace(each, not_null=True) if each.name in columns else each for each in table.columns)
    return replace(table, columns=tuple(changed))


def altered_constraint(table: Table, step: DdlStep, known: Known) -> Table:
    """VALIDATE CONSTRAINT; one that was not known is so now by its name alone, and not added."""
    constraints = tuple(
        replace(each, is_validated=True) if each.name == step.constraint_name else each for each in table.constraints
    )
    valid = (each for each in constraints if each.name == step.constraint_name and each.kind == "not null")
    table = replace(table, constraints=constraints)
    return _not_null(table, next((each.columns for each in valid), ()))


def dropped_constraint(table: Table, step: DdlStep, known: Known) -> Table:
    """DROP CONSTRAINT takes its index along."""
    gone = step.constraint_name
    return replace(
        table,
        constraints=tuple(each for each in table.constraints if each.name != gone),
        indexes=tuple(each for each in table.indexes if each.constraint != gone),
    )


def renamed_constraint(table: Table, step: DdlStep, known: Known) -> Table:
    """RENAME CONSTRAINT renames its index too."""
    old, new = step.constraint_name, step.new_name or ""
    return replace(
        table,
        constraints=tuple(replace(each, name=new) if each.name == old else each for each in table.constraints),
        indexes=tuple(
            replace(each, name=new, constraint=new) if each.constraint == old else each for each in table.indexes
        ),
    )
