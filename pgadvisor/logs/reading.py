"""Log files to Logs: cut into stretches, which are read side by side, and what they tell is merged."""

import gc
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from pgadvisor.errors import PgAdvisorError, UsageError
from pgadvisor.logs.cures import STRANGE, cure_of
from pgadvisor.logs.files import STDIN, LogStream, files_of, is_packed, log_in, log_name, open_log, take_head
from pgadvisor.logs.forms import SAMPLE, Shape, first_time, shape_of
from pgadvisor.logs.part import Part
from pgadvisor.logs.stretches import Stretch, read_stretch
from pgadvisor.logs.tally import Options
from pgadvisor.logs.telling import logs_of
from pgadvisor.logs.workers import begin_worker, signals_wait
from pgadvisor.model.log import Logs, NotRead
from pgadvisor.model.progress import Progress, no_progress

LEAST_STRETCH, MOST_STRETCH = 32_000_000, 256_000_000
"""Bytes of a stretch. What is read twice around it, and waits for its neighbours, is to be little beside it; there are
to be enough of them for all processes, and to tell how far it is."""
STRETCHES = 4
"""So many for each process, where they are long enough."""
PIECE = 65_536


class _File(NamedTuple):
    name: str
    shape: Shape
    size: int | None
    """None: it can only be read from its beginning."""
    first: str
    """The time of its first record, as written."""
    head: bytes = b""
    """What was read of stdin."""
    begins: int = 0
    """Hash of its first bytes."""
    is_packed: bool = False

    @property
    def rank(self) -> tuple[int, bool, str]:
        """Of several files that hold one log the least is read: that which tells most."""
        return {"json": 0, "csv": 1, "stderr": 2}[self.shape.form], self.is_packed, self.name


def read_logs(
    names: Sequence[str],
    *,
    prefix: str | None = None,
    others: Sequence[str] = (),
    options: Options | None = None,
    executor: Executor | None = None,
    processes: int | None = None,
    stretch_bytes: int | None = None,
    progress: Progress = no_progress,
) -> Logs:
    """All that the files tell, the same to the byte whoever reads which stretch. Raises UsageError, and
    PgAdvisorError when a process that reads is killed.

    `names`: files, patterns, `-` for stdin. `prefix`: log_line_prefix; without it the lines tell, and `others` are
    tried first. `executor`: reads the stretches; without it, so many `processes` of this machine (default: all).
    """
    options = options or Options()
    files, left_out = _files(files_of(names), prefix, others)
    processes = processes or os.cpu_count() or 1
    if STDIN in names:
        executor, processes = None, 1  # no other process has it
    size = stretch_bytes or _stretch_bytes(files, 0 if executor else processes)
    tasks = [task for number, file in enumerate(files) for task in _stretches(number, file, options, size)]
    processes = min(processes, len(tasks))
    whole = Part(at_start=True)
    with _without_collector(), _reader(executor, processes) as run:
        for done, part in enumerate(run(tasks), 1):
            whole.merge(part)
            progress("logs", done, len(tasks))
    shapes = [file.shape for file in files]
    return logs_of(whole, [_told(file.name) for file in files], shapes, left_out, keep_values=options.keep_values)


def _files(names: Sequence[str], prefix: str | None, others: Sequence[str]) -> tuple[list[_File], list[NotRead]]:
    """The files to read, in the order of time, and those that are left out."""
    files: list[_File] = []
    left_out: list[NotRead] = []
    for name in names:
        taken = take_head(SAMPLE) if name == STDIN else b""
        with log_in(taken) if name == STDIN else open_log(name) as stream:
            head = _head(stream)
            packed = name != STDIN and is_packed(name)
            elsewhere = b"" if name == STDIN or packed else _elsewhere(stream, Path(name).stat().st_size)
        shape = shape_of(head + elsewhere, prefix, others)
        if shape is None:
            if head.strip():
                left_out.append(NotRead(file=_told(name), reason=STRANGE, count=1))
            continue
        is_whole = name == STDIN or packed or shape.wrapping is not None
        size = None if is_whole else Path(name).stat().st_size
        files.append(_File(name, shape, size, first_time(shape, head), taken, zlib.crc32(head), packed))
    if not files and left_out:
        raise UsageError(f"{left_out[0].file} is {STRANGE}: {cure_of(STRANGE)}")
    twins = {file.name: twin for file in files if (twin := _twin(file, files))}
    left_out += [_same(file, twins[file.name]) for file in files if file.name in twins]
    return sorted((file for file in files if file.name not in twins), key=lambda file: file.first), left_out


def _twin(file: _File, files: Sequence[_File]) -> _File | None:
    """The same log in a form that tells more, for log_destination may name several; or what was packed of it."""
    if file.name == STDIN:
        return None
    others = [other for other in files if other.name != STDIN]
    alike = [other for other in others if log_name(other.name) == log_name(file.name)]
    twins = [other for other in alike if other.shape.form != file.shape.form or other.begins == file.begins]
    best = min(twins, key=lambda other: other.rank)
    return best if best.rank < file.rank else None


def _same(file: _File, twin: _File) -> NotRead:
    more = "" if file.shape.form == twin.shape.form else ", which tells more"
    return NotRead(file=_told(file.name), reason=f"the same log as {_told(twin.name)}{more}", count=1)


def _told(name: str) -> str:
    return "stdin" if name == STDIN else Path(name).name


def _head(stream: LogStream) -> bytes:
    """The beginning; piece by piece, so that what stands before damage is seen."""
    head = b""
    while len(head) < SAMPLE and (new := stream.read(PIECE)):
        head += new
    return head


def _elsewhere(stream: LogStream, size: int) -> bytes:
    """Whole lines from the rest of the file: a log may begin with what one application did, or one setting wrote."""
    if size < 2 * SAMPLE:
        return b""
    pieces = []
    for at in (size // 3, 2 * size // 3, size - PIECE):
        stream.seek(at)
        pieces.append(stream.read(PIECE).partition(b"\n")[2].rpartition(b"\n")[0])
    return b"".join(b"\n" + piece for piece in pieces) + b"\n"


def _stretch_bytes(files: Sequence[_File], processes: int) -> int:
    """How long stretches are best. `processes`: 0 for those of an executor, which may be many."""
    if processes == 1:
        return MOST_STRETCH
    size = sum(file.size or 0 for file in files) // (STRETCHES * processes) if processes else 0
    return min(max(size, LEAST_STRETCH), MOST_STRETCH)


def _stretches(number: int, file: _File, options: Options, size: int) -> Iterator[Stretch]:
    """The tasks that one file makes, for whichever folder a process is in."""
    name = file.name if file.name == STDIN else str(Path(file.name).absolute())
    if file.size is None or file.size <= size:
        yield Stretch(name=name, file=number, shape=file.shape, options=options, head=file.head)
        return
    starts = range(0, file.size, size)
    for at, start in enumerate(starts):
        yield Stretch(
            name=name, file=number, number=at, shape=file.shape, start=start,
            end=start + size if at + 1 < len(starts) else None, options=options,
        )  # fmt: skip


@contextmanager
def _reader(executor: Executor | None, processes: int) -> Iterator[Callable[[Iterable[Stretch]], Iterator[Part]]]:
    """What reads stretches, in their order."""
    if executor is not None:
        chosen = executor
        yield lambda tasks: chosen.map(read_stretch, tasks)
    elif processes <= 1:
        yield lambda tasks: map(read_stretch, tasks)
    else:
        try:
            with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=begin_worker) as pool:
                yield lambda tasks: _mapped(pool, tasks)
        except BrokenExecutor as error:
            raise PgAdvisorError(
                "a process that read the logs was killed: see that memory suffices, or read fewer files at once"
            ) from error


def _mapped(pool: ProcessPoolExecutor, tasks: Iterable[Stretch]) -> Iterator[Part]:
    with signals_wait():  # the processes are started here
        return pool.map(read_stretch, tasks)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Millions of tuples, none in a circle: looking for circles would take a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
