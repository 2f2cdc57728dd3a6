"""What a snapshot file says is somebody else's SQL: none of it runs with the rights of the user who plans with it."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from pgadvisor.errors import EmbeddedServerError, SnapshotError
from pgadvisor.model.catalog import (
    Collation,
    ColumnStatistics,
    ExtendedStatistics,
    ExtendedStatisticsData,
    Extension,
    Function,
    Setting,
    Table,
    UserType,
    View,
)
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.whatif import Configuration, HypotheticalIndex, Question
from pgadvisor.planner.twin import Twin
from pgadvisor.planner.twin_statements import preparing
from pgadvisor.planner.whatif import TwinPlanner
from tests.fix_servers import Server, create_database, drop_database, programs_of
from tests.planner.fix_twin_schema import collected, execute

change = msgspec.structs.replace


@pytest.fixture(scope="module", params=["server", "debian15"])
def shop(request: pytest.FixtureRequest) -> Iterator[tuple[Snapshot, Path | None]]:
    """A snapshot as it should be, and programs of its server's version."""
    server: Server = request.getfixturevalue(request.param)
    dsn = create_database(server, "harmless")
    execute(dsn, "CREATE TABLE t (id int PRIMARY KEY, note text)", "INSERT INTO t SELECT i, 'n' || i % 9 FROM "
            "generate_series(1, 900) i", "CREATE STATISTICS s ON id, note FROM t", "ANALYZE t")  # fmt: skip
    found = collected(dsn)
    drop_database(server, dsn)
    own = programs_of(str(server.version_num // 10_000))
    yield found, next((each for each in own if (each / "postgres").exists()), None)


@pytest.fixture(scope="module")
def plain(shop: tuple[Snapshot, Path | None]) -> Iterator[Twin]:
    """The twin of that snapshot."""
    with Twin(shop[0], binaries=shop[1]) as twin:
        yield twin


@pytest.fixture
def ran() -> Iterator[Path]:
    """A file that an attack makes when it succeeds; the server's user may write where it is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o777)
        yield Path(directory) / "ran"


def plan_all(snapshot: Snapshot, programs: Path | None, *texts: str) -> list[str | None]:
    """Builds the twin and plans on it; gives the refusals."""
    with Twin(snapshot, binaries=programs) as twin:
        return plan_on(twin, *texts)


def plan_on(twin: Twin, *texts: str) -> list[str | None]:
    """Prepares and plans each text, tries an index on it; gives the refusals."""
    index = HypotheticalIndex(
        name="tried", schema="public", table_name="t", definition="CREATE INDEX tried ON public.t (note)"
    )
    with TwinPlanner(twin.connect, twin.label) as planner:
        with twin.connect() as connection:
            prepare = preparing(connection)
            for text in texts:
                prepare(text)
        answers = [planner.plan(text) for text in texts]
        planner.costs([Question(Configuration(create=(index,)), tuple(texts))])
        assert planner.plan("SELECT * FROM t WHERE id = 1").error is None, "the twin still stands"
    return [each.error for each in answers]


def evil(ran: Path, *, volatility: str = "IMMUTABLE") -> str:
    return (
        f"CREATE FUNCTION public.act() RETURNS int LANGUAGE plpgsql VOLATILE AS $a$ BEGIN COPY (SELECT 1) TO PROGRAM "
        f"'touch {ran}'; RETURN 1; END $a$; CREATE FUNCTION public.evil(text) RETURNS text LANGUAGE plpgsql "
        f"{volatility} AS $b$ BEGIN PERFORM public.act(); RETURN $1; END $b$"
    )


def function(definition: str, **fields: Any) -> Function:
    return Function(schema="public", name="f", signature="text", arguments="text", result="text",
                    volatility="immutable", definition=definition, **fields)  # fmt: skip


def smuggled(ran: Path) -> dict[str, Any]:
    """Every place of a snapshot whose text is pasted into DDL, each with more than what belongs there."""
    more = evil(ran)
    plain = "CREATE FUNCTION public.{name}(text) RETURNS text LANGUAGE sql IMMUTABLE\nAS $$ SELECT $1 $$"
    return {
        "types": (
            UserType(schema="public", name="d", kind="domain", base=f"text; {more}"),
            UserType(schema="public", name="e", kind="composite", fields=("a int); " + more + "; SELECT (1",)),
        ),
        "functions": (
            function(f"{plain.format(name='f')}; {more}"),
            change(function(f"{plain.format(name='g')}; {more}"), name="g", kind="aggregate"),
        ),
        "views": (View(schema="public", name="v", definition=f"SELECT 1; {more}"),),
        "collations": (
            Collation(
                schema="public",
                name="c",
                provider=f"libc, LOCALE = 'C'); {more}; SELECT (1",  # type: ignore[arg-type]
                locale="C",
            ),
        ),
    }


def test_no_second_statement_is_smuggled_in(shop: tuple[Snapshot, Path | None], ran: Path) -> None:
    snapshot, programs = shop
    with Twin(change(snapshot, **smuggled(ran)), binaries=programs) as twin:
        plan_on(twin, "SELECT * FROM t WHERE note = evil('1')")
    assert not ran.exists()
    told = [f"{gap.subject} {gap.reason}" for gap in twin.gaps if "cannot insert multiple commands" in gap.reason]
    assert set(re.findall(r"public\.(\w)\b", " ".join(told))) == set("cdefgv"), "each was refused for itself"


def test_honest_looking_functions_run_without_rights(shop: tuple[Snapshot, Path | None], ran: Path) -> None:
    snapshot, programs = shop
    act, calls = evil(ran).split("; CREATE FUNCTION public.evil")
    functions = (
        Function(schema="public", name="act", definition=act, language="plpgsql", result="integer"),
        function("CREATE FUNCTION public.evil" + calls, language="plpgsql"),
    )
    errors = plan_all(change(snapshot, functions=functions), programs, "SELECT * FROM t WHERE note = evil('1')")
    assert not ran.exists()
    assert "permission denied" in str(errors[0]) or "must be superuser" in str(errors[0])


def test_checks_of_domains_run_without_rights(shop: tuple[Snapshot, Path | None], ran: Path) -> None:
    snapshot, programs = shop
    act, calls = evil(ran).split("; CREATE FUNCTION public.evil")
    functions = (
        Function(schema="public", name="act", definition=act, language="plpgsql", result="integer"),
        function("CREATE FUNCTION public.evil" + calls, language="plpgsql"),
    )
    domains = (
        UserType(schema="public", name="d", kind="domain", base="text CHECK (public.evil(VALUE) IS NOT NULL)"),
        UserType(schema="public", name="pair", kind="composite", fields=("a public.d", "b int")),
    )
    statistics = ColumnStatistics(null_fraction=0.0, average_width_bytes=5, n_distinct=2.0,
                                  most_common_values=("(x,1)",), most_common_frequencies=(0.9,))  # fmt: skip
    table = snapshot.tables[0]
    columns = (
        *table.columns,
        change(table.columns[1], name="p", type="pair", type_schema="public", statistics=statistics),
    )
    odd = change(snapshot, functions=functions, types=domains, tables=(change(table, columns=columns),))
    plan_all(odd, programs, "SELECT '{x}'::d[]", "SELECT * FROM t WHERE p = '(x,1)'::pair")
    assert not ran.exists()


def test_it_cannot_log_in_as_the_superuser(shop: tuple[Snapshot, Path | None], plain: Twin) -> None:
    with psycopg.connect(plain.dsn) as connection:
        row = connection.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == ("pgadvisor", False)
    server = shop[0].server
    assert server is not None
    for name in ("postgres", "template1", server.database):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(plain.dsn, user="postgres", dbname=name)
    with plain.connect() as owner:
        for act in ("SELECT pg_read_file('PG_VERSION')", "COPY (SELECT 1) TO PROGRAM 'true'", "SET ROLE postgres",
                    "UPDATE pg_index SET indisvalid = false", "CREATE EXTENSION citext",
                    "CREATE TABLE pg_twin.x ()", "SELECT * FROM pg_twin.lent"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(act.encode())
        owner.execute("SELECT pg_twin.lend_files('{1259}'); SELECT pg_twin.show_indexes('{}', '{2662}')")
        owner.execute("SELECT pg_twin.wake_indexes('{}', '{2662}'); SELECT pg_twin.set_free('{2662}')")
        (refused,) = owner.execute("SELECT code FROM pg_twin.try_each('{SELECT 1, SET ROLE postgres}')").fetchall()
        assert refused == (psycopg.errors.InsufficientPrivilege.sqlstate,)
        row = owner.execute("SELECT indisvalid, indislive, relfilenode FROM pg_index, pg_class AS c "
                            "WHERE indexrelid = 2662 AND c.oid = 1259").fetchone()  # fmt: skip
        assert row == (True, True, 0)


def test_a_view_that_reads_files_gives_nothing(shop: tuple[Snapshot, Path | None]) -> None:
    snapshot, programs = shop
    view = View(schema="public", name="v", definition="SELECT pg_read_file('PG_VERSION') AS line")
    text = "SELECT * FROM t WHERE id < length((SELECT line FROM v)) AND note = pg_ls_dir('.')"
    plan_all(change(snapshot, views=(view,)), programs, text)


def test_extensions_that_reach_outside_are_refused(shop: tuple[Snapshot, Path | None], ran: Path) -> None:
    snapshot, programs = shop
    names = ("dblink", "postgres_fdw", "file_fdw", "lo", "adminpack", "hstore")
    extensions = tuple(Extension(name=name, version="1", schema="public") for name in names)
    with Twin(change(snapshot, extensions=extensions), binaries=programs) as twin, twin.connect() as connection:
        there = {name for (name,) in connection.execute("SELECT extname FROM pg_extension").fetchall()}
        assert there == {"plpgsql", "hstore"}
        assert "dblink" in str([gap.reason for gap in twin.gaps if "extensions" in str(gap.subject)])


def test_preparing_does_not_last(plain: Twin) -> None:
    with plain.connect() as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("10s",)


def odd_snapshots(snapshot: Snapshot) -> dict[str, Snapshot]:
    """Snapshots that no collection makes."""
    table = snapshot.tables[0]
    block = Setting(name="block_size", value="0")
    return {
        "a partition of itself": change(snapshot, tables=(change(table, partition_of=table.qualified),)),
        "partitions in a circle": change(
            snapshot,
            tables=(change(table, partition_of="public.u"), Table(schema="public", name="u", partition_of="public.t")),
        ),
        "block size": change(
            snapshot, settings=(*(each for each in snapshot.settings if each.name != "block_size"), block)
        ),
        "huge": change(snapshot, tables=(change(table, heap_bytes=10**18),)),
        "negative": change(snapshot, tables=(change(table, heap_bytes=-1),)),
    }


@pytest.mark.parametrize("what", ["a partition of itself", "partitions in a circle", "block size", "huge", "negative"])
def test_impossible_figures_are_refused(shop: tuple[Snapshot, Path | None], what: str) -> None:
    snapshot, programs = shop
    with pytest.raises(SnapshotError, match="collect the snapshot again"):
        Twin(odd_snapshots(snapshot)[what], binaries=programs)


def test_odd_figures_still_make_a_twin(shop: tuple[Snapshot, Path | None]) -> None:
    snapshot, programs = shop
    table = snapshot.tables[0]
    data = ExtendedStatisticsData(n_distinct='{"1, 2, 9": 4}', dependencies="none", most_common=b"\x00")
    odd = ExtendedStatistics(name="s", definition="CREATE STATISTICS public.s ON id, note FROM public.t",
                             columns=("id", "note"), numbers=(1, 2), data=(data,))  # fmt: skip
    for statistics in (odd, change(odd, numbers=(1,))):
        wrong = change(table, pages=1 << 40, rows=float("nan"), all_visible_pages=-5, extended_statistics=(statistics,))
        assert plan_all(change(snapshot, tables=(wrong,)), programs, "SELECT 1") == [None]


def test_an_empty_search_path_is_kept(shop: tuple[Snapshot, Path | None]) -> None:
    snapshot, programs = shop
    with Twin(change(snapshot, search_path=()), binaries=programs) as twin, twin.connect() as connection:
        assert connection.execute("SHOW search_path").fetchone() == ('""',)


def test_a_table_of_the_users_is_never_taken_for_ours(shop: tuple[Snapshot, Path | None]) -> None:
    snapshot, programs = shop
    own = change(snapshot.tables[0], name="pgadvisor_no_rows", indexes=(), constraints=(), extended_statistics=())
    with Twin(change(snapshot, tables=(*snapshot.tables, own)), binaries=programs) as twin:
        index = HypotheticalIndex(
            name="tried", schema="public", table_name="t", definition="CREATE INDEX tried ON public.t (note)"
        )
        with TwinPlanner(twin.connect, twin.label) as planner:
            assert (planner.size(index).size_bytes or 0) > 0
        with twin.connect() as connection:
            assert connection.execute("SELECT to_regclass('public.pgadvisor_no_rows') IS NOT NULL").fetchone() == (
                True,
            )


def test_a_lost_server_is_told(shop: tuple[Snapshot, Path | None]) -> None:
    snapshot, programs = shop
    with Twin(snapshot, binaries=programs) as twin:
        planner = TwinPlanner(twin.connect, twin.label)
        twin.stop()
        with pytest.raises(EmbeddedServerError, match="lost"):
            planner.plan("SELECT 1")
