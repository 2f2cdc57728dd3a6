"""`pgadvisor audit --inventory`: many databases side by side, a report for each, and one overview that links them."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import parent_process
from pathlib import Path

import msgspec
import typer
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pgadvisor import __version__
from pgadvisor.cli import output
from pgadvisor.cli.inventory import ListedDatabase, listed, read_inventory
from pgadvisor.cli.options import FailOn, Format, PlannerKind
from pgadvisor.cli.side_by_side import Failure, Tell, side_by_side
from pgadvisor.cli.source import SourceOptions
from pgadvisor.cli.terminal import errors
from pgadvisor.collect.file import is_snapshot
from pgadvisor.errors import PgAdvisorError, UsageError
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.inventory import AuditedDatabase, Overview
from pgadvisor.model.record import Record
from pgadvisor.model.report import Report
from pgadvisor.model.waiver import Waivers
from pgadvisor.reports import format_numbers, html, html_overview, json_overview, overview_words, text_overview
from pgadvisor.reports.plan_viewer import PlanViewerName

ENDINGS = {
    Format.HTML: "html",
    Format.JSON: "json",
    Format.MARKDOWN: "md",
    Format.PDF: "pdf",
    Format.SARIF: "sarif",
    Format.JUNIT: "xml",
    Format.TEXT: "txt",
}
INDEX = "index.html"


class ForAll(Record):
    """What holds for every database, unless the inventory says otherwise."""

    form: Format = Format.HTML
    plan_viewer: PlanViewerName | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    planner: PlannerKind = PlannerKind.TWIN
    programs: Path | None = None
    source: SourceOptions = SourceOptions()
    prefix: str | None = None
    """log_line_prefix of all logs."""
    baseline: Path | None = None
    budgets: tuple[EndpointBudget, ...] = ()
    waivers: Waivers | None = None
    fail_on: FailOn = FailOn.NEVER
    debug: bool = False


class Job(Record):
    """One database to audit, as its process is told of it."""

    database: ListedDatabase
    common: ForAll
    folder: Path
    """Where its report goes at first."""

    @property
    def fail_on(self) -> FailOn:
        """From which severity on its findings fail."""
        return self.database.fail_on or self.common.fail_on

    @property
    def planner(self) -> PlannerKind:
        """Who answers its what-ifs."""
        return self.database.planner or self.common.planner


def databases_of(
    sources: Sequence[str] | None, inventory: Path | None, others: Sequence[object]
) -> tuple[ListedDatabase, ...]:
    """The databases of the inventory or of several sources; none where there is one source, or none.

    `others`: the values of options that are for one database. Raises UsageError where what is given does not fit.
    """
    several = tuple(sources or ())
    if inventory is None and len(several) < 2:
        return ()
    if inventory is not None and several:
        raise UsageError("the databases are those of the inventory: leave out SOURCE, or --inventory")
    if inventory is None and any(Path(each).is_file() and not is_snapshot(Path(each)) for each in several):
        raise UsageError(
            'one of the sources is a file and no snapshot: put a pattern into quotes (--log "log/*.log"), and give '
            "--log again for each further file"
        )
    if any(others):
        raise UsageError(
            "--workload, --log, --previous, --also, --executor and --redact are for one database: leave them out, "
            "or name the logs of each in the inventory"
        )
    return listed(several) if inventory is None else read_inventory(inventory)


def audit_all(
    databases: tuple[ListedDatabase, ...],
    common: ForAll,
    folder: Path | None,
    report_of: Callable[[Job], Report],
    *,
    at_once: int,
    quiet: bool,
) -> None:
    """Audits the databases and writes their reports and the overview, all or nothing. Ends with 1 where a finding
    fails; raises PgAdvisorError when a database could not be audited."""
    if common.form not in ENDINGS:
        raise UsageError(f"a directory has no report as {common.form}: give one of {', '.join(sorted(ENDINGS))}")
    if folder is None or str(folder) == "-":
        raise UsageError("many databases give many reports: name a directory with -o DIR")
    if not quiet:
        _tell_of_passwords(databases)
    with _room_in(folder) as room:
        jobs = [Job(database=each, common=common, folder=room) for each in databases]
        overview = _audited(jobs, partial(_write_report, report_of), at_once=at_once, quiet=quiet)
        (room / INDEX).write_bytes(html_overview.render(overview).encode())
        (room / "index.json").write_text(json_overview.render(overview), encoding="utf-8")
        for file in sorted(room.iterdir()):
            file.replace(folder / file.name)
    if not quiet:
        _tell(overview, folder)
    _end(overview, quiet=quiet)


def _write_report(report_of: Callable[[Job], Report], job: Job, tell: Tell) -> AuditedDatabase:
    """One database, in a process of its own: its report is written, its row goes back."""
    stages = _Stages(tell)
    source = msgspec.structs.replace(job.common.source, progress=stages)
    job = msgspec.structs.replace(job, common=msgspec.structs.replace(job.common, source=source))
    try:
        report = report_of(job)
    except KeyboardInterrupt:
        _tidy_after_killed(job.folder)
        raise
    file = f"{job.database.name}.{ENDINGS[job.common.form]}"
    stages("report", 0, 0)
    failing = sum(each.status != "known" and job.fail_on.is_reached(each.severity) for each in report.findings)
    if job.common.form is Format.HTML:
        content = html.render(report, job.common.plan_viewer, INDEX).encode()
    else:
        content = output.render(report, job.common.form, job.folder / file, fail_on=job.fail_on)
    (job.folder / file).write_bytes(content)
    return overview_words.row_of(report, job.database.name, file=file, failing=failing)


class _Stages:
    """A Progress that tells each stage once, when it begins."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._stage = tell, ""

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Tell the stage, if it is another."""
        if stage != self._stage:
            self._stage = stage
            self._tell(stage)


def _tidy_after_killed(room: Path) -> None:
    """What the command cannot do that was killed: the half of it that is there goes."""
    parent = parent_process()
    if parent is not None and not parent.is_alive():
        shutil.rmtree(room, ignore_errors=True)
        with suppress(OSError):  # it holds other things
            room.parent.rmdir()


def _audited(jobs: list[Job], work: Callable[[Job, Tell], AuditedDatabase], *, at_once: int, quiet: bool) -> Overview:
    rows: dict[int, AuditedDatabase] = {}
    with _Lines([job.database.name for job in jobs], quiet) as lines:

        def ended(place: int, result: AuditedDatabase | Failure) -> None:
            name = jobs[place].database.name
            row = overview_words.row_of_failure(name, result.sentence) if isinstance(result, Failure) else result
            rows[place] = row
            lines.end(place, row)

        side_by_side(
            work, jobs, at_once=at_once, started=lines.start, reached=lines.reach, ended=ended,
            debug=jobs[0].common.debug,
        )  # fmt: skip
    return Overview(pgadvisor=__version__, databases=tuple(rows[place] for place in range(len(jobs))))


@contextmanager
def _room_in(folder: Path) -> Iterator[Path]:
    """A directory inside `folder` in which all is made before it is shown. What was made is gone after a failure."""
    is_new = not folder.exists()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a directory with -o")
    try:
        folder.mkdir(exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=".pgadvisor-", dir=folder))
    except OSError as error:
        raise UsageError(f"{folder} cannot be written to ({error.strerror}): name another directory with -o") from error
    try:
        yield room
    except BaseException:
        shutil.rmtree(room, ignore_errors=True)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()
        raise
    shutil.rmtree(room, ignore_errors=True)


class _Lines:
    """A line for each database: while it is under way on a terminal, and for good when it has ended."""

    def __init__(self, names: list[str], quiet: bool) -> None:
        self._names = names
        self._quiet = quiet
        self._console = errors()
        self._tasks: dict[int, TaskID] = {}
        self._starts: dict[int, float] = {}
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn(),
            console=self._console, transient=True, disable=quiet or not self._console.is_terminal,
        )  # fmt: skip

    def __enter__(self) -> "_Lines":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, place: int) -> None:
        """The database's audit has begun."""
        self._starts[place] = time.monotonic()
        self._tasks[place] = self._progress.add_task(self._names[place])

    def reach(self, place: int, stage: str) -> None:
        """It is at that stage now."""
        self._progress.update(self._tasks[place], description=f"{self._names[place]}: {stage}")

    def end(self, place: int, row: AuditedDatabase) -> None:
        """It has ended."""
        self._progress.remove_task(self._tasks[place])
        if self._quiet:
            return
        took = format_numbers.duration(time.monotonic() - self._starts[place])
        told = f"{row.failure}: {row.next_step}" if row.failure else row.verdict.headline if row.verdict else ""
        text = f"[{sum(each not in self._progress.task_ids for each in self._tasks.values())}/{len(self._names)}] "
        self._progress.console.print(f"{text}{row.name}, {took}: {told}", markup=False, highlight=False, soft_wrap=True)


def _tell_of_passwords(databases: tuple[ListedDatabase, ...]) -> None:
    found = [each.name for each in databases if each.has_password]
    if found:
        names = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        errors().print(
            f"Hint: a password stands in the connection of {names}: keep it in ~/.pgpass (mode 0600), "
            "or in a service of ~/.pg_service.conf",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def _tell(overview: Overview, folder: Path) -> None:
    console = errors()
    text = text_overview.render(overview, width=min(console.width, output.WIDEST), color=console.is_terminal)
    console.print()
    console.file.write(text)
    console.print(f"\nOverview: {folder / INDEX}", markup=False, highlight=False, soft_wrap=True)


def _end(overview: Overview, *, quiet: bool) -> None:
    if overview.failed:
        names = ", ".join(each.name for each in overview.failed[:5])
        more = f" and {len(overview.failed) - 5} more" if len(overview.failed) > 5 else ""
        count = f"{len(overview.failed):,} of {format_numbers.plural(len(overview.databases), 'database')}"
        raise PgAdvisorError(f"{count} could not be audited ({names}{more}): see the overview for the next step")
    failing = sum(each.failing for each in overview.databases)
    if not failing:
        return
    if not quiet:
        told = f"Failed: {format_numbers.plural(failing, 'finding')} at or above --fail-on"
        errors().print(told, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)
