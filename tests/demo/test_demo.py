"""`pgadvisor demo` as a user runs it: its report is written, and nothing is left behind. See also test_shop.py."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.run import pgadvisor

pytestmark = pytest.mark.server


@pytest.fixture
def room() -> Iterator[Path]:
    """A directory for temporary files that the server's user can reach, which pytest's are not when we are root."""
    with tempfile.TemporaryDirectory(prefix="demo-", ignore_cleanup_errors=False) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_command_writes_its_report_and_leaves_nothing_behind(tmp_path: Path, room: Path) -> None:
    done = pgadvisor("demo", "-o", tmp_path / "demo.json", environment={"TMPDIR": str(room)})
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "problems made on purpose" in done.stderr
    assert list(room.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]
    report = json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))
    assert {finding["rule"] for finding in report["findings"]} >= {"scan-discards-most-rows", "not-in-subquery"}
