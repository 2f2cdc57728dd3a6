"""Rules of the server against real servers: what is wrong is found, and no more once the remedy was carried out."""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from pgadvisor.advise.registry import all_rules
from pgadvisor.advise.run import run_rules
from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.errors import EmbeddedServerError
from pgadvisor.facts import Facts
from pgadvisor.model.activity import Activity
from pgadvisor.model.catalog import Setting
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.embedded import EmbeddedServer
from tests.rules.fix_audited import execute, findings

SETTINGS = {
    "autovacuum_naptime": "1d",
    "max_prepared_transactions": "5",
    "max_replication_slots": "5",
    "max_wal_senders": "4",
    "pg_stat_statements.max": "100",
    "wal_level": "logical",
}
DEBIAN15 = Path("/usr/lib/postgresql/15/bin")
RULES = tuple(rule.name for rule in all_rules() if rule.kind == "server")
TABLE = """
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);
INSERT INTO orders SELECT i, i FROM generate_series(1, 20000) AS i;
VACUUM ANALYZE orders;
"""
BURN = "DO $$ BEGIN FOR i IN 1 .. 300 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
DEADLINE_S = 60.0


@pytest.fixture(scope="module", params=[None, DEBIAN15], ids=["default", "15"])
def own(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    """A server of this file alone: its rules look at all that goes on in it."""
    if request.param is not None and not (request.param / "postgres").exists():
        pytest.skip("needs Debian's PostgreSQL 15")
    try:
        running = EmbeddedServer(request.param, settings=SETTINGS, preload=("pg_stat_statements",))
    except EmbeddedServerError as error:
        pytest.skip(str(error))
    with running:
        execute(running.dsn(), TABLE)
        yield running


@pytest.fixture(scope="module")
def low() -> Iterator[None]:
    """Hundreds of transactions are many here, and a moment is long."""
    patch = pytest.MonkeyPatch()
    for name, value in {"HELD": 200, "WAIT_S": 0.0, "IDLE_S": 0.0}.items():
        patch.setattr(f"pgadvisor.activity_facts.{name}", value)
    yield
    patch.undo()


def look(dsn: str) -> Snapshot:
    with open_session(dsn) as session:
        return collect(session)


def found_in(snapshot: Snapshot) -> dict[str, Finding]:
    """What the rules of the server say, each once at most."""
    each_found = {rule: findings(snapshot, rule) for rule in RULES}
    assert all(len(found) <= 1 for found in each_found.values())
    return {rule: found[0] for rule, found in each_found.items() if found}


def activity_of(snapshot: Snapshot) -> Activity:
    assert snapshot.activity is not None
    return snapshot.activity


def cure(dsn: str, finding: Finding) -> None:
    """Carry the remedy out as it is printed."""
    assert finding.remedy.sql
    execute(dsn, finding.remedy.sql)


@contextlib.contextmanager
def idle(dsn: str, *statements: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A client that does nothing in its transaction after these statements."""
    connection = psycopg.connect(dsn, application_name="shop")
    try:
        for statement in statements:
            connection.execute(statement.encode())
        yield connection
    finally:
        connection.close()


def test_a_healthy_server_has_none(own: EmbeddedServer) -> None:
    assert found_in(look(own.dsn())) == {}


def test_an_idle_transaction_is_found_and_what_it_keeps(own: EmbeddedServer, low: None) -> None:
    dsn = own.dsn()
    with idle(dsn, "UPDATE orders SET total = 0 WHERE id = 1", "SELECT 'secret'") as client:
        found = found_in(look(dsn))
        assert list(found) == ["long-transaction"]
        told = found["long-transaction"]
        assert told.message.startswith(f'session {client.info.backend_pid} ("shop") is idle in transaction for ')
        assert "with rows changed and locked" in told.evidence[0].text
        assert "secret" not in repr(told)
        execute(dsn, BURN)
        held = found_in(look(dsn))
        assert list(held) == ["vacuum-held-back"]
        assert held["vacuum-held-back"].severity is Severity.WARNING
        cure(dsn, held["vacuum-held-back"])
        assert found_in(wait_until(dsn, lambda seen: not activity_of(seen).transactions)) == {}


def has_waiters(number: int, seen: Snapshot) -> bool:
    return sum(bool(each.blocked_by) for each in activity_of(seen).transactions) == number


def wait_until(dsn: str, is_so: Callable[[Snapshot], bool]) -> Snapshot:
    """What the server is like once that is so."""
    end = threading.Event()
    timer = threading.Timer(DEADLINE_S, end.set)
    timer.start()
    try:
        while not end.is_set():
            seen = look(dsn)
            if is_so(seen):
                return seen
        raise AssertionError("it never came to be so")
    finally:
        timer.cancel()


def test_waiters_are_found_behind_the_head_of_their_queue(own: EmbeddedServer, low: None) -> None:
    dsn = own.dsn()

    def wait(sql: str) -> None:
        with contextlib.suppress(psycopg.Error):
            execute(dsn, sql)

    with idle(dsn, "UPDATE orders SET total = 0 WHERE id = 1") as head:
        waiters = [
            threading.Thread(target=wait, args=(sql,))
            for sql in ("ALTER TABLE orders ADD COLUMN note text", "UPDATE orders SET total = 1 WHERE id = 2")
        ]
        for number, waiter in enumerate(waiters, start=1):
            waiter.start()
            seen = wait_until(dsn, partial(has_waiters, number))
        found = found_in(seen)
        assert list(found) == ["blocked-sessions"]
        told = found["blocked-sessions"]
        assert f"2 sessions wait for locks of session {head.info.backend_pid} " in told.message
        assert told.where.table == "public.orders"
        later = (replace(each, waited_s=400.0 if each.blocked_by else None) for each in activity_of(seen).transactions)
        late = replace(seen, activity=replace(activity_of(seen), transactions=tuple(later)))
        assert found_in(late)["blocked-sessions"].severity is Severity.ERROR
        cure(dsn, told)
        for waiter in waiters:
            waiter.join(DEADLINE_S)
    assert found_in(look(dsn)) == {}
    execute(dsn, "ALTER TABLE orders DROP COLUMN IF EXISTS note")


def test_a_slot_and_a_prepared_transaction_hold_vacuum_back(own: EmbeddedServer, low: None) -> None:
    dsn = own.dsn()
    execute(dsn, f"SELECT pg_create_logical_replication_slot('old_copy', 'pgoutput');\n{BURN}")
    found = found_in(look(dsn))
    assert list(found) == ["vacuum-held-back"]
    assert found["vacuum-held-back"].message.startswith('the logical replication slot "old_copy" keeps all rows of the')
    cure(dsn, found["vacuum-held-back"])
    assert found_in(look(dsn)) == {}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for sql in ("BEGIN", "UPDATE orders SET total = 0 WHERE id = 1", "PREPARE TRANSACTION 'pay-7'"):
            connection.execute(sql.encode())
    execute(dsn, BURN)
    found = found_in(look(dsn))
    assert list(found) == ["vacuum-held-back"]
    assert found["vacuum-held-back"].remedy.sql == "ROLLBACK PREPARED 'pay-7';"
    cure(dsn, found["vacuum-held-back"])
    assert found_in(look(dsn)) == {}


def test_dead_rows_that_nobody_cleans_up_are_found(own: EmbeddedServer) -> None:
    dsn = own.dsn()
    for _ in range(2):
        execute(dsn, "UPDATE orders SET total = total + 1; SELECT pg_stat_force_next_flush()")
    hours_later = look(dsn)
    hours_later = replace(hours_later, collected_at=hours_later.collected_at + timedelta(hours=2))
    found = found_in(hours_later)
    assert list(found) == ["autovacuum-behind"]
    assert found["autovacuum-behind"].where.table == "public.orders"
    off = replace(hours_later, settings=(*hours_later.settings, Setting(name="autovacuum", value="off")))
    assert "switched off for the server" in found_in(off)["autovacuum-behind"].message
    cure(dsn, found["autovacuum-behind"])
    assert found_in(look(dsn)) == {}


def test_settings_of_roles_and_databases_are_seen(own: EmbeddedServer) -> None:
    dsn = own.dsn()
    execute(
        dsn,
        """
        CREATE ROLE app LOGIN;
        ALTER ROLE app SET enable_seqscan = off;
        ALTER ROLE app SET my.secret = 'hush-hush';
        ALTER DATABASE postgres SET enable_nestloop = off;
        ALTER SYSTEM SET enable_hashjoin = off;
        SELECT pg_reload_conf();
        """,
    )
    seen = wait_until(dsn, lambda seen: Setting(name="enable_hashjoin", value="off", is_default=False) in seen.settings)
    assert "hush-hush" not in repr(seen)
    found = found_in(seen)
    assert list(found) == ["planner-method-disabled"]
    assert [each.text for each in found["planner-method-disabled"].evidence] == [
        "a new session here has enable_hashjoin = off",
        'pg_db_role_setting: enable_nestloop = off in the database "postgres"',
        'pg_db_role_setting: enable_seqscan = off for the role "app"',
    ]
    cure(dsn, found["planner-method-disabled"])
    wait_until(dsn, lambda seen: found_in(seen) == {})
    execute(dsn, "ALTER SYSTEM RESET enable_hashjoin; SELECT pg_reload_conf(); DROP ROLE app")


def test_old_rows_are_found_and_frozen(own: EmbeddedServer) -> None:
    dsn = own.dsn()
    execute(dsn, BURN, BURN)
    seen = look(dsn)
    server, oldest = seen.server, activity_of(seen).frozen_databases[0]
    assert server is not None and oldest.transactions > 600
    early = (*seen.settings, Setting(name="autovacuum_freeze_max_age", value=str(oldest.transactions // 2 - 100)))
    found = found_in(replace(seen, settings=early))
    assert list(found) == ["transaction-id-wraparound"]
    assert found["transaction-id-wraparound"].severity is Severity.WARNING
    assert f"is {oldest.transactions:,} old" in found["transaction-id-wraparound"].message
    mine = next(each for each in activity_of(seen).frozen_databases if each.name == server.database)
    execute(dsn, "VACUUM (FREEZE)")
    after = next(each for each in activity_of(look(dsn)).frozen_databases if each.name == server.database)
    assert after.transactions < mine.transactions


def test_statements_that_sort_on_disk_and_too_many_of_them_are_found(
    own: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgadvisor.rules.server.work_mem_too_small.LEAST_A_DAY", 1_000_000)
    monkeypatch.setattr("pgadvisor.rules.server.work_mem_too_small.LEAST_KB_PER_CALL", 100.0)
    execute(own.dsn(), "CREATE DATABASE counted")
    dsn = own.dsn("counted")
    execute(dsn, f"CREATE EXTENSION pg_stat_statements; {TABLE}")
    lists = ("total" + ", total" * n for n in range(6))
    sorts = "".join(f"SELECT count(*) FROM (SELECT {each} FROM orders ORDER BY 1 OFFSET 1) s;" for each in lists)
    many = tuple("SELECT " + ", ".join(each) for each in itertools.product(("1", "''"), repeat=8))
    execute(dsn, "SELECT pg_stat_statements_reset()")
    execute(dsn, sorts, "SET work_mem = '64kB'")
    found = found_in(look(dsn))
    assert list(found) == ["work-mem-too-small"]
    assert found["work-mem-too-small"].message.startswith("6 statements write ")
    assert "× 40 connections is" in found["work-mem-too-small"].remedy.text
    execute(dsn, "SELECT pg_stat_statements_reset()")
    execute(dsn, sorts, "SET work_mem = '64MB'", *many)
    found = found_in(look(dsn))
    assert list(found) == ["statement-counters-evicted"]
    execute(dsn, "SELECT pg_stat_statements_reset()")
    assert found_in(look(dsn)) == {}


def test_what_nobody_looked_at_is_told(own: EmbeddedServer) -> None:
    seen = replace(look(own.dsn()), activity=None)
    _, not_run = run_rules([rule for rule in all_rules() if rule.kind == "server"], Facts(seen, {}))
    reasons = {each.rule: each.reason for each in not_run}
    assert reasons["vacuum-held-back"] == "nobody looked at what the server is doing"
    assert reasons["long-transaction"] == "nobody looked at the sessions and locks"


def test_counters_of_the_database_are_read(own: EmbeddedServer) -> None:
    seen = look(own.dsn())
    counters = activity_of(seen).counters
    assert counters is not None and counters.since is not None
    assert counters.since <= seen.collected_at
    locked_out = replace(seen, activity=replace(activity_of(seen), counters=replace(counters, deadlocks=50)))
    assert list(found_in(locked_out)) == ["deadlocks"]


def test_a_role_that_may_not_see_others_sessions_is_told_so(own: EmbeddedServer) -> None:
    execute(own.dsn(), "CREATE ROLE nobody_special LOGIN")
    with idle(own.dsn(), "SELECT 1"):
        seen = look(own.dsn(user="nobody_special"))
    assert [gap.reason for gap in seen.gaps if gap.area == "sessions"] == [
        "what other sessions do (1 now) is hidden from the role"
    ]
    assert activity_of(seen).frozen_databases and activity_of(seen).transactions == ()
