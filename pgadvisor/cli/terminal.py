"""What goes to the terminal beside the report: messages and progress, on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


def errors() -> Console:
    """The console of stderr; rich itself obeys NO_COLOR and FORCE_COLOR."""
    return Console(stderr=True)


@contextmanager
def progress_bars(quiet: bool) -> Iterator["ProgressBars"]:
    """Bars on stderr while a stage runs; nothing when quiet, or when stderr is no terminal."""
    console = errors()
    with Progress(
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
    """A `pgadvisor.model.progress.Progress`: a bar for each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of the stage are done."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)
