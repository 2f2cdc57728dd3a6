"""Who of the workload still uses what a step takes away, and the finding that says so."""

from collections.abc import Iterator

from pgadvisor.migration_facts import GateFacts, MigrationStep
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where
from pgadvisor.sql.query import Query

SEEN_S = 86_400.0
"""A workload watched for less than a day says who uses a thing, and not that nobody does: nightly jobs are missing."""
_MADE = ("create table", "create table partition of", "create table as", "create view", "create materialized view")


def is_workload_seen(gate: GateFacts) -> bool:
    """Whether the snapshot's workload is long enough to say that nobody uses a thing."""
    facts = gate.facts
    return facts is not None and bool(facts.queries) and (facts.window_s or 0.0) >= SEEN_S


def users_of(gate: GateFacts, table: str | None, column: str | None = None) -> tuple[str, ...]:
    """Keys of the statements that use the table or view, or name that column of it; the most called first."""
    if gate.facts is None or table is None:
        return ()
    names = {table, table.removeprefix("public.")}
    return _by_calls(gate, (key for key, query in gate.facts.queries.items() if _uses(query, names, column)))


def _uses(query: Query, names: set[str], column: str | None) -> bool:
    if column is None:
        return any(use.table in names for use in query.tables())
    return any(
        use.column == column and use.table in names
        for scope in query.scopes
        for use in (*scope.columns, *scope.assigned)
    )


def index_users(gate: GateFacts, index: str) -> tuple[str, ...]:
    """Keys of the statements that have a plan which reads the index of that bare name."""
    if gate.facts is None:
        return ()
    plans = gate.facts.plans
    return _by_calls(gate, (each.key for each in plans if any(node.index == index for node in each.nodes)))


def _by_calls(gate: GateFacts, keys: Iterator[str]) -> tuple[str, ...]:
    def calls(key: str) -> int:
        statement = gate.facts.statement(key) if gate.facts else None
        return (statement.calls or 0) if statement else 0

    return tuple(sorted(keys, key=lambda key: (-calls(key), key)))


def is_there(step: MigrationStep, gate: GateFacts, name: str | None) -> bool:
    """Whether the table or view is one that programs may use: not new, and not known to be missing."""
    if name is None or step.schema.is_new(name) or _is_made(step, name):
        return False
    if gate.facts is None or not gate.facts.has_catalog or step.schema.table(name) is not None:
        return True
    return any(f"{view.schema}.{view.name}" == name for view in gate.facts.snapshot.views)


def _is_made(step: MigrationStep, name: str) -> bool:
    """Whether what is judged made the view, or the migration a temporary table that hides one of that name."""
    bare = name.rpartition(".")[2]
    if any(each.step.is_temporary and each.comes_before(step) for each in step.siblings.naming(bare)):
        return True
    made = (each for each in (step.judged or step.siblings).naming(bare) if each.command in _MADE)
    return any(not each.step.or_replace and makes(each) == name and each.comes_before(step) for each in made)


def earlier(step: MigrationStep) -> Iterator[MigrationStep]:
    """The judged steps before this one, in all that is judged."""
    for each in step.judged or step.siblings:
        if each.migration is step.migration and each.position >= step.position:
            return
        yield each


def is_column_new(step: MigrationStep) -> bool:
    """Whether the column was added by what is judged: no program knows it yet."""
    own = (step.judged or step.siblings).on(step.target)
    added = (each for each in own if each.command == "add column" and each.comes_before(step))
    return any(each.step.column is not None and each.step.column.name == step.step.column_name for each in added)


def makes(step: MigrationStep) -> str | None:
    """The table or view that a step makes under a name, as `schema.name`: by CREATE, RENAME or SET SCHEMA."""
    ddl = step.step
    if step.command in _MADE and ddl.name and not ddl.is_temporary:
        return step.named((ddl.schema, ddl.name))
    if step.target is None:
        return None
    schema, _, name = step.target.rpartition(".")
    if step.command in ("rename table", "rename view", "rename materialized view") and ddl.new_name:
        return f"{schema}.{ddl.new_name}"
    return f"{ddl.new_schema}.{name}" if step.command == "set schema" and ddl.new_schema else None


def in_use_finding(
    step: MigrationStep,
    gate: GateFacts,
    users: tuple[str, ...],
    message: str,
    remedy: Remedy,
    *,
    cause: str,
    unseen: Severity,
    table: str | None = None,
    column: str | None = None,
    index: str | None = None,
    evidence: tuple[Evidence, ...] = (),
) -> Iterator[Finding]:
    """What running programs lose: an error when the workload uses it, `unseen` when no workload was seen for long
    enough, and nothing when it was and nobody does."""
    if not users and is_workload_seen(gate):
        return
    seen = _seen(gate, users)
    yield Finding(
        where=Where(table=table or step.target, column=column, index=index),
        message=f"{message}: {_plural(len(users))} of the workload {'uses' if len(users) == 1 else 'use'} it"
        if users
        else message,
        evidence=(*((seen,) if seen else ()), *evidence)
        or (Evidence(rung=Rung.INFERRED, text="no workload was given that says who uses it"),),
        remedy=remedy,
        wrong_if="the programs that use it are stopped, or changed, before the migration runs" if users else
        "no running program uses it",
        severity=Severity.ERROR if users else unseen,
        statements=users,
        cause=f"{cause} {table or step.target}",
    )  # fmt: skip


def _seen(gate: GateFacts, users: tuple[str, ...]) -> Evidence | None:
    if not users or gate.facts is None:
        return None
    found = (gate.facts.statement(key) for key in users)
    calls = sum((each.calls or 0) for each in found if each)
    days = f" in {gate.facts.window_s / 86_400:,.1f} days" if gate.facts.window_s else ""
    return Evidence(rung=Rung.MEASURED, text=f"{_plural(len(users))} of the workload, {calls:,} calls{days}")


def _plural(count: int) -> str:
    return f"{count:,} statement{'' if count == 1 else 's'}"
