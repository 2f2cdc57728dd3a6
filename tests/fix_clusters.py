"""Embedded servers of tests start on a copy of what initdb made once per test run: initdb takes five times as long."""

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pgadvisor.planner import embedded
from pgadvisor.planner.binaries import Programs, server_user, switched_to

_ROOM = "PGADVISOR_TEST_CLUSTERS"
"""The variable that tells the processes of a test run where what is copied lies."""
_INITDB = embedded._initdb


def _copied(room: Path, programs: Programs, data: Path) -> list[str]:
    """In place of the command initdb, one that copies what the same initdb made with the same arguments."""
    # Not by their directory: where root's programs are out of the server's reach, each server has its own copy of them.
    size = (Path(programs.directory) / "postgres").stat().st_size
    made = room / f"{programs.version_num}-{size}"
    if not made.exists():
        new = room / secrets.token_hex(6)
        subprocess.run(
            _INITDB(programs, new), check=True, capture_output=True, cwd="/", env=embedded._environment(),
            **switched_to(server_user()),
        )  # fmt: skip
        with contextlib.suppress(OSError):  # another process was faster: both are left, its one is used
            new.rename(made)
    return ["cp", "-R", str(made), str(data)]


def use_copies() -> None:
    """From now on the embedded servers of this process start on copies, if the test run has made room for them."""
    if room := os.environ.get(_ROOM):
        embedded._initdb = partial(_copied, Path(room))


@pytest.fixture(scope="session", autouse=True)
def ready_made_clusters() -> Iterator[None]:
    """Makes room for what is copied, and has it used."""
    if os.name != "posix":
        yield
        return
    room = Path(tempfile.mkdtemp(prefix="pgadvisor-clusters-"))
    user = server_user()
    os.chown(room, user.uid, user.gid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_ROOM, str(room))
        patch.setattr(embedded, "_initdb", partial(_copied, room))
        yield
    shutil.rmtree(room)


@pytest.fixture
def real_initdb(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test about initdb itself."""
    monkeypatch.setattr(embedded, "_initdb", _INITDB)
