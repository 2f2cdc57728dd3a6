"""What goes to the terminal beside the report: messages and progress, on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from pgadvisor.model.progress import Progress


def errors() -> Console:
    """The console of stderr; rich itself obeys NO_COLOR and FORCE_COLOR."""
    return Console(stderr=True)


@contextmanager
def progress_bars(quiet: bool, instead: Progress | None = None) -> Iterator[Progress]:
    """A bar on stderr while a stage runs; nothing when quiet, or when stderr is no terminal. `instead`: is told of the
    stages, and there is no bar."""
    if instead is not None:
        yield instead
        return
    console = errors()
    with Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as progress:
        yield ProgressBars(progress)


class ProgressBars:
    """A Progress: one bar, which tells the stage that is under way."""

    def __init__(self, progress: Bars) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of the stage are done."""
        if self._task is None:
            self._task = self._progress.add_task(stage)
        self._progress.update(self._task, description=stage, completed=done, total=total)
