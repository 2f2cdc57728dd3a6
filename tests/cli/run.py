"""Run the command as a user would: its own process, its own exit code."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def pgadvisor(
    *arguments: str | Path, stdin: str = "", environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished process of `pgadvisor ARGUMENTS`, without any PG* variable but those given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.run(
        [sys.executable, "-c", "from pgadvisor.cli.main import main; main()", *map(str, arguments)],
        input=stdin, capture_output=True, text=True, cwd=folder, timeout=120,
        env={**clean, "COLUMNS": "100", "NO_COLOR": "1", **(environment or {})},
    )  # fmt: skip


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2, one clear sentence with those words, no traceback, nothing on stdout."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr, done.stderr
