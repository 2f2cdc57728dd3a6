"""A process that has loaded the command and forks for each run of it: a run is a process of its own, started at once.

What is said of one run goes through a folder: `asked.json` and `stdin` lie in it, `stdout` and `stderr` are written.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


class Forking:
    """The process, as the tests see it. One run at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.forking"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        atexit.register(self._end)

    def run(self, room: Path, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> int:
        """The exit code of the command; `room` holds its stdin, and gets what it writes."""
        asked = {"arguments": arguments, "environment": dict(environment), "folder": str(folder)}
        (room / "asked.json").write_text(json.dumps(asked))
        assert self._process.stdin and self._process.stdout
        try:
            print(room, file=self._process.stdin, flush=True)
            ended = self._process.stdout.readline()
            assert ended, "the command cannot be loaded: see stderr"
            return int(ended)
        except BaseException:  # a test that took too long: its run would go on, and answer the next one
            ready.cache_clear()
            os.killpg(self._process.pid, signal.SIGKILL)
            raise

    def _end(self) -> None:
        self._process.communicate()


@cache
def ready() -> Forking:
    """The process of this test run."""
    return Forking()


def _serve() -> Path | None:
    """Forks for each room named on stdin. Returns its room in each child, and None in the process itself at the end."""
    while room := sys.stdin.readline().rstrip("\n"):
        child = os.fork()
        if child == 0:
            return Path(room)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    return None


def _become(room: Path) -> None:
    """Takes on what was asked for, as a new process would have it."""
    asked = json.loads((room / "asked.json").read_text())
    for number, name, way in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_WRONLY), (2, "stderr", os.O_WRONLY)):
        opened = os.open(room / name, way | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - until the process ends
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["pgadvisor", *asked["arguments"]]


def _warm_up() -> None:
    """Loads what most runs load: the command, its rules, the templates of its pages, the words that are its own."""
    from pgadvisor.cli.app import app
    from pgadvisor.redaction.own_words import own_words
    from tests.fix_clusters import use_copies

    use_copies()
    for form in ("html", "text"):
        app(["query", "SELECT 1", "--quiet", "--format", form, "-o", os.devnull], standalone_mode=False)
    own_words()


def _run() -> int:
    """Runs the command; `main` always ends by SystemExit."""
    from pgadvisor.cli.main import main

    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0


def _leave() -> None:
    """Ends the process without taking its modules apart, which takes longer than most runs."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_code)


if __name__ == "__main__":
    _code = 1
    atexit.register(_leave)  # the first that is registered is the last that is called
    _warm_up()
    gc.collect()
    gc.freeze()  # so that a child does not copy the pages of all objects
    if given := _serve():
        _become(given)
        _code = _run()
