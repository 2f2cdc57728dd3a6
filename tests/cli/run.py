"""Run the command as a user would: its own process, its own exit code."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.cli.forking import ready

COMMAND = (sys.executable, "-c", "from pgadvisor.cli.main import main; main()")
"""`pgadvisor`, for tests that start the process themselves."""
LONGEST_S = 600
"""A machine under load must not fail a test; pytest itself waits a little longer."""


class Run(Protocol):
    """A way to run the command."""

    def __call__(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The finished process of `pgadvisor ARGUMENTS`."""


def pgadvisor(
    *arguments: str | Path, stdin: str = "", environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished process of `pgadvisor ARGUMENTS`, without any PG* variable but those given."""
    words = [str(each) for each in arguments]
    with tempfile.TemporaryDirectory(prefix="pgadvisor-run-") as name:
        room = Path(name)
        (room / "stdin").write_text(stdin, encoding="utf-8")
        code = ready().run(room, words, _environment(environment), folder or Path.cwd())
        told, said = ((room / each).read_text(encoding="utf-8") for each in ("stdout", "stderr"))
    return subprocess.CompletedProcess(["pgadvisor", *words], code, told, said)


def started_anew(
    *arguments: str | Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """As `pgadvisor`, by an interpreter of its own: slower by its start, and its sets are in another order."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=folder,
        timeout=LONGEST_S, env=_environment(environment),
    )  # fmt: skip


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**clean, "COLUMNS": "100", "NO_COLOR": "1", **(more or {})}


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2, one clear sentence with those words, no traceback, nothing on stdout."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr, done.stderr
