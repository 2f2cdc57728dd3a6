"""What every test may use, and what decides which tests can run here."""

import os
import signal
from collections.abc import Generator

import hypothesis
import pytest
from packaging.specifiers import SpecifierSet

# Asserts of files that are no tests themselves show their values only when told before they are imported.
pytest.register_assert_rewrite("tests.golden", "tests.small_shop")

from tests.fix_clusters import ready_made_clusters, real_initdb  # noqa: E402
from tests.fix_servers import SERVER_IS_UP, database, debian15, every_server, new_database, reader, server  # noqa: E402

__all__ = [
    "database",
    "debian15",
    "every_server",
    "new_database",
    "reader",
    "ready_made_clusters",
    "real_initdb",
    "server",
]

# CI tries the same examples each time: a rare one that fails is found at a desk, not in somebody's unrelated change.
hypothesis.settings.register_profile("same", derandomize=True, database=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("same")

# A shell starts background jobs with Ctrl-C ignored, nohup with SIGHUP; what is ignored stays so in every child.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

_SERVER_FIXTURES = frozenset({"server", "every_server", "debian15"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that ask for a server, so that `-m "not server"` leaves them out and the end can count them."""
    for item in items:
        if _SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)


@pytest.fixture(autouse=True)
def _fits_version(request: pytest.FixtureRequest) -> None:
    """Skips a test marked `@pytest.mark.pg(">= 16")` where the server it asks for is another."""
    mark = request.node.get_closest_marker("pg")
    if mark is None:
        return
    asked = next((name for name in ("every_server", "debian15") if name in request.fixturenames), "server")
    major = request.getfixturevalue(asked).version_num // 10_000
    if not SpecifierSet(mark.args[0]).contains(str(major), prereleases=True):
        pytest.skip(f"needs PostgreSQL {mark.args[0]}, the server is {major}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tells the reports of server tests from others, also across the processes of pytest-xdist."""
    report = yield
    if item.get_closest_marker("server"):
        state = "up" if item.config.stash.get(SERVER_IS_UP, False) or report.failed else "none"
        report.user_properties = [*report.user_properties, ("server", state)]
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which no server test found a server has shown nothing: it fails, with the way out."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None:
        return
    reports = [report for outcome in terminal.stats.values() for report in outcome]
    states = {dict(getattr(report, "user_properties", ())).get("server") for report in reports}
    if "none" in states and "up" not in states:
        terminal.write_line("")
        terminal.write_line(
            "Every server test was skipped: no PostgreSQL server could be used. Name one with", red=True
        )
        terminal.write_line("PGADVISOR_TEST_DSN, or see the reasons below; -m 'not server' runs the others.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
