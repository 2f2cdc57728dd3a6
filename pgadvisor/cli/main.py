"""The last wall before the user: signals, errors and exit codes.

Exit codes: 0, nothing at or above `--fail-on`. 1, something. 2, the work could not be done.
"""

import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Never

from pgadvisor.errors import PgAdvisorError

STOPPED = "stopped: nothing was written"
INTERRUPTED = 130
"""What typer exits with on Ctrl-C."""


def main() -> Never:
    """Run the command and exit with its code; Python itself would exit with 1 on a crash, and 1 means findings."""
    signal.signal(signal.SIGTERM, _interrupted)
    _prepare_streams()
    try:
        from pgadvisor.cli.app import app  # takes half a second: a signal must be caught in it as well

        app()
        sys.exit(0)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _fail(STOPPED)
        raise
    except KeyboardInterrupt:
        _fail(STOPPED)
    except PgAdvisorError as error:
        _fail(str(error), error)
    except OSError as error:
        _close_stdout()
        _fail(f"{error.strerror or error}: free some space, or write to another place with -o", error)
    except Exception as error:  # noqa: BLE001 - the last wall: a crash must not look like exit code 1
        _fail(f"internal error: {type(error).__name__}: run again with --debug and report the traceback", error)


def _fail(message: str, error: BaseException | None = None) -> Never:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not tear the sentence apart
    if error is not None and "--debug" in sys.argv:
        import traceback

        traceback.print_exception(error)
    sys.stderr.write(f"pgadvisor: {message}\n")
    sys.exit(2)


def _prepare_streams() -> None:
    """A closed stream is the null device, and what a stream's encoding lacks is written as `?`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
        getattr(sys, name).reconfigure(errors="replace")
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # it warns of a cancelled query, which we tell in our words


def _close_stdout() -> None:
    """Python flushes stdout once more at exit, and would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted(number: int, frame: FrameType | None) -> Never:
    """SIGTERM ends as Ctrl-C does, so that servers are stopped and half-written files removed."""
    raise KeyboardInterrupt
