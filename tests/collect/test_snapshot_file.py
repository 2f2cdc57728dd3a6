"""The snapshot file: whole or not at all, strictly read, without values unless asked."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import zstandard

from pgadvisor.collect.file import is_snapshot, read_snapshot, write_snapshot, write_whole
from pgadvisor.collect.statistics import strip_values
from pgadvisor.errors import SnapshotError, UsageError
from pgadvisor.model.catalog import Column, ColumnStatistics, Index, IndexKey, Table
from pgadvisor.model.snapshot import FORMAT, Gap, Snapshot

VALUES = ColumnStatistics(
    null_fraction=0.5,
    average_width_bytes=8,
    n_distinct=2,
    most_common_frequencies=(0.5, 0.5),
    most_common_values=("secret-1", "secret-2"),
    histogram_bounds=("secret-3",),
    common_elements=("secret-4",),
)


@pytest.fixture
def snapshot() -> Snapshot:
    """A small snapshot that holds values of users."""
    key = IndexKey(text="lower(email)", statistics=VALUES)
    index = Index(schema="public", name="i", definition="CREATE INDEX …", keys=(key,))
    columns = (Column(name="email", type="text", statistics=VALUES), Column(name="id", type="bigint"))
    return Snapshot(
        format=FORMAT,
        pgadvisor="0.1.0",
        collected_at=datetime(2026, 1, 1, tzinfo=UTC),
        tables=(Table(schema="public", name="t", columns=columns, indexes=(index,)),),
        gaps=(Gap(area="counters", reason="it is Ünïcode", cure="none"),),
        keeps_values=True,
    )


def packed(content: object) -> bytes:
    return zstandard.ZstdCompressor().compress(msgspec.json.encode(content))


def test_what_was_written_is_read(tmp_path: Path, snapshot: Snapshot) -> None:
    path = tmp_path / "shop.pgsnap"
    write_snapshot(path, snapshot, keep_values=True)
    assert read_snapshot(path) == snapshot and is_snapshot(path)
    assert [each.name for each in tmp_path.iterdir()] == ["shop.pgsnap"]


def test_values_go_into_a_file_only_when_asked(tmp_path: Path, snapshot: Snapshot) -> None:
    path = tmp_path / "shop.pgsnap"
    write_snapshot(path, snapshot)
    assert b"secret" not in zstandard.ZstdDecompressor().decompress(path.read_bytes())
    found = read_snapshot(path)
    assert not found.keeps_values
    statistics = found.tables[0].columns[0].statistics
    assert statistics is not None and statistics.most_common_frequencies == (0.5, 0.5)


def test_a_file_with_values_is_for_its_owner(tmp_path: Path, snapshot: Snapshot) -> None:
    umask = os.umask(0o022)
    try:
        write_snapshot(tmp_path / "private", snapshot, keep_values=True)
        write_snapshot(tmp_path / "public", snapshot)
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "public").stat().st_mode) == 0o644


def test_the_same_snapshot_gives_the_same_bytes(tmp_path: Path, snapshot: Snapshot) -> None:
    for name in ("a", "b"):
        write_snapshot(tmp_path / name, snapshot)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is not a snapshot"),
        (b"SELECT 1;", "is not a snapshot"),
        (packed({"format": 1, "pgadvisor": "0.1.0"})[:-6], "is damaged"),
        (b"\x28\xb5\x2f\xfd" + b"\x00" * 40, "is damaged"),
        (packed(["something", "else"]), "is damaged, or not a snapshot"),
        (packed({"format": 1, "pgadvisor": "0.1.0"}), "is damaged"),
        (
            packed({"format": 1, "pgadvisor": "0.1.0", "collected_at": "2026-01-01T00:00:00Z", "tables": 3}),
            "is damaged",
        ),
        (packed({"format": 99, "pgadvisor": "7.0", "new": {}}), "was made by pgadvisor 7.0, which is newer"),
    ],
)
def test_what_is_no_snapshot_is_told(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(SnapshotError, match=expected):
        read_snapshot(path)


def test_every_single_damaged_byte_is_noticed(tmp_path: Path, snapshot: Snapshot) -> None:
    path = tmp_path / "file"
    write_snapshot(path, snapshot)
    whole = path.read_bytes()
    for place in range(4, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        # A bit of the frame's header means nothing; all that changes what is read is noticed.
        with contextlib.suppress(SnapshotError):
            assert read_snapshot(path) == strip_values(snapshot), f"the damage at byte {place} was not noticed"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        read_snapshot(tmp_path / "none")
    assert not is_snapshot(tmp_path / "none")


def test_where_nothing_can_be_written(tmp_path: Path, snapshot: Snapshot) -> None:
    with pytest.raises(UsageError, match="does not exist: create it"):
        write_snapshot(tmp_path / "none" / "file", snapshot)
    with pytest.raises(UsageError, match="is a directory"):
        write_snapshot(tmp_path, snapshot)
    with pytest.raises(UsageError, match="cannot be written"):
        write_whole(Path("/proc/pgadvisor"), b"")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    program = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom pgadvisor.collect.file import write_whole\n"
        "from pgadvisor.errors import UsageError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_whole(Path(sys.argv[1]), bytes(100_000))\nexcept UsageError as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert "cannot be written (File too large): free some space" in ran.stdout
    assert path.read_bytes() == b"before" and [each.name for each in tmp_path.iterdir()] == ["file"]


def test_ctrl_c_while_writing_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    real = os.fsync

    def interrupted(handle: int) -> None:
        real(handle)
        signal.raise_signal(signal.SIGINT)

    assert threading.current_thread() is threading.main_thread()
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before" and [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_snapshot_with_a_field_of_another_version_names_that_version(tmp_path: Path, snapshot: Snapshot) -> None:
    found = {**msgspec.to_builtins(snapshot), "pgadvisor": "0.0.9", "moon_phase": 3}
    path = tmp_path / "other.pgsnap"
    path.write_bytes(zstandard.ZstdCompressor().compress(msgspec.json.encode(found)))
    with pytest.raises(SnapshotError, match=r"made by pgadvisor 0\.0\.9"):
        read_snapshot(path)
