"""Names of a step as SQL, and statements put together to a script."""

from pgadvisor.migration_facts import MigrationStep
from pgadvisor.sql.ddl_column import SERIAL
from pgadvisor.sql.ddl_step import DdlColumn, DdlConstraint
from pgadvisor.sql.identifiers import object_name, quoted

TIMEOUT = "SET lock_timeout = '5s'"
"""Longer than most queries run, shorter than a queue behind the lock is borne; who is refused tries again."""
_ENDINGS = {"primary key": "pkey", "unique": "key", "foreign key": "fkey", "check": "check", "not null": "not_null",
            "exclusion": "excl"}  # fmt: skip
_NUMBERS = {"serial": "integer", "serial4": "integer", "bigserial": "bigint", "serial8": "bigint",
            "smallserial": "smallint", "serial2": "smallint"}  # fmt: skip


def script(*statements: str) -> str:
    """The statements, each ended by a semicolon, a line each."""
    return "\n".join(f"{each};" for each in statements)


def timeout(step: MigrationStep) -> tuple[str, ...]:
    """The statement that bounds the wait for a lock, where the migration has none in force."""
    return () if has_lock_timeout(step) else (TIMEOUT,)


def has_lock_timeout(step: MigrationStep) -> bool:
    """Whether the migration has bounded the wait for locks before the step."""
    return step.settings.get("lock_timeout", "0").strip("'\" ").lower() not in ("0", "default", "")


def table_sql(step: MigrationStep) -> str:
    """The step's table as the statement names it."""
    name = step.step.table or (step.step.schema, step.step.name or "")
    return f"{quoted(name[0])}.{quoted(name[1])}" if name[0] else quoted(name[1])


def table_name(step: MigrationStep) -> str:
    """Bare, not quoted: what names of constraints begin with."""
    return (step.step.table or (None, step.step.name or ""))[1]


def alter(step: MigrationStep, action: str) -> str:
    """An ALTER TABLE on the step's table."""
    return f"ALTER TABLE {table_sql(step)} {action}"


def columns_sql(columns: tuple[str, ...]) -> str:
    """Names in a list."""
    return ", ".join(quoted(each) for each in columns)


def constraint_name(step: MigrationStep, constraint: DdlConstraint) -> str:
    """Its own name, or the one that PostgreSQL would make up; not quoted."""
    if constraint.name is not None:
        return constraint.name
    parts = () if constraint.kind == "primary key" else constraint.columns
    if constraint.kind == "check" and len(parts) != 1:
        parts = ()
    return object_name(table_name(step), parts, _ENDINGS[constraint.kind])


def plain_type(column: DdlColumn) -> str:
    """The column's type without a default of its own: `bigint` of `bigserial`; with its collation."""
    spelled = _NUMBERS.get(column.type or "", column.type or "")
    collation = ".".join(quoted(each) for each in column.collation.split(".")) if column.collation else None
    return f"{spelled} COLLATE {collation}" if collation else spelled


def counts_up(column: DdlColumn) -> bool:
    """Whether each row gets the next number."""
    return column.is_identity or column.type in SERIAL
