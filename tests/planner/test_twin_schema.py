"""Tests of the twin's schema: all is there as on the source; what cannot be is a gap, and the rest stands."""

from collections.abc import Iterator

import psycopg
import pytest

from pgadvisor.collect.file import read_snapshot, write_snapshot
from pgadvisor.model.snapshot import Gap
from pgadvisor.planner.twin import Twin
from tests.fix_servers import Server, create_database, drop_database, programs_of
from tests.planner.fix_twin_schema import COMPARED, NASTY, catalog_of, collected, execute

Pair = tuple[psycopg.Connection, psycopg.Connection, tuple[Gap, ...]]


@pytest.fixture(scope="module")
def pair(every_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The nasty source, its twin made from a snapshot file, and the twin's gaps."""
    dsn = create_database(every_server, "nasty")
    execute(dsn, NASTY, "CREATE TABLE wide (" + ", ".join(f"c{n} smallint" for n in range(1600)) + ")")
    _break_an_index(dsn)
    execute(dsn, "ANALYZE")
    path = tmp_path_factory.mktemp("twin") / "nasty.pgsnap"
    write_snapshot(path, collected(dsn))
    own = programs_of(str(every_server.version_num // 10_000))
    binaries = next((each for each in own if (each / "postgres").exists()), None)
    with (
        Twin(read_snapshot(path), binaries=binaries) as twin,
        psycopg.connect(dsn, autocommit=True) as audited,
        twin.connect() as made,
    ):
        yield audited, made, twin.gaps
    drop_database(every_server, dsn)


def _break_an_index(dsn: str) -> None:
    execute(dsn, 'INSERT INTO "select"."table" VALUES (1, 2); INSERT INTO secured VALUES (1, 1), (2, 1)')
    with pytest.raises(psycopg.errors.UniqueViolation), psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON secured (tenant)")


@pytest.mark.parametrize("what", COMPARED)
def test_all_is_there_as_on_the_source(pair: Pair, what: str) -> None:
    audited, made, _ = pair
    expected = catalog_of(audited, what)
    assert len(expected) > 1
    assert catalog_of(made, what) == expected


def test_only_what_no_twin_can_have_is_a_gap(pair: Pair) -> None:
    _, _, gaps = pair
    assert {gap.area for gap in gaps} == {"planner"}
    told = {gap.subject for gap in gaps}
    assert None not in told, "the area as a whole is not lost"
    assert {"public.secured", "public.customers"} <= told
    assert not [gap for gap in gaps if "could not be built" in gap.reason or "stand" in gap.reason]
