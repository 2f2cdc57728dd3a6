"""The index that a new foreign key wants: without one each delete of a referenced row reads the whole table."""

from pgadvisor.indexes.overlap import supports_foreign_key
from pgadvisor.migration_facts import GateFacts, MigrationStep
from pgadvisor.safe_forms.harm import is_partitioned
from pgadvisor.safe_forms.spelled import columns_sql, table_sql
from pgadvisor.sql.ddl_step import DdlConstraint


def index_for_key(step: MigrationStep, gate: GateFacts, constraint: DdlConstraint) -> str | None:
    """The statement that makes it; None: nothing is wanted, or which indexes the table has is not known."""
    if constraint.kind != "foreign key" or not constraint.columns or gate.is_small(step.target):
        return None
    is_made = step.command.startswith("create table") and not step.step.is_temporary
    if not (is_made or (step.command.startswith("add ") and _is_known(step, constraint))):
        return None
    if _is_indexed(step, constraint):
        return None
    how = "" if is_made or step.is_new or is_partitioned(step) else "CONCURRENTLY "
    return f"CREATE INDEX {how}ON {table_sql(step)} ({columns_sql(constraint.columns)})"


def _is_known(step: MigrationStep, constraint: DdlConstraint) -> bool:
    """Whether an index that there was before would be known: the table is, or the columns are new."""
    added = {
        each.step.column.name
        for each in step.judged.on(step.target)
        if each.command == "add column" and each.step.column
    }
    own = {step.step.column.name} if step.command == "add column" and step.step.column else set()
    return step.schema.is_whole(step.target) or set(constraint.columns) <= added | own


def _is_indexed(step: MigrationStep, constraint: DdlConstraint) -> bool:
    """Whether an index begins with the key's columns, by now or by what is judged."""
    known = step.table.indexes if step.table else ()
    made = [each.step.index for each in step.judged.on(step.target) if each.step.index]
    if any(supports_foreign_key(each, constraint.columns) for each in (*known, *made)):
        return True
    count = len(constraint.columns)
    return any(
        other.kind in ("unique", "primary key") and set(other.columns[:count]) == set(constraint.columns)
        for each in (*step.judged.on(step.target), step)
        for other in each.added_constraints
    )
