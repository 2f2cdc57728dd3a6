"""An audit from outside, end to end: what the server logs of it, and what it leaves on a server full of traps."""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import postgast
import psycopg
import pytest
from postgast.pg_query_pb2 import TransactionStmtKind

from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.sql.fingerprint import fingerprint
from tests.cli.run import pgadvisor
from tests.fix_hostile import HARMLESS, calls, fill, state
from tests.fix_servers import SERVER_IS_UP, create_database, make_reader

DEBIAN15 = Path("/usr/lib/postgresql/15/bin")
MARK = "/* pgadvisor */"
SETTINGS = {
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": "log",
    "log_filename": "server",
    "log_rotation_age": "0",
    "log_statement": "all",
    "log_min_messages": "log",
    "pg_stat_statements.track": "all",
    "wal_level": "replica",
    "max_locks_per_transaction": "256",
}
pytestmark = pytest.mark.server

VERBS = {
    "select_stmt",
    "variable_show_stmt",
    "variable_set_stmt",
    "transaction_stmt",
    "explain_stmt",
    "prepare_stmt",
    "deallocate_stmt",
    "discard_stmt",
}
"""All that we may send, by the parser's name for it: SELECT, SHOW, SET, BEGIN and its ends, EXPLAIN, PREPARE, …"""
VOLATILE_BUT_HARMLESS = {
    "set_config",
    "pg_advisory_unlock_all",
    "clock_timestamp",
    "pg_blocking_pids",
    "pg_control_system",
    "pg_database_size",
    "pg_relation_size",
    "pg_indexes_size",
    "pg_total_relation_size",
    "pg_is_in_recovery",
    "pg_current_wal_lsn",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_collation_actual_version",
    "pg_database_collation_actual_version",
}
"""Volatile functions that our own statements may call: they look, or set something for the transaction alone."""
CLOCK = "SELECT pg_catalog.count(*) FROM pg_catalog.generate_series(1, 20000)"
"""A statement of our own that is run to see what a look at the clock costs."""


@dataclass(frozen=True)
class Sent:
    """A statement that the server logged as ours."""

    session: int
    text: str
    verb: str
    """The parser's name for its kind."""
    tree: Any
    """Its parse tree."""

    @property
    def transaction_step(self) -> str | None:
        """BEGIN, START, COMMIT, ROLLBACK, SAVEPOINT, RELEASE or ROLLBACK_TO; None: something else."""
        if self.verb != "transaction_stmt":
            return None
        return str(TransactionStmtKind.Name(self.tree.kind)).removeprefix("TRANS_STMT_")

    @property
    def is_executed_explain(self) -> bool:
        """EXPLAIN with ANALYZE that is not switched off."""
        return self.verb == "explain_stmt" and any(
            option.def_elem.defname == "analyze" and option.def_elem.arg.string.sval not in ("off", "false")
            for option in self.tree.options
        )


@dataclass(frozen=True)
class Audit:
    """A server after its audit."""

    dsn: str
    sent: tuple[Sent, ...]
    struck: tuple[str, ...]
    """What hostile functions logged in our sessions."""
    before: dict[str, object]
    after: dict[str, object]
    calls_before: Counter[str]
    calls_after: Counter[str]
    hostile: tuple[str, ...]
    files: tuple[str, ...]
    report: dict[str, object]


@pytest.fixture(scope="module", params=["embedded", "debian15"])
def audited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audit]:
    """A hostile database, audited as a role that has only the two grants, by the command itself."""
    binaries = DEBIAN15 if request.param == "debian15" else None
    if binaries is not None and not (binaries / "postgres").exists():
        pytest.skip("needs Debian's PostgreSQL 15: apt-get install postgresql-15")
    with EmbeddedServer(binaries, settings=SETTINGS, preload=("pg_stat_statements",)) as server:
        request.config.stash[SERVER_IS_UP] = True
        yield _audit(server, tmp_path_factory.mktemp("audit"))


def _audit(server: EmbeddedServer, folder: Path) -> Audit:
    files = server.directory / "files"
    files.mkdir()
    (files / "given").write_text("a line\n")
    _give_to_server(server, files)
    dsn = create_database(server, "hostile")
    hostile = fill(dsn, str(files))
    given = {path.name for path in files.iterdir()}
    before, calls_before = dict(state(dsn)), calls(dsn)
    done = pgadvisor("audit", make_reader(dsn), "--top", "500", "-o", folder / "report.json")
    assert done.returncode == 0, done.stderr
    entries = _log(server, dsn)
    return Audit(
        dsn=dsn,
        sent=tuple(_sent(entries)),
        struck=tuple(entry["message"] for entry in entries if entry["message"].startswith("struck: ")),
        before=before,
        after=dict(state(dsn)),
        calls_before=calls_before,
        calls_after=calls(dsn),
        hostile=hostile,
        files=tuple({path.name for path in files.iterdir()} ^ given),
        report=json.loads((folder / "report.json").read_text(encoding="utf-8")),
    )


def _give_to_server(server: EmbeddedServer, files: Path) -> None:
    """The server's user must be able to write there: only then does it show that it did not."""
    owner = server.data_directory.stat()
    for path in (files, *files.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)


def _log(server: EmbeddedServer, dsn: str) -> list[dict[str, str]]:
    """What the server logged of sessions of ours, once all of it has been written."""
    with psycopg.connect(dsn, application_name="witness") as connection:
        connection.execute("SELECT 'the log ends here'")
    path = server.data_directory / "log" / "server.json"
    deadline = time.monotonic() + 120
    while "the log ends here" not in (text := path.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline, "the server did not write its log"
        time.sleep(0.05)
    entries = (json.loads(line) for line in text.splitlines())
    return [entry for entry in entries if entry.get("application_name") == "pgadvisor"]


def _sent(entries: list[dict[str, str]]) -> Iterator[Sent]:
    for entry in entries:
        found = re.match(r"(?:statement|execute [^:]*): (.*)", entry["message"], re.DOTALL)
        for text in postgast.split(found[1]) if found else ():
            statement = postgast.parse(text).stmts[0].stmt
            verb = statement.WhichOneof("node")
            yield Sent(session=int(entry["pid"]), text=text.strip(), verb=verb, tree=getattr(statement, verb))


def test_every_statement_is_marked_and_of_a_kind_that_only_looks(audited: Audit) -> None:
    assert audited.sent
    assert [sent.text for sent in audited.sent if sent.verb not in VERBS] == []
    assert [sent.text for sent in audited.sent if MARK not in sent.text] == []


def test_every_transaction_is_read_only_and_nothing_runs_outside_one(audited: Audit) -> None:
    for sent in audited.sent:
        if sent.transaction_step in ("BEGIN", "START"):
            assert "READ ONLY" in sent.text
    assert [sent.text for sent in _outside(audited.sent)] == []


def test_what_was_executed_was_harmless_and_rolled_back(audited: Audit) -> None:
    executed = [sent for sent in audited.sent if sent.is_executed_explain]
    allowed = {postgast.fingerprint(text).hex for text in (*HARMLESS, CLOCK)}
    assert {_shape(sent.tree.query) for sent in executed} == allowed
    assert {end for sent, end in _with_ends(audited.sent) if sent.is_executed_explain} == {"ROLLBACK"}


def test_our_own_statements_call_nothing_that_acts(audited: Audit) -> None:
    own = [sent.tree for sent in audited.sent if sent.verb == "select_stmt"]
    called = {name.split(".")[-1] for tree in own for name in postgast.extract_functions(tree)}
    with psycopg.connect(audited.dsn) as connection:
        rows = connection.execute(
            "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' AND proname = ANY(%s)", (sorted(called),)
        ).fetchall()
    assert {name for (name,) in rows} - VOLATILE_BUT_HARMLESS == set()
    assert not any(tree.HasField("into_clause") or tree.locking_clause for tree in own)


def test_no_trap_went_off(audited: Audit) -> None:
    assert audited.struck == ()
    assert audited.files == ()


def test_rows_sequences_locks_and_large_objects_are_as_they_were(audited: Audit) -> None:
    assert audited.after == audited.before


def test_no_hostile_statement_was_executed_once_more(audited: Audit) -> None:
    shapes = {fingerprint(text): text for text in audited.hostile}
    assert {text: audited.calls_before[shape] for shape, text in shapes.items()} == {
        text: audited.calls_after[shape] for shape, text in shapes.items()
    }
    counted = {text for shape, text in shapes.items() if audited.calls_before[shape] >= 2}
    assert counted >= {text for text in audited.hostile if text.startswith(("SELECT", "WITH", "INSERT", "UPDATE"))}


def test_hostile_statements_were_planned_where_planning_runs_nothing(audited: Audit) -> None:
    planned = [sent.text for sent in audited.sent if sent.verb == "explain_stmt" and not sent.is_executed_explain]
    for hostile in ("nextval(", "FOR UPDATE", "strike_rows()", "WITH gone AS", "pg_advisory_lock("):
        assert any(hostile in text for text in planned), hostile
    assert not any("strike_immutably" in text or "strike_without_arguments" in text for text in planned)


def _shape(query: Any) -> str:
    """The identity of a statement below EXPLAIN, whatever its literals."""
    result = postgast.ParseResult(version=180_004, stmts=[{"stmt": query}])
    return postgast.fingerprint(postgast.deparse(result)).hex


def _with_ends(sent: tuple[Sent, ...]) -> Iterator[tuple[Sent, str]]:
    """Each statement with the verb that ended its transaction; empty where it ran in none."""
    for session in {each.session for each in sent}:
        inside: list[Sent] | None = None
        for each in (each for each in sent if each.session == session):
            step = each.transaction_step
            if step in ("BEGIN", "START"):
                inside = []
            elif step in ("COMMIT", "ROLLBACK"):
                yield from ((one, step) for one in inside or ())
                inside = None
            elif inside is None:
                yield each, ""
            else:
                inside.append(each)
        yield from ((one, "") for one in inside or ())


def _outside(sent: tuple[Sent, ...]) -> Iterator[Sent]:
    """Statements that ran in no transaction of ours, or in one that was never ended."""
    return (each for each, end in _with_ends(sent) if not end)
