"""The judged migrations on a twin without rows: what each statement changes, and which of the workload's it breaks."""

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.model.plan_change import ChangePlace
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.drawing import words_of
from pgadvisor.parameters.form import Form, form_of
from pgadvisor.parameters.types import Prepare, Refusal, settle
from pgadvisor.planner.twin_changes import Standing, State, made_indexes, read_state, successors
from pgadvisor.planner.twin_statements import preparing
from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.parse import Unread

_KINDS = frozenset(
    ("table", "index", "view", "materialized view", "type", "domain", "sequence", "schema", "function", "statistics")
)
_OF_NO_ACCOUNT = frozenset(
    (
        "grant", "revoke", "owner to", "comment", "vacuum", "vacuum full", "analyze", "cluster", "lock table",
        "truncate", "call", "import foreign schema",
    )
)  # fmt: skip
"""What changes no plan, or only with rows."""
_THERE = frozenset(("42P07", "42701", "42710", "42P06", "42723"))
"""What it makes is there already."""
_NAMES_ONLY = frozenset(("42P01", "42703", "42702", "42704", "42883", "42725", "42804", "42P10"))
"""SQLSTATEs of which the server's words name objects and types, and quote no value."""
_OPTIONS = "-c statement_timeout=10s -c lock_timeout=2s -c client_min_messages=error -c check_function_bodies=off"
_MOST_PROBES = 60
"""So many statements of migrations are followed by a look at which queries they break; the rest share one look."""
_SHOWN = 120
_DEFINITIONS = """/* pgadvisor */
SELECT o::pg_catalog.int8, pg_catalog.pg_get_indexdef(o::pg_catalog.oid)
FROM pg_catalog.unnest(%s::pg_catalog.int8[]) AS u(o)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = o::pg_catalog.oid AND k.contype <> 'f')
ORDER BY o
"""
_FOREIGN_KEYS = """/* pgadvisor */
SELECT k.conrelid::pg_catalog.int8, ARRAY(
    SELECT a.attname::pg_catalog.text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(number, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place)
FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'f' AND k.conparentid = 0
"""
_NAMED_GAPS = 5


class Effect(Record):
    """What one statement of a migration changed."""

    place: ChangePlace
    tables: frozenset[int] = frozenset()
    """Oids of tables that it made, renamed, dropped or gave other columns or indexes."""
    gone: frozenset[int] = frozenset()
    """Oids of indexes that it dropped."""
    made: frozenset[int] = frozenset()
    retyped: frozenset[int] = frozenset()
    """Oids of tables of which a column got another type."""


class Break(Record):
    """Why a statement is no longer taken by the server, and since when."""

    error: str
    place: ChangePlace


class SchemaChange:
    """Runs migrations on the twin that it is called with, and remembers what they did."""

    def __init__(self, migrations: Iterable[Migration], snapshot: Snapshot, workload: Iterable[Statement] = ()) -> None:
        """`workload`: the statements of which those that break are found."""
        self._statements = [(each, part) for each in migrations if each.is_judged for part in each.up]
        self._path = ", ".join(map(quoted, filter(None, snapshot.search_path))) or '""'
        self._workload = tuple(workload)
        self._forms: dict[str, Form] = {}
        self.initial: State = {}
        self.final: State = {}
        self.effects: list[Effect] = []
        self.types: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        """Of statements that are valid before and after, the types of their parameters, where these differ."""
        self.broken: dict[str, Break] = {}
        self.definitions: dict[int, str] = {}
        """Of the indexes that were made and stand at the end, but for those of constraints."""
        self.foreign_keys: dict[int, list[tuple[str, ...]]] = {}
        """Their columns at the end, by their tables' oids."""
        self._failed: list[tuple[Migration, MigrationStatement, str]] = []
        self._repeated = 0

    def __call__(self, connection: psycopg.Connection[Any]) -> None:
        """`connection`: of the twin's owner, with the workload's search path."""
        self._forms = dict(_forms(self._workload))
        self.initial = self.final = read_state(connection)
        prepare = preparing(connection)
        first = self._settled(self._forms, prepare)
        sound = {key: types for key, types in first.items() if not isinstance(types, Refusal)}
        valid = dict(sound)
        with psycopg.connect(connection.info.dsn, autocommit=True, client_encoding="UTF8", options=_OPTIONS) as own:
            own.execute(f"SET search_path = {self._path}".encode())
            for migration, statement in self._statements:
                if self._is_run(own, migration, statement):
                    self._look(connection, place_of(migration, statement), valid, prepare)
        if self.effects:
            self._find_breaks(valid, prepare, self.effects[-1].place)
        self._forgive(valid, prepare)
        self.types = {key: (sound[key], now) for key, now in valid.items() if now != sound[key]}
        made = [each.oid for each in made_indexes(self.initial, self.final)]
        self.definitions = dict(connection.execute(_DEFINITIONS, (made,)).fetchall())
        for table, columns in connection.execute(_FOREIGN_KEYS).fetchall():
            self.foreign_keys.setdefault(table, []).append(tuple(columns))

    def maker(self, index: int) -> ChangePlace:
        """The statement that made the index, or, where DDL made it anew since, the last that did."""
        return next(each.place for each in reversed(self.effects) if index in each.made)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What of the migrations could not be done there."""
        found = [
            Gap(
                area="migrations",
                subject=migration.file,
                reason=f"line {statement.line} could not be run on the planner twin, so plans take no account of it:"
                f" {reason}",
                cure="give a snapshot of the database as it is before these migrations, or name them with --base",
            )
            for migration, statement, reason in self._failed
        ]
        more = len(found) - _NAMED_GAPS
        if more > 1:
            reason = f"{more} more statements could not be run on the planner twin"
            found = [*found[:_NAMED_GAPS], Gap(area="migrations", reason=reason, cure=found[0].cure)]
        return tuple(found)

    def _is_run(self, own: psycopg.Connection[Any], migration: Migration, statement: MigrationStatement) -> bool:
        """Whether something was done."""
        if not _counts(statement.text):
            return False
        try:
            own.execute("SET statement_timeout = '10s'")
            own.execute(statement.text.encode())
        except psycopg.Error as error:
            if own.closed:
                raise
            if own.info.transaction_status:
                own.execute("ROLLBACK")
            if error.sqlstate not in _THERE:
                self._failed.append((migration, statement, error.diag.message_primary or type(error).__name__))
            return False
        return True

    def _look(
        self,
        connection: psycopg.Connection[Any],
        place: ChangePlace,
        valid: dict[str, tuple[str, ...]],
        prepare: Prepare,
    ) -> None:
        before, self.final = self.final, read_state(connection)
        effect = effect_of(before, self.final, place)
        self.effects.append(effect)
        is_of_indexes = effect.tables and effect.gone | effect.made and not _has_other(before, self.final)
        if not is_of_indexes and len(self.effects) <= _MOST_PROBES:
            self._find_breaks(valid, prepare, place)

    def _find_breaks(self, valid: dict[str, tuple[str, ...]], prepare: Prepare, place: ChangePlace) -> None:
        """Moves what is no longer valid from `valid` to `broken`."""
        for key, types in self._settled(valid, prepare).items():
            if isinstance(types, Refusal):
                del valid[key]
                self.broken[key] = Break(error=_reason(types), place=place)
            else:
                valid[key] = types

    def _forgive(self, valid: dict[str, tuple[str, ...]], prepare: Prepare) -> None:
        """A view that is dropped and made again, a column that comes back under its name, break nothing for long."""
        for key, types in self._settled(self.broken, prepare).items():
            if not isinstance(types, Refusal):
                del self.broken[key]
                valid[key] = types

    def _settled(self, keys: Iterable[str], prepare: Prepare) -> dict[str, tuple[str, ...] | Refusal]:
        found: dict[str, tuple[str, ...] | Refusal] = {}
        for key in keys:
            typed = settle(self._forms[key], prepare)
            found[key] = typed if isinstance(typed, Refusal) else typed.types
        return found


def _forms(statements: Iterable[Statement]) -> Iterator[tuple[str, Form]]:
    for each in statements:
        if not each.is_truncated and not isinstance(form := form_of(each.text), Unread):
            yield each.key, form


def place_of(migration: Migration, statement: MigrationStatement) -> ChangePlace:
    """Where the statement stands."""
    text = " ".join(statement.text.split())
    short = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return ChangePlace(file=migration.file, line=statement.line, text=short)


def effect_of(before: State, after: State, place: ChangePlace) -> Effect:
    """What is different."""
    became = successors(before, after)
    old, new = set(before), set(after)
    kept = {each.oid for each in became.values()}
    gone = {oid for oid in old if before[oid].is_index and oid not in became}
    made = {oid for oid in new if after[oid].is_index and oid not in kept}
    changed = [(before[oid], became[oid]) for oid in old if oid in became and before[oid] != became[oid]]
    tables = {before[oid].table for oid in gone} | {after[oid].table for oid in made}
    tables |= {each.oid for each, _ in changed if not each.is_index}
    tables |= {oid for oid in old - set(became) if not before[oid].is_index}
    tables |= {oid for oid in new - kept if not after[oid].is_index}
    return Effect(
        place=place,
        tables=frozenset(tables),
        gone=frozenset(gone),
        made=frozenset(made),
        retyped=frozenset(each.oid for each, now in changed if not each.is_index and _types(each) != _types(now)),
    )


def _types(found: Standing) -> dict[int, str]:
    return {each.number: each.type for each in found.columns}


def _has_other(before: State, after: State) -> bool:
    """Whether anything but indexes differs."""

    def others(state: State) -> dict[int, Standing]:
        return {oid: each for oid, each in state.items() if not each.is_index}

    return others(before) != others(after)


def _counts(text: str) -> bool:
    """Whether a statement may change a plan, and is no setting that the twin depends on."""
    steps = read_ddl(text)
    return isinstance(steps, Unread) or any(map(counts_for_plans, steps))


def counts_for_plans(step: DdlStep) -> bool:
    """Whether the step may change a plan."""
    if step.command in ("set", "select"):
        names = {name for name, _ in step.set_calls} | ({step.setting[0]} if step.setting else set())
        return names == {"search_path"}
    if step.command == "unknown":
        return True
    is_upkeep = step.command in _OF_NO_ACCOUNT or step.command.startswith(("reindex", "refresh", "alter default"))
    return step.kind in _KINDS and not is_upkeep


def extensions_of(migrations: Iterable[Migration]) -> tuple[str, ...]:
    """The extensions that the judged migrations make: the twin's owner may not."""
    found: dict[str, None] = {}
    for migration in migrations:
        for statement in migration.up if migration.is_judged else ():
            steps = read_ddl(statement.text) if "extension" in statement.text.lower() else ()
            for step in () if isinstance(steps, Unread) else steps:
                if step.command == "create extension" and step.name:
                    found[step.name] = None
    return tuple(found)


def _reason(refusal: Refusal) -> str:
    """In the server's words where they quote no value."""
    if refusal.sqlstate in _NAMES_ONLY and refusal.message:
        return refusal.message
    return words_of(refusal.sqlstate)
