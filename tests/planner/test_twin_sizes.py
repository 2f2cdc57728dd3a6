"""Tests of the twin's file sizes: no disk is used, pieces are the server's, and B-trees are as high as said."""

import os
from pathlib import Path

import psycopg
import pytest

from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.planner.twin_sizes import PAGE_BYTES, SEGMENT_BYTES, btree_height, copy_first_page, plant_tree, resize
from tests.fix_servers import programs_of


def lengths(file: Path) -> list[int]:
    """Of the file and its further pieces."""
    return [each.stat().st_size for each in sorted(file.parent.iterdir(), key=lambda each: (len(each.name), each.name))]


def test_a_file_grows_in_pieces_that_take_no_disk_and_shrinks_again(tmp_path: Path) -> None:
    file = tmp_path / "16384"
    file.touch()
    resize(file, 2 * SEGMENT_BYTES + 3 * PAGE_BYTES - 1)
    assert lengths(file) == [SEGMENT_BYTES, SEGMENT_BYTES, 3 * PAGE_BYTES]
    assert sum(each.stat().st_blocks for each in tmp_path.iterdir()) == 0
    resize(file, SEGMENT_BYTES)
    assert lengths(file) == [SEGMENT_BYTES, 0, 0]
    resize(file, 5 * PAGE_BYTES)
    assert lengths(file) == [5 * PAGE_BYTES, 0, 0]
    resize(file, 0)
    assert lengths(file) == [0, 0, 0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root makes files for another user")
def test_pieces_belong_to_the_owner_of_the_first(tmp_path: Path) -> None:
    file = tmp_path / "16384"
    file.touch()
    os.chown(file, 65534, 65534)
    resize(file, SEGMENT_BYTES + PAGE_BYTES)
    piece = (tmp_path / "16384.1").stat()
    assert (piece.st_uid, piece.st_gid, piece.st_mode & 0o777) == (65534, 65534, 0o600)


@pytest.mark.parametrize(
    ("pages", "key_bytes", "height"),
    [(1, 8, 0), (2, 8, 0), (4, 8, 1), (287, 8, 1), (290, 8, 2), (11548, 8.2, 2), (90_000, 8, 3), (6585, 64, 3)],
)
def test_height_follows_from_pages_and_keys(pages: int, key_bytes: float, height: int) -> None:
    assert btree_height(pages, key_bytes) == height


@pytest.mark.parametrize("major", ["13", "15", "17", "wheel"])
def test_the_planner_sees_size_and_height_and_finds_nothing_in_the_tree(major: str) -> None:
    binaries = None if major == "wheel" else next((at for at in programs_of(major) if (at / "postgres").exists()), None)
    if major != "wheel" and binaries is None:
        pytest.skip(f"PostgreSQL {major} is not at hand")
    with (
        EmbeddedServer(binaries, settings={"autovacuum": "off", "allow_system_table_mods": "on"}) as server,
        psycopg.connect(server.dsn(), autocommit=True) as connection,
    ):
        heights = {1: 0.25, 2: 0.375, 4: 0.625}
        for height in heights:
            _planted(connection, server.data_directory, height)
        for height, cost in heights.items():
            row = connection.execute(
                f"EXPLAIN (FORMAT JSON) SELECT * FROM t{height} WHERE id = 5".encode()
            ).fetchone()  # fmt: skip
            assert row is not None
            node = row[0][0]["Plan"]
            # Before the first row: log2(1,000,000) comparisons and 50 operators a level (btcostestimate).
            assert node["Index Name"] == f"t{height}_pkey"
            assert node["Startup Cost"] == pytest.approx(20 * 0.0025 + cost, abs=0.006)
            assert connection.execute(f"SELECT count(*) FROM t{height} WHERE id > 0".encode()).fetchone() == (0,)
            assert connection.execute(f"SELECT max(id) FROM t{height}".encode()).fetchone() == (None,)


def _planted(connection: psycopg.Connection, directory: Path, height: int) -> None:
    connection.execute(f"CREATE TABLE t{height} (id integer PRIMARY KEY, filler text)".encode())
    # Planned, so that the server holds the index's first page in memory.
    connection.execute(f"SELECT * FROM t{height} WHERE id = 5".encode())
    row = connection.execute(f"SELECT pg_relation_filepath('t{height}_pkey')".encode()).fetchone()
    assert row is not None
    file = directory / row[0]
    other = file.with_name(str(int(file.name) + 1_000_000_000))
    copy_first_page(file, other)
    resize(other, 3000 * PAGE_BYTES)
    plant_tree(other, height)
    for change in (
        f"UPDATE pg_class SET relfilenode = {other.name} WHERE relname = 't{height}_pkey'",
        f"UPDATE pg_class SET relpages = 20000, reltuples = 1e6 WHERE relname = 't{height}'",
    ):
        connection.execute(change.encode())
    row = connection.execute(f"SELECT pg_relation_filepath('t{height}')".encode()).fetchone()
    assert row is not None
    resize(directory / row[0], 20_000 * PAGE_BYTES)
