"""A SOURCE becomes a Snapshot: a server is collected from, a snapshot file is read."""

from pathlib import Path

import typer

from pgadvisor.cli.options import FailOn
from pgadvisor.cli.plans import with_plans
from pgadvisor.cli.terminal import errors, progress_bars
from pgadvisor.collect.collector import collect
from pgadvisor.collect.connecting import BAD_DSN
from pgadvisor.collect.file import is_snapshot, read_snapshot
from pgadvisor.collect.plans import PlanOptions
from pgadvisor.collect.session import Session, open_session
from pgadvisor.errors import UsageError
from pgadvisor.model.progress import Progress
from pgadvisor.model.record import Record
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot


class SourceOptions(Record):
    """How to collect from a server."""

    no_analyze: bool = False
    analyze_limit_s: float = 5.0
    top: int | None = None
    show_sql: bool = False
    quiet: bool = False
    progress: Progress | None = None
    """Told how far it is, in place of a bar on the terminal."""

    @property
    def plans(self) -> PlanOptions:
        """The part that the planning of statements needs."""
        return PlanOptions(analyze=not self.no_analyze, analyze_limit_ms=self.analyze_limit_s * 1000, top=self.top)


def snapshot_of(source: str | None, options: SourceOptions) -> Snapshot:
    """The snapshot in that file, or a new one of that server with the plans of its statements."""
    if (file := snapshot_file(source)) is not None:
        return read_snapshot(file)
    with connect(source, options) as session, progress_bars(options.quiet, options.progress) as progress:
        return with_plans(session, collect(session, progress=progress), options.plans, progress)


def connect(source: str | None, options: SourceOptions) -> Session:
    """A session on the server that the DSN, or libpq's own ways, names."""
    return open_session(source, on_sql=_show if options.show_sql else None)


def snapshot_file(source: str | None) -> Path | None:
    """The file that the source names; None: it is a DSN, or nothing. Raises UsageError when the file is not there."""
    if source is None or "://" in source or "=" in source:
        return None
    if (path := Path(source)).is_file() and (is_snapshot(path) or "/" in source or "." in source):
        return path  # a bare word is a database as well: then the file must look like a snapshot
    if "@" in source:
        raise UsageError(BAD_DSN)
    if "/" in source or "." in source:
        raise UsageError(f'there is no snapshot file "{source}": make one with `pgadvisor snapshot DSN -o FILE`')
    return None  # libpq takes a bare word as a database name


def _show(sql: str) -> None:
    errors().print(sql, markup=False, highlight=False, soft_wrap=True)


def end(report: Report, fail_on: FailOn, *, quiet: bool) -> None:
    """End the command with 1, and say why, when there is a finding at or above `--fail-on` that is not known."""
    failing = [each for each in report.findings if each.status != "known" and fail_on.is_reached(each.severity)]
    if not failing:
        return
    if not quiet:
        count = f"{len(failing):,} {'finding' if len(failing) == 1 else 'findings'}"
        told = f"Failed: {count} at or above {fail_on.value} (--fail-on)"
        errors().print(told, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)
