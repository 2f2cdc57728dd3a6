"""The table of locks against real servers: each statement is run, and its locks, new files and scans compared."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.locks.effect import Answer
from pgadvisor.locks.modes import MODES, LockMode, stronger
from pgadvisor.locks.rows import lock_rows, row_of
from pgadvisor.migration_facts import MigrationStep
from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.parse import Unread
from tests.fix_servers import Server
from tests.locks.observing import Connection, Observed, observed_inside, observed_outside
from tests.locks.trials import NOT_TRIED, Trial, trials

SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")
DECIDED_BY_PLAN = ("update", "delete", "merge")
SUE = MODES.index("SHARE UPDATE EXCLUSIVE")


class Laboratory:
    """A server with a database to copy: `locks_model`; each trial has a copy of its own where it must."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.major = server.version_num // 10_000
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("DROP ROLE IF EXISTS somebody")
            connection.execute("CREATE ROLE somebody")
            connection.execute("SET allow_in_place_tablespaces = on")
            connection.execute("DROP TABLESPACE IF EXISTS elsewhere")
            connection.execute("CREATE TABLESPACE elsewhere LOCATION ''")
            connection.execute("DROP DATABASE IF EXISTS locks_model WITH (FORCE)")
            connection.execute("CREATE DATABASE locks_model TEMPLATE template0")
        with psycopg.connect(server.dsn("locks_model"), autocommit=True) as connection:
            connection.execute(SCHEMA.encode())
            connection.execute("GRANT CREATE ON SCHEMA public TO somebody")
        self._copy("locks_shared")
        self._shared = self._connect("locks_shared"), self._connect("locks_shared")
        self._shared[1].autocommit = True

    def close(self) -> None:
        for each in self._shared:
            each.close()
        with psycopg.connect(self._server.dsn(), autocommit=True) as connection:
            for name in ("locks_trial", "locks_shared", "locks_model"):
                statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
                connection.execute(statement)
            connection.execute("DROP TABLESPACE elsewhere")
            connection.execute("DROP ROLE somebody")

    def observe(self, trial: Trial, in_transaction: bool, held: tuple[str, ...]) -> Observed:
        """The trial run: in the shared database where it is rolled back whole, else in a new copy of the model."""
        if in_transaction and not trial.setup:
            return self._inside(*self._shared, trial)
        self._copy("locks_trial")
        with self._connect("locks_trial") as worker, self._connect("locks_trial") as watcher:
            watcher.autocommit = True
            if in_transaction:
                return self._inside(worker, watcher, trial)
            worker.autocommit = True
            worker.execute("SET vacuum_cost_delay = 5")
            worker.execute("SET vacuum_cost_limit = 1")
            return self._outside(worker, watcher, trial, held)

    def _inside(self, worker: Connection, watcher: Connection, trial: Trial) -> Observed:
        if trial.setup:
            worker.execute(trial.setup.encode())
            if "SAVEPOINT" not in trial.setup:
                worker.commit()
        try:
            found = observed_inside(worker, watcher, trial.sql)
        finally:
            worker.rollback()
        return found

    def _copy(self, name: str) -> None:
        made = sql.Identifier(name)
        with psycopg.connect(self._server.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(made))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE locks_model STRATEGY file_copy").format(made))

    def _outside(self, worker: Connection, watcher: Connection, trial: Trial, held: tuple[str, ...]) -> Observed:
        holders = [self._connect("locks_trial") for _ in held]
        try:
            for holder, lock in zip(holders, held, strict=True):
                holder.execute(f"LOCK TABLE {lock}".encode())
            return observed_outside(worker, watcher, holders, trial.sql)
        finally:
            for holder in holders:
                holder.close()

    def _connect(self, database: str) -> Connection:
        return psycopg.connect(self._server.dsn(database))


@pytest.fixture(scope="module", params=["server", "debian15"])
def laboratory(request: pytest.FixtureRequest) -> Iterator[Laboratory]:
    made = Laboratory(request.getfixturevalue(request.param))
    yield made
    made.close()


def steps_in(trial: Trial, major: int) -> list[MigrationStep]:
    """The steps of the trial's own statement."""
    earlier = migration_of("1.sql", SCHEMA, is_judged=False)
    setup = trial.setup + "; " if trial.setup else ""
    steps = steps_of([earlier, migration_of("2.sql", setup + trial.sql)], version=major)
    return [each for each in steps if each.statement is each.migration.up[-1]]


@pytest.mark.parametrize(
    "trial", trials(), ids=lambda trial: f"{trial.sql[:90]}{' | ' if trial.setup else ''}{trial.setup[:25]}"
)
def test_statement_does_what_the_table_says(laboratory: Laboratory, trial: Trial) -> None:
    if trial.since > laboratory.major:
        pytest.skip(f"PostgreSQL {laboratory.major} does not know it")
    steps = steps_in(trial, laboratory.major)
    inside = all(each.effect.in_transaction for each in steps)
    table = steps[0].target
    held = trial.held or ((f"{table} IN ROW EXCLUSIVE MODE",) if table else ())
    found = laboratory.observe(trial, inside, held)
    assert_locks(steps, found)
    assert_work(steps, found, laboratory.major, told_scans=inside)


def assert_locks(steps: list[MigrationStep], found: Observed) -> None:
    """The same tables in the same modes; weak locks (up to ROW EXCLUSIVE) that the table does not tell may be there."""
    strong = {name: mode for name, mode in found.locks.items() if MODES.index(mode) >= SUE}
    effects = [each.effect for each in steps]
    if all(each.table is None for each in effects) and any(each.lock for each in effects):
        assert set(strong.values()) == {each.lock for each in effects if each.lock}
        return
    told: dict[str, LockMode | None] = {}
    for each in effects:
        if each.table and not each.is_on_index:
            told[each.table] = stronger(told.get(each.table), each.lock)
        for other in each.others:
            told[other.table] = stronger(told.get(other.table), other.mode)
    told = {name: mode for name, mode in told.items() if mode is not None}
    assert {name: mode for name, mode in told.items() if MODES.index(mode) >= SUE} == strong
    assert {name: found.locks.get(name) for name in told} == told


def assert_work(steps: list[MigrationStep], found: Observed, major: int, *, told_scans: bool) -> None:
    """Rewritten, read, indexed or not, as the table says: nothing may be `unknown`, the schema is known."""
    effects = [each.effect for each in steps]
    table = effects[0].worked_table or effects[0].table
    if table is None:
        return
    rewritten = one_answer([each.rewrites for each in effects])
    row = row_of(steps[0].command, major)
    if row is not None and row.new_file:
        assert rewritten == "no" and table in found.new_files
        return
    assert rewritten == answer(table in found.new_files)
    if rewritten == "no":
        assert one_answer([each.builds_index for each in effects]) == answer(table in found.built)
    scans = one_answer([each.scans for each in effects])
    if told_scans and not (scans == "unknown" and steps[0].command in DECIDED_BY_PLAN):
        assert scans == answer(table in found.scanned), found.scanned


def answer(is_so: bool) -> Answer:
    return "yes" if is_so else "no"


def one_answer(answers: list[Answer]) -> Answer:
    return "yes" if "yes" in answers else "unknown" if "unknown" in answers else "no"


def test_every_row_has_a_trial() -> None:
    read = (read_ddl(trial.sql) for trial in trials())
    tried = {each.command for steps in read if not isinstance(steps, Unread) for each in steps}
    rows = {row.command for row in lock_rows()}
    assert rows - tried == NOT_TRIED.keys()
    assert tried <= rows
