"""Jobs side by side, each in a process of its own: a crash takes no other job along, and Ctrl-C leaves none behind."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any, Generic, Never, TypeVar

from pgadvisor.errors import PgAdvisorError
from pgadvisor.model.record import Record

PATIENCE_S = 30.0
"""So long a job that was told to stop may take to stop its servers; then it is killed."""
_STOPPING = (signal.SIGINT, signal.SIGTERM)
_CONTEXT = multiprocessing.get_context("spawn")  # a fork would take over threads and connections in any state


Job = TypeVar("Job")
Tell = Callable[[str], None]
"""Is told what a job is at."""


class Stage(Record):
    """What a job says that it is at."""

    name: str


class Failure(Record):
    """What a job that failed has for a result."""

    sentence: str
    """What failed, and the next step."""


class _Running(Generic[Job]):
    """A job under way."""

    def __init__(self, place: int, job: Job, work: Callable[[Job, Tell], object], debug: bool) -> None:
        self.place = place
        self.answers, answer = _CONTEXT.Pipe(duplex=False)
        self.process: SpawnProcess = _CONTEXT.Process(target=_run, args=(answer, work, job, debug))
        with _signals_wait():
            self.process.start()
        answer.close()  # else the end of the process would not be seen

    def heard(self) -> Any:
        """What it sent: a Stage, or its result and why there is none, which is the last."""
        try:
            found = self.answers.recv()
        except EOFError:
            self.process.join()
            found = Failure(sentence=_words_of_end(self.process.exitcode))
        if isinstance(found, Stage):
            return found
        self.process.join()
        self.answers.close()
        return found


def side_by_side(
    work: Callable[[Job, Tell], object],
    jobs: Sequence[Job],
    *,
    at_once: int,
    started: Callable[[int], None],
    reached: Callable[[int, str], None],
    ended: Callable[[int, Any], None],
    debug: bool = False,
) -> None:
    """Runs `work` on each job, so many at once, and tells of each by its place in `jobs` when it started, when it says
    that it reached another stage, and when it ended: what it returned, or a Failure. All are stopped, and have cleaned
    up, when this is left by an exception.

    `work` must be a function of a module, since each job has a new interpreter.
    """
    running: dict[Connection, _Running[Job]] = {}
    waiting = iter(enumerate(jobs))
    try:
        while True:
            while len(running) < at_once and (following := next(waiting, None)) is not None:
                started(following[0])
                one = _Running(*following, work, debug)
                running[one.answers] = one
            if not running:
                return
            for answered in wait(list(running)):
                assert isinstance(answered, Connection)
                one = running[answered]
                found = one.heard()
                if isinstance(found, Stage):
                    reached(one.place, found.name)
                    continue
                del running[answered]
                ended(one.place, found)
    finally:
        _stop([each.process for each in running.values()])


def _stop(processes: Sequence[SpawnProcess]) -> None:
    if not processes:
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave servers behind
    try:
        for process in processes:
            _send(process, signal.SIGINT)
        for process in processes:
            process.join(PATIENCE_S)
            if process.is_alive():
                _send(process, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
                process.join()
    finally:
        signal.signal(signal.SIGINT, before)


def _send(process: SpawnProcess, number: signal.Signals) -> None:
    """To the job with all processes that it started."""
    if sys.platform == "win32":
        process.terminate()
        return
    assert process.pid is not None
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:  # it has no group of its own yet, or is gone
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Signals wait until a new process has what it needs and is ready for them: an interpreter that is interrupted
    while it starts shows a traceback."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # it would be started below otherwise, and lets signals through when it is
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    handlers = {number: signal.signal(number, note) for number in _STOPPING}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # for the new process, which inherits it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _run(answer: Connection, work: Callable[[Job, Tell], object], job: Job, debug: bool) -> None:
    """The whole life of a job's process."""
    if sys.platform != "win32":
        os.setpgrp()  # Ctrl-C goes to the command, which stops its jobs
    try:
        for number in _STOPPING:
            signal.signal(number, _interrupted)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        answer.send(_result(work, job, lambda stage: answer.send(Stage(name=stage)), debug))
    except (KeyboardInterrupt, BrokenPipeError):
        return


def _result(work: Callable[[Job, Tell], object], job: Job, tell: Tell, debug: bool) -> object:
    try:
        return work(job, tell)
    except PgAdvisorError as error:
        _show(debug)
        return Failure(sentence=str(error))
    except OSError as error:
        _show(debug)
        return Failure(sentence=f"{error.strerror or error}: free some space, or write to another place with -o")
    except Exception as error:  # noqa: BLE001 - the last wall of this process: the other jobs go on
        _show(debug)
        return Failure(
            sentence=f"internal error ({type(error).__name__}): run again with --debug and report the traceback"
        )


def _show(debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()


def _words_of_end(code: int | None) -> str:
    how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended by itself with {code}"
    return f"its process {how}: audit it alone, and see that memory suffices, or give a smaller --jobs"


def _end_with_parent() -> None:
    """Stops this job when the command was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        signal.raise_signal(signal.SIGINT) if sys.platform == "win32" else os.killpg(0, signal.SIGINT)


def _interrupted(number: int, frame: FrameType | None) -> Never:
    for each in _STOPPING:  # once is enough: what is being cleaned up must not be torn apart
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt
