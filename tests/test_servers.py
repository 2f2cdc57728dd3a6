"""Tests of the server fixtures, and of what a run without any server comes to."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.fix_servers import Server, drop_reader, make_reader

pytest_plugins = ["pytester"]


def test_database_is_empty_and_preloaded(database: str) -> None:
    with psycopg.connect(database) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        assert tables.fetchone() == (0,)
        preloaded = connection.execute("SHOW shared_preload_libraries").fetchone()
    assert preloaded is not None
    assert "pg_stat_statements" in preloaded[0]


def test_copies_of_a_database_hold_its_tables(new_database: Callable[..., str]) -> None:
    with psycopg.connect(new_database("origin")) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        name = connection.info.dbname
    with psycopg.connect(new_database("copy", template=name)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_reader_may_read_and_not_write(database: str, reader: Callable[[str], str]) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE secret (id int)")
    with psycopg.connect(reader(database)) as connection:
        assert connection.execute("SELECT count(*) FROM secret").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO secret VALUES (1)")


def test_a_reader_is_taken_back(server: Server) -> None:
    reading = make_reader(server.dsn())
    drop_reader(server.dsn(), reading)
    with psycopg.connect(server.dsn()) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
    assert conninfo_to_dict(reading)["user"] not in roles


@pytest.mark.parametrize(
    ("version_num", "spec", "outcome"),
    [
        (150018, ">= 16", "skipped"),
        (160014, ">= 16", "passed"),
        (180006, "< 16", "skipped"),
        (170010, "==17", "passed"),
    ],
)
def test_mark_pg_asks_for_versions(pytester: pytest.Pytester, version_num: int, spec: str, outcome: str) -> None:
    run = run_with(pytester, f"yield types.SimpleNamespace(version_num={version_num})", f"@pytest.mark.pg({spec!r})")
    run.assert_outcomes(**{outcome: 1})
    if outcome == "skipped":
        run.stdout.fnmatch_lines([f"*needs PostgreSQL {spec}, the server is {version_num // 10_000}*"])
    assert run.ret == 0


@pytest.mark.parametrize("parallel", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_run_whose_server_tests_all_skip_fails(pytester: pytest.Pytester, parallel: tuple[str, ...]) -> None:
    run = run_with(pytester, "pytest.skip('no server here')\n    yield", "", *parallel)
    run.assert_outcomes(skipped=1)
    run.stdout.fnmatch_lines(["*Every server test was skipped*", "*PGADVISOR_TEST_DSN*"])
    assert run.ret == pytest.ExitCode.TESTS_FAILED


def test_a_run_without_server_tests_needs_none(pytester: pytest.Pytester) -> None:
    run = run_with(pytester, "pytest.skip('no server here')\n    yield", "", "-m", "not server")
    run.assert_outcomes(deselected=1)
    assert run.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def run_with(pytester: pytest.Pytester, server_body: str, mark: str, *options: str) -> pytest.RunResult:
    """Runs one server test under our conftest, with a server fixture of this body."""
    pytester.makeini("[pytest]\nmarkers =\n    pg(spec): versions\n    server: needs one\n")
    pytester.makeconftest(f"""
import sys
import types
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
import pytest
from tests.conftest import *
from tests.conftest import _fits_version, pytest_collection_modifyitems, pytest_runtest_makereport, pytest_sessionfinish
from tests.fix_servers import SERVER_IS_UP

@pytest.fixture
def server(pytestconfig):
    pytestconfig.stash[SERVER_IS_UP] = {"skip" not in server_body}
    {server_body}
""")
    pytester.makepyfile(f"""
import pytest

{mark}
def test_one(server):
    assert server is not None
""")
    return pytester.runpytest("-ra", "-p", "no:cacheprovider", *options)
