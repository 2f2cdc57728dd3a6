"""A process of its own that runs one embedded server, ends it when its owner ends, and removes its directory.

Run as a script, with the standard library alone. Its standard input is a pipe that the owner holds open and never
writes to: the pipe ends when the owner closes it or dies, however it dies. A signal at the parent's death
(`PR_SET_PDEATHSIG`) would not do for the owner itself: it goes off when the *thread* that started the child ends.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from typing import Any, NoReturn

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_FAST_SHUTDOWN_S = 10.0
_LOOK_AFTER_OWNER_S = 1.0
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Runs the commands of the order one after the other; gives the exit status of the first that fails, else 0."""
    order = json.loads(sys.argv[1])
    for number in _ENDING_SIGNALS:
        signal.signal(number, _leave)
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, _wake)
    try:
        for command in order["commands"]:
            process = _start(command, order)
            try:
                _wait_for_either(process, order["owner"], awake)
            finally:
                was_running = process.poll() is None
                _stop(process)
            if was_running:
                return 0
            if process.returncode != 0:
                return 1
        return 0
    finally:
        # A second signal must not cut the removal short.
        for number in _ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        shutil.rmtree(order["directory"], ignore_errors=True)


def _start(command: list[str], order: dict[str, Any]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        cwd=order["directory"],
        # Held by the server as well: a directory whose lock is free has neither supervisor nor server.
        pass_fds=(order["lock"],),
        umask=0o077,
        preexec_fn=_die_with_supervisor,
        **order["user"],
    )


def _die_with_supervisor() -> None:
    """Runs in the child, after the change of user (which would clear it): the kernel ends it should we be killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGQUIT))


def _wait_for_either(process: subprocess.Popen[bytes], owner: int, awake: int) -> None:
    """Returns when the process has ended, or its owner.

    The owner has ended when its end of the pipe is closed, or when we have another parent: a forked child of the owner
    may hold the pipe open.
    """
    while process.poll() is None and os.getppid() == owner:
        readable, _, _ = select.select([0, awake], [], [], _LOOK_AFTER_OWNER_S)
        if 0 in readable:
            return
        if awake in readable:
            os.read(awake, 64)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then immediate shutdown, then the kernel's: the data are thrown away in any case."""
    for number, patience_s in ((signal.SIGINT, _FAST_SHUTDOWN_S), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.send_signal(number)
            process.wait(patience_s)
            return


def _wake(_number: int, _frame: object) -> None:
    """Only makes the end of a child known to `select`, through the wake-up pipe."""


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
