"""Rules of the schema against real servers: the faulty object is found and its sound twin is not; the remedy cures."""

import importlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from pgadvisor.indexes.bloat import rebuilt_bytes
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.snapshot import Snapshot
from tests.fix_servers import Server, create_database, drop_database
from tests.rules.fix_audited import execute, findings, snapshot_of

FAULTS = (Path(__file__).parent / "schema_faults.sql").read_text("utf-8")
WORKLOAD = (
    "SELECT count(*) FROM bad.event WHERE data @> '{\"a\": 1}'",
    "SELECT count(*) FROM bad.event WHERE user_id = 7 AND at > now() - interval '1 day'",
    "SELECT count(*) FROM bad.event WHERE a = 1 AND b = 2",
)
SMALLER = {
    "low_cardinality_index": "LEAST_BYTES",
    "mostly_null_index": "LEAST_BYTES",
    "index_of_many_columns": "LEAST_BYTES",
    "gin_operator_class": "LEAST_BYTES",
    "random_uuid_key": "LEAST_BYTES",
    "rarely_used_index": "LEAST_BYTES",
    "foreign_key_index_unused": "LEAST_BYTES",
    "bloated_index": "LEAST_BYTES",
}
"""Rules that look at indexes of many megabytes: here a megabyte less a bit has to do."""
FOUND = {
    "autovacuum-disabled": ("bad.noisy",),
    "btree-on-json-or-array": ("bad.event.event_tags_idx",),
    "constraint-not-validated": ("bad.link",),
    "default-partition-holds-rows": ("bad.rest_default",),
    "duplicate-foreign-key": ("bad.link",),
    "float-for-money": ("bad.invoice",),
    "foreign-key-types-differ": ("bad.link",),
    "gin-operator-class": ("bad.event.event_data_idx",),
    "index-of-many-columns": ("bad.event.event_wide_idx",),
    "integer-key-overflow": ("bad.ticket",),
    "json-instead-of-jsonb": ("bad.document",),
    "low-cardinality-index": ("bad.event.event_flag_idx",),
    "money-type": ("bad.invoice",),
    "mostly-null-index": ("bad.event.event_hollow_idx",),
    "multiple-permissive-policies": ("bad.note",),
    "numbered-columns": ("bad.customer",),
    "partition-gap": ("bad.gappy",),
    "partition-index-missing": ("bad.parted",),
    "partition-missing-ahead": ("bad.ending",),
    "plaintext-password": ("bad.account",),
    "policy-column-without-index": ("bad.note",),
    "policy-function-per-row": ("bad.note",),
    "random-uuid-key": ("bad.token",),
    "range-column-before-equality": ("bad.event.event_at_user_idx",),
    "rewrite-rule": ("bad.ruled",),
    "security-definer-search-path": (None,),
    "sql-ascii-encoding": (),
    "table-inheritance": ("bad.capital",),
    "table-per-period": ("bad.sales_2024",),
    "timestamp-without-time-zone": ("bad.clock",),
    "truncated-name": ("bad.long",),
    "unlogged-table": ("bad.payment",),
    "uuid-as-text": ("bad.seen",),
    "vacuum-scale-factor-large-table": ("bad.huge",),
}
NOT_CURED = {
    # A table is not rewritten by what makes its future rows sound.
    "timestamp-without-time-zone": "the remedy shows one column of several",
    "random-uuid-key": "old keys stay",
}


@pytest.fixture(scope="module", params=["server", "debian15"])
def faulty(request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of a database with each fault once, and with its sound twin."""
    server: Server = request.getfixturevalue(request.param)
    dsn = create_database(server, "faulty")
    execute(dsn, FAULTS)
    yield dsn
    drop_database(server, dsn)


@pytest.fixture(scope="module")
def smaller() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    for module, name in SMALLER.items():
        patch.setattr(importlib.import_module(f"pgadvisor.rules.schema.{module}"), name, 100_000)
    patch.setattr("pgadvisor.rules.schema.full_pages_prevent_hot.LEAST_UPDATES", 10_000)
    yield
    patch.undo()


def seen(dsn: str) -> Snapshot:
    """The database as if its counters had run for forty days."""
    found = snapshot_of(dsn, WORKLOAD, analyze=False)
    assert found.server is not None
    since = found.collected_at - timedelta(days=40)
    # Of the plans none: an index that a plan uses is never called useless.
    return replace(found, server=replace(found.server, statistics_reset_at=since), plans=())


def place(finding: Finding) -> str | None:
    where = finding.where
    return f"{where.table}.{where.index}" if where.index else where.table


def test_each_fault_is_found_and_its_twin_is_not_and_the_remedy_cures(faulty: str, smaller: None) -> None:
    before = seen(faulty)
    found = {rule: findings(before, rule) for rule in FOUND}
    assert {rule: tuple(place(each) for each in each_found) for rule, each_found in found.items()} == FOUND
    told = [each.message for each_found in found.values() for each in each_found]
    assert not [message for message in told if "good." in message]
    cured = [rule for rule, each_found in found.items() if any(each.remedy.sql for each in each_found)]
    for rule in cured:
        for each in found[rule]:
            execute(faulty, each.remedy.sql or "")
    after = seen(faulty)
    left = {rule: findings(after, rule) for rule in cured if rule not in NOT_CURED}
    assert {rule: [each.message for each in each_found] for rule, each_found in left.items() if each_found} == {}


def test_counts_of_scans_and_updates_are_those_of_the_server(new_database: Callable[..., str], smaller: None) -> None:
    dsn = new_database("counted")
    execute(
        dsn,
        """
        CREATE TABLE reading (id bigint PRIMARY KEY, kind integer, note text);
        CREATE INDEX reading_kind_idx ON reading (kind);
        INSERT INTO reading SELECT i, i % 5000, repeat('x', 60) FROM generate_series(1, 120000) i;
        ANALYZE reading;
        SET enable_seqscan = off;
        SELECT count(*) FROM reading WHERE kind = 7;
        UPDATE reading SET note = note || 'y' WHERE id <= 30000;
        SELECT pg_stat_force_next_flush();
        """,
    )
    found = snapshot_of(dsn, ["UPDATE reading SET note = 'x' WHERE id = 1"], analyze=False)
    assert found.server is not None
    days = replace(found.server, statistics_reset_at=found.collected_at - timedelta(days=10))
    found = replace(found, server=days, plans=())
    (rare,) = findings(found, "rarely-used-index")
    assert re.search(r"scanned 1 time in 10 days, while 1\d\d,\d{3} row versions", rare.message)
    (cold,) = findings(found, "full-pages-prevent-hot")
    execute(dsn, (rare.remedy.sql or "") + (cold.remedy.sql or ""))
    again = replace(snapshot_of(dsn, ["UPDATE reading SET note = 'x' WHERE id = 1"], analyze=False), plans=())
    assert not findings(replace(again, server=days), "rarely-used-index")
    assert not findings(replace(again, server=days), "full-pages-prevent-hot")


def test_bloat_is_what_reindex_gives_back_and_what_pgstattuple_sees(debian15: Server, smaller: None) -> None:
    dsn = create_database(debian15, "bloated")
    execute(
        dsn,
        """
        CREATE EXTENSION pgstattuple;
        CREATE TABLE item (id bigint PRIMARY KEY, code text NOT NULL, kind integer, day date);
        INSERT INTO item SELECT i, md5(i::text), i % 90, '2020-01-01'::date + i % 900 FROM generate_series(1, 60000) i;
        CREATE INDEX item_code_idx ON item (code);
        CREATE INDEX item_kind_idx ON item (kind);
        CREATE INDEX item_part_idx ON item (code) INCLUDE (kind) WHERE kind < 45;
        DELETE FROM item WHERE hashint8(id) % 5 <> 0;
        CREATE TABLE sound (id bigint PRIMARY KEY, code text);
        INSERT INTO sound SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
        CREATE INDEX sound_code_idx ON sound (code);
        """,
    )
    execute(dsn, "VACUUM ANALYZE item; VACUUM ANALYZE sound")  # in a session that has no changes of its own to count
    before = snapshot_of(dsn)
    item = next(each for each in before.tables if each.name == "item")
    needed = {index.name: rebuilt_bytes(item, index) for index in item.indexes}
    found = findings(before, "bloated-index")
    assert {each.where.index for each in found} == {index.name for index in item.indexes}
    assert all(each.severity is Severity.INFO for each in found)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for each in found:
            name = f"public.{each.where.index}"
            (density,) = connection.execute("SELECT avg_leaf_density FROM pgstatindex(%s)", (name,)).fetchone() or (0,)
            assert density < 45, "so much of its pages is used"
            connection.execute((each.remedy.sql or "").rstrip(";").encode())
            (size,) = connection.execute("SELECT pg_relation_size(%s::regclass)", (name,)).fetchone() or (0,)
            assert needed[each.where.index or ""] == pytest.approx(size, rel=0.15), name
    assert not findings(snapshot_of(dsn), "bloated-index")
    drop_database(debian15, dsn)


def test_a_changed_collation_is_an_error_until_its_indexes_are_rebuilt(debian15: Server) -> None:
    dsn = create_database(debian15, "collated")
    execute(
        dsn,
        """
        CREATE COLLATION german (provider = icu, locale = 'de', version = '1.0');
        CREATE TABLE account (id bigint PRIMARY KEY, email text COLLATE german, name text, tag text COLLATE "C");
        CREATE UNIQUE INDEX account_email_key ON account (email);
        CREATE INDEX account_name_idx ON account (name);
        CREATE INDEX account_like_idx ON account (email text_pattern_ops);
        CREATE INDEX account_tag_idx ON account (tag);
        """,
    )
    (found,) = findings(snapshot_of(dsn), "collation-version-changed")
    assert found.severity is Severity.ERROR and found.message.endswith("than the server has now: account_email_key")
    execute(dsn, found.remedy.sql or "")
    assert not findings(snapshot_of(dsn), "collation-version-changed")
    drop_database(debian15, dsn)
