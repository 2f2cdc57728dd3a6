"""Tests of a twin's statistics, sizes and settings: it plans as its source, and says what it lacks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import psycopg
import pytest

from pgadvisor.collect.statistics import strip_values
from pgadvisor.model.catalog import Setting
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.twin import Twin
from tests.fix_servers import Server, create_database, drop_database
from tests.planner.fix_rich import GUESSED, STATEMENTS, collected, make_rich, outline, planned


class Pair(NamedTuple):
    """A source with rows and its twin."""

    source: psycopg.Connection[Any]
    twin: psycopg.Connection[Any]
    made: Twin
    snapshot: Snapshot


@pytest.fixture(scope="module", params=["server", "debian15"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    server: Server = request.getfixturevalue(request.param)
    dsn = create_database(server, "rich")
    make_rich(dsn)
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for change in (
            "work_mem = '9MB'",
            "TimeZone = 'Asia/Tokyo'",
            "cpu_tuple_cost = 0.011",
            "DateStyle = 'SQL, DMY'",
        ):
            connection.execute(f'ALTER DATABASE "{name}" SET {change}'.encode())
    snapshot = collected(dsn)
    with psycopg.connect(dsn, autocommit=True) as source, Twin(snapshot) as made, made.connect() as twin:
        yield Pair(source, twin, made, snapshot)
    drop_database(server, dsn)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_shape_cost_and_rows_are_those_of_the_source(pair: Pair, statement: str) -> None:
    source, twin = planned(pair.source, statement), planned(pair.twin, statement)
    assert outline(twin) == outline(source)
    near = 0.02 if statement in GUESSED else 0.0005
    assert twin.root.total_cost == pytest.approx(source.root.total_cost, rel=near, abs=0.00001)
    assert twin.root.estimated_rows == source.root.estimated_rows


@pytest.mark.parametrize(
    "what",
    [
        "SELECT n.nspname, c.relname, c.relpages, c.reltuples, c.relallvisible FROM pg_class AS c"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i', 'm')",
        "SELECT c.relname, pg_relation_size(c.oid) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i', 'm')",
        "SELECT s.starelid::regclass::text, s.staattnum, s.stainherit, s.stanullfrac, s.stawidth, s.stadistinct,"
        " k.kind, k.numbers, k.found FROM pg_statistic AS s JOIN pg_class AS c ON c.oid = s.starelid"
        " CROSS JOIN LATERAL (VALUES (stakind1, stanumbers1, stavalues1::text),"
        " (stakind2, stanumbers2, stavalues2::text),"
        " (stakind3, stanumbers3, stavalues3::text), (stakind4, stanumbers4, stavalues4::text),"
        " (stakind5, stanumbers5, stavalues5::text)) AS k (kind, numbers, found)"
        " WHERE c.relnamespace = 'public'::regnamespace AND k.kind <> 0 AND c.relname <> 'later'",
        "SELECT s.starelid::regclass::text, s.staattnum, s.stainherit, k.kind, k.operator::regoperator::text,"
        " k.coll::regcollation::text FROM pg_statistic AS s JOIN pg_class AS c ON c.oid = s.starelid"
        " CROSS JOIN LATERAL (VALUES (stakind1, staop1, stacoll1), (stakind2, staop2, stacoll2),"
        " (stakind3, staop3, stacoll3), (stakind4, staop4, stacoll4), (stakind5, staop5, stacoll5))"
        " AS k (kind, operator, coll) WHERE c.relnamespace = 'public'::regnamespace AND k.kind NOT IN (0, 6, 7)",
        "SELECT s.stxname, d.stxdndistinct::text, d.stxddependencies::text, d.stxdndistinct::bytea,"
        " d.stxddependencies::bytea, d.stxdmcv::bytea FROM pg_statistic_ext_data AS d"
        " JOIN pg_statistic_ext AS s ON s.oid = d.stxoid",
    ],
    ids=["counts", "sizes", "slots", "operators", "extended"],
)
def test_the_catalog_holds_what_the_source_has(pair: Pair, what: str) -> None:
    expected = sorted(pair.source.execute(what.encode()).fetchall(), key=str)
    assert expected
    with pair.made.connect(as_superuser=True) as superuser:
        superuser.execute("SET search_path = public")
        assert sorted(superuser.execute(what.encode()).fetchall(), key=str) == expected


def test_new_connections_have_the_settings_that_decide(pair: Pair) -> None:
    names = ["work_mem", "TimeZone", "cpu_tuple_cost", "DateStyle", "jit", "effective_cache_size", "random_page_cost"]
    query = "SELECT name, reset_val FROM pg_settings WHERE name = ANY(%s) ORDER BY 1"
    (found,) = [row[1] for row in pair.twin.execute(query, (names,)).fetchall() if row[0] == "TimeZone"]
    assert found == "Asia/Tokyo"
    assert pair.twin.execute(query, (names,)).fetchall() == pair.source.execute(query, (names,)).fetchall()
    assert pair.twin.execute("SHOW search_path").fetchone() == ("public",)


def test_only_tables_never_analyzed_are_a_gap(pair: Pair) -> None:
    (gap,) = [gap for gap in pair.made.gaps if gap.area == "planner" and gap.subject != "locale"]
    assert gap.reason.endswith("public.never, public.nothing") and gap.cure == "ANALYZE these tables"


def test_without_values_the_rest_is_there_and_the_loss_is_told(server: Server) -> None:
    dsn = create_database(server, "rich")
    make_rich(dsn)
    stripped = strip_values(collected(dsn))
    text = msgspec.json.encode(stripped).decode()
    assert "Gäßchen" not in text and "example.org" not in text.lower().replace("user77", "")
    with Twin(stripped) as twin, twin.connect() as connection, psycopg.connect(dsn, autocommit=True) as source:
        told = {gap.subject: gap for gap in twin.gaps}
        assert "--keep-values" in told["values"].cure and "--keep-values" in told["public.Kunden-Liste"].cure
        for statement in ('SELECT * FROM "Kunden-Liste" WHERE id = 77', "SELECT * FROM visit WHERE id = 5"):
            ours, theirs = planned(source, statement), planned(connection, statement)
            assert outline(theirs) == outline(ours)
            assert theirs.root.total_cost == pytest.approx(ours.root.total_cost, rel=0.001)
        with twin.connect(as_superuser=True) as superuser:
            kinds = {row[0] for row in superuser.execute("SELECT unnest(ARRAY[stakind1, stakind2]) FROM pg_statistic"
                     " JOIN pg_class ON oid = starelid WHERE relnamespace = 'public'::regnamespace")}  # fmt: skip
        assert kinds <= {0, 3, 5}
    drop_database(server, dsn)


def test_what_does_not_fit_is_left_out_and_told_without_its_value(pair: Pair) -> None:
    """A value that the type does not take, as where a type stands for another; a setting of another version."""
    tables = tuple(
        msgspec.structs.replace(
            table,
            columns=tuple(
                msgspec.structs.replace(
                    column,
                    statistics=msgspec.structs.replace(column.statistics, histogram_bounds=("1", "Geheim")),
                )
                if column.name == "id" and column.statistics
                else column
                for column in table.columns
            ),
        )
        if table.name == "visit"
        else table
        for table in pair.snapshot.tables
    )
    settings = (*(each for each in pair.snapshot.settings if each.name != "geqo_effort"),)
    odd = msgspec.structs.replace(
        pair.snapshot, tables=tables, settings=(*settings, Setting(name="geqo_effort", value="999"))
    )
    with Twin(odd) as twin, twin.connect() as connection:
        told = {gap.subject: gap for gap in twin.gaps}
        assert "public.visit, column 1" in told["statistics"].reason
        assert "geqo_effort (999)" in told["geqo_effort"].reason
        assert "Geheim" not in str(twin.gaps)
        statement = "SELECT * FROM \"Kunden-Liste\" WHERE name = 'n12'"
        assert planned(connection, statement) == planned(pair.source, statement)
