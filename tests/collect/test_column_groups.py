"""Combinations of columns counted in a sample: what is read, what is left in peace, and what the rule makes of it."""

from collections.abc import Iterator

import psycopg
import pytest
from msgspec.structs import replace

from pgadvisor.collect.collector import collect
from pgadvisor.collect.column_groups import with_groups
from pgadvisor.collect.session import open_session
from pgadvisor.estimates.questions import groups_to_count
from pgadvisor.model.catalog import ColumnGroup
from pgadvisor.model.finding import Rung
from pgadvisor.model.snapshot import Snapshot
from tests.fix_servers import Server, create_database, drop_database, make_reader
from tests.rules.fix_audited import execute, findings, often, snapshot_of

TABLES = """
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE FUNCTION loud() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'was run'; END $$;
CREATE TABLE target (id int PRIMARY KEY, part int, pad text);
INSERT INTO target SELECT i, i % 120, repeat('x', 60) FROM generate_series(1, 60000) i;
CREATE INDEX ON target (part);
CREATE TABLE fact (id int, region int, office int, shade colour, body json, pad text);
INSERT INTO fact SELECT i, i % 150, i % 150 + 1000, 'red', '{}', repeat('y', 1000) FROM generate_series(1, 30000) i;
CREATE TABLE guarded (region int, office int);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON guarded USING (loud());
VACUUM ANALYZE;
"""
TEXT = "SELECT max(t.pad) FROM fact x JOIN target t ON t.part = x.id % 120 WHERE x.region = 7 AND x.office = 1007"
PAIR = ("region", "office")


@pytest.fixture(scope="module", params=["debian15", "server"])
def filled(request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of a database whose regions say which their offices are."""
    running: Server = request.getfixturevalue(request.param)
    dsn = create_database(running, "groups")
    execute(dsn, TABLES)
    yield dsn
    drop_database(running, dsn)


def counted(dsn: str, snapshot: Snapshot, *wanted: tuple[str, tuple[str, ...]]) -> tuple[Snapshot, list[str]]:
    """The snapshot with those groups, and what was sent for them."""
    sent: list[str] = []
    with open_session(dsn, on_sql=sent.append) as session:
        found = with_groups(session, snapshot, wanted)
    return found, [text for text in sent if "TABLESAMPLE" in text]


def groups(snapshot: Snapshot) -> tuple[ColumnGroup, ...]:
    """All that were counted."""
    return tuple(group for table in snapshot.tables for group in table.column_groups)


def test_a_count_confirms_what_the_statistics_suggest(filled: str) -> None:
    snapshot = often(snapshot_of(filled, [TEXT], settings=("SET max_parallel_workers_per_gather = 0",)))
    before = findings(snapshot, "row-estimate-far-off")
    assert [each.evidence[1].rung for each in before] == [Rung.INFERRED]
    assert groups_to_count(snapshot) == (("public.fact", PAIR),)
    found, sent = counted(make_reader(filled), snapshot, *groups_to_count(snapshot))
    [group] = groups(found)
    assert len(sent) == 1
    assert (group.distinct, group.combinations, group.is_whole) == ((150, 150), 150, False)
    assert 10_000 < group.rows < 20_000, "about 2,000 of its 4,286 pages"
    [after] = findings(found, "row-estimate-far-off")
    assert after.evidence[1].rung is Rung.MEASURED
    assert "150 combinations of 150 of region, 150 of office" in after.evidence[1].text
    assert after.remedy.sql == (
        "CREATE STATISTICS public.fact_region_office_stat (mcv) ON region, office FROM public.fact;\n"
        "ALTER STATISTICS public.fact_region_office_stat SET STATISTICS 200;\nANALYZE public.fact;"
    )


def test_what_might_run_something_or_weigh_is_not_counted(filled: str) -> None:
    with open_session(filled) as session:
        snapshot = collect(session)
    refused = [("public.guarded", PAIR), ("public.fact", ("region", "body")), ("public.fact", ("region", "pad")),
               ("public.gone", PAIR), ("public.fact", ("region", "gone"))]  # fmt: skip
    found, sent = counted(filled, snapshot, *refused)
    assert (groups(found), sent, found.gaps) == ((), [], snapshot.gaps)
    found, sent = counted(filled, snapshot, ("public.fact", ("region", "shade")))
    assert [each.combinations for each in groups(found)] == [150]


def test_a_table_that_cannot_be_read_leaves_a_gap(filled: str) -> None:
    with open_session(filled) as session:
        snapshot = replace(collect(session), gaps=())
    with psycopg.connect(filled) as other:
        other.execute("LOCK TABLE fact IN ACCESS EXCLUSIVE MODE")
        found, _ = counted(filled, snapshot, ("public.fact", PAIR))
    assert groups(found) == ()
    assert [(gap.area, gap.subject) for gap in found.gaps] == [("statistics", "public.fact")]
