"""Django's migrations as SQL, as sqlmigrate makes it: run as a program in the project's Python; no database is asked.

    python django_run.py DIRECTORY SETTINGS OUT

OUT gets JSON: of each migration, in the order of `showmigrations --plan`, the statements with the number of the
operation that made each. sqlmigrate asks a database which migrations ran and what constraints are called; here nothing
ran, and the names are read from the statements that made them.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from constraint_names import ConstraintNames
from no_database import NoDatabaseError, refuse, shut_drivers

_OURS = {"HOST": "nowhere.invalid", "PORT": "1", "NAME": "none", "USER": "nobody", "PASSWORD": ""}
_SERVER_VERSION = 170000


class Cursor:
    """Stands where Django wants a cursor before it asks for names."""

    def execute(self, *args: Any, **kwargs: Any) -> None:
        """Refuses."""
        raise NoDatabaseError("it asks the database")


def prepare(settings_module: str) -> None:
    """Django set up with the project's settings and no database behind it."""
    import django
    from django.conf import settings

    shut_drivers()
    if settings_module:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module)
    engines = {}
    for alias, each in (settings.DATABASES or {"default": {}}).items():
        engine = each.get("ENGINE", "")
        engines[alias] = dict(_OURS, ENGINE=engine if "postg" in engine else "django.db.backends.postgresql")
    engines.setdefault("default", dict(_OURS, ENGINE="django.db.backends.postgresql"))
    settings.DATABASES = engines
    django.setup()
    from django.db.backends.base.base import BaseDatabaseWrapper

    BaseDatabaseWrapper.connect = refuse
    BaseDatabaseWrapper.ensure_connection = refuse


def offline(connection: Any) -> Any:
    """The connection, such that questions for names are answered without one."""
    connection.__dict__["pg_version"] = _SERVER_VERSION
    connection.cursor = lambda *args, **kwargs: contextlib.nullcontext(Cursor())
    connection.ops.compose_sql = lambda sql, params: sql if params is None else sql % tuple(map(literal, params))
    return connection


def literal(value: Any) -> str:
    """The value as SQL, by the driver that the project has."""
    try:
        from psycopg import sql
    except ImportError:
        from psycopg2.extensions import adapt

        adapted = adapt(value)
        if hasattr(adapted, "encoding"):
            adapted.encoding = "utf8"
        return str(adapted.getquoted().decode())
    return sql.Literal(value).as_string(None)


class Reader:
    """Applies migrations to the state, and notes their SQL."""

    def __init__(self, connection: Any, names: ConstraintNames) -> None:
        self.connection = connection
        self.names = names

    def forwards(self, migration: Any, state: Any) -> tuple[Notes, Any]:
        """The statements of the migration, its remarks and the state after it."""
        with self.editing() as editor:
            notes = Notes(editor, self.names)
            for number, operation in enumerate(migration.operations):
                before = state.clone()
                operation.state_forwards(migration.app_label, state)
                notes.take(number, operation, migration, before, state, "database_forwards")
            notes.end()
        return notes, state

    def backwards(self, migration: Any, state: Any) -> Notes | None:
        """The statements that take it back; None: it cannot be."""
        steps: list[tuple[int, Any, Any, Any]] = []
        for number, operation in enumerate(migration.operations):
            if not operation.reversible:
                return None
            before, state = state.clone(), state.clone()
            operation.state_forwards(migration.app_label, state)
            steps.insert(0, (number, operation, before, state))
        with self.editing() as editor:
            notes = Notes(editor, self.names.copy())
            for number, operation, before, after in steps:
                notes.take(number, operation, migration, after, before, "database_backwards")
            notes.end()
        return notes

    @contextlib.contextmanager
    def editing(self) -> Iterator[Any]:
        """A schema editor that collects; no transaction, which would connect."""
        editor = self.connection.schema_editor(collect_sql=True, atomic=False)
        editor.deferred_sql = []
        yield editor


class Notes:
    """Which operation made which statement."""

    def __init__(self, editor: Any, names: ConstraintNames) -> None:
        self.editor, self.names = editor, names
        self.statements: list[dict[str, Any]] = []
        self.remarks: list[tuple[int, str]] = []
        self.origins: dict[int, tuple[int, bool]] = {}
        editor.connection.introspection.get_constraints = lambda cursor, table: names.of(table)
        editor.connection.introspection.get_sequences = lambda cursor, table, fields=(): names.sequences(table)
        self.execute = editor.execute
        editor.execute = self.run

    def run(self, sql: Any, params: Any = ()) -> None:
        """What the editor executes."""
        self.execute(sql, params)
        self.names.learn(self.editor.collected_sql[-1])

    def take(self, number: int, operation: Any, migration: Any, before: Any, after: Any, way: str) -> None:
        """One operation, in one direction."""
        if not operation.reduces_to_sql:
            self.remarks.append((number, type(operation).__name__))
            return
        is_in = migration.atomic or operation.atomic
        first = len(self.editor.collected_sql)
        getattr(operation, way)(migration.app_label, self.editor, before, after)
        self.note(first, number, bool(is_in))
        for each in self.editor.deferred_sql:
            self.origins.setdefault(id(each), (number, bool(migration.atomic)))

    def note(self, first: int, number: int | None, is_in: bool) -> None:
        """What the editor has made since."""
        for sql in self.editor.collected_sql[first:]:
            if not sql.startswith("--"):
                self.statements.append({"sql": sql, "operation": number, "is_in_transaction": is_in})

    def end(self) -> None:
        """What the editor put off."""
        for each in self.editor.deferred_sql:
            first = len(self.editor.collected_sql)
            self.editor.execute(each, None)
            self.note(first, *self.origins.get(id(each), (None, True)))


def plan_of(loader: Any) -> list[tuple[str, str]]:
    """All migrations in the order of a first `migrate`."""
    found: list[tuple[str, str]] = []
    for leaf in loader.graph.leaf_nodes():
        found += [node for node in loader.graph.forwards_plan(leaf) if node not in found]
    return found


def entry_of(reader: Reader, migration: Any, state: Any) -> tuple[dict[str, Any], Any]:
    """What is told of one migration, and the state after it."""
    entry: dict[str, Any] = {
        "app": migration.app_label,
        "name": migration.name,
        "file": str(Path(inspect.getfile(type(migration))).absolute()),
        "operations": len(migration.operations),
        "up": [],
        "down": None,
        "remarks": [],
        "failed": None,
    }
    start = state.clone()
    names = reader.names.copy()
    try:
        notes, state = reader.forwards(migration, state)
    except Exception as error:  # noqa: BLE001 - a project's code raises what it likes; it is told to the reader
        reader.names = names
        entry["failed"] = told(error)
        return entry, migration.mutate_state(start, preserve=True)
    entry.update(up=notes.statements, remarks=notes.remarks)
    try:
        back = reader.backwards(migration, start)
        entry["down"] = None if back is None else back.statements
    except Exception as error:  # noqa: BLE001 - as above
        entry["down_failed"] = told(error)
    return entry, state


def told(error: BaseException) -> str:
    """The error in a line."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:200]}"


def read(settings_module: str) -> dict[str, Any]:
    """All migrations of the project."""
    prepare(settings_module)
    from django.db import connections
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState

    names = ConstraintNames()
    reader = Reader(offline(connections["default"]), names)
    loader = MigrationLoader(None)
    found, state = [], ProjectState(real_apps=loader.unmigrated_apps)
    for app, name in plan_of(loader):
        entry, state = entry_of(reader, loader.graph.nodes[app, name], state)
        found.append(entry)
    return {"migrations": found, "conflicts": {app: sorted(each) for app, each in loader.detect_conflicts().items()}}


def main(directory: str, settings_module: str, out: str) -> None:
    os.chdir(directory)
    sys.path[0] = str(Path.cwd())
    try:
        found = read(settings_module)
    except ModuleNotFoundError as error:
        found = {"error": told(error), "missing": (error.name or "").split(".")[0]}
    except BaseException as error:  # noqa: BLE001 - SystemExit of a settings module as well
        found = {"error": told(error)}
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
