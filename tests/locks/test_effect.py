"""What depends on the version, and what is said where nothing is known of a table."""

import pytest

from pgadvisor.gate.history import SchemaHistory
from pgadvisor.locks.deciding import effect_of
from pgadvisor.locks.effect import LockEffect
from pgadvisor.locks.modes import MODES, blocks_reads, blocks_writes, mode_of, stronger
from pgadvisor.locks.rows import lock_rows, row_of
from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.parse import Unread


def effect(text: str, version: int = 16) -> LockEffect:
    """Of a statement on tables of which nothing is known."""
    steps = read_ddl(text)
    assert not isinstance(steps, Unread), steps.reason
    return effect_of(steps[0], SchemaHistory(), version)


@pytest.mark.parametrize(
    ("text", "rewrites", "scans"),
    [
        ("ALTER TABLE t ALTER a TYPE bigint", "unknown", "unknown"),
        ("ALTER TABLE t ALTER a TYPE bigint USING a::bigint + 1", "yes", "yes"),
        ("ALTER TABLE t ALTER a SET NOT NULL", "no", "yes"),
        ("ALTER TABLE t ADD a int DEFAULT own()", "unknown", "no"),
        ("ALTER TABLE t ADD a int DEFAULT random()", "yes", "yes"),
        ("ALTER TABLE t ADD PRIMARY KEY USING INDEX i", "no", "unknown"),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", "no", "yes"),
        ("ALTER TABLE p ATTACH PARTITION t DEFAULT", "no", "unknown"),
        ("CREATE TABLE t PARTITION OF p FOR VALUES IN (1)", "no", "unknown"),
        ("ALTER TABLE t SET LOGGED", "yes", "yes"),
    ],
)
def test_nothing_known_of_the_table(text: str, rewrites: str, scans: str) -> None:
    found = effect(text)
    assert (found.rewrites, found.scans) == (rewrites, scans)
    assert found.is_long


def test_an_index_of_an_unknown_table_is_locked_all_the_same() -> None:
    found = effect("DROP INDEX i")
    assert (found.table, found.lock, found.blocks_reads) == (None, "ACCESS EXCLUSIVE", True)


def test_a_command_that_the_version_does_not_know() -> None:
    text = "ALTER TABLE t ADD CONSTRAINT c NOT NULL a NOT VALID"
    assert not effect(text, 17).is_known
    assert effect(text, 18).lock == "ACCESS EXCLUSIVE"


def test_what_runs_in_no_transaction() -> None:
    for text in ("CREATE INDEX CONCURRENTLY ON t (a)", "VACUUM t", "REINDEX TABLE CONCURRENTLY t", "CREATE DATABASE d"):
        assert not effect(text).in_transaction
    assert effect("CREATE INDEX ON t (a)").in_transaction


def test_rows_do_not_overlap() -> None:
    for version in range(13, 19):
        for row in lock_rows():
            found = [each for each in lock_rows() if each.command == row.command
                     and (each.min_version or 0) <= version <= (each.max_version or version)]  # fmt: skip
            assert len(found) <= 1
            assert row_of(row.command, version) == (found[0] if found else None)


def test_modes() -> None:
    assert [mode for mode in MODES if blocks_writes(mode)] == list(MODES[4:])
    assert [mode for mode in MODES if blocks_reads(mode)] == ["ACCESS EXCLUSIVE"]
    assert stronger("SHARE", None) == "SHARE" and stronger("SHARE", "EXCLUSIVE") == "EXCLUSIVE"
    assert mode_of("ShareUpdateExclusiveLock") == "SHARE UPDATE EXCLUSIVE"
