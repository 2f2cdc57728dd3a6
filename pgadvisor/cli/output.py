"""Where a report goes, and in which form: stdout, or a file that is written whole or not at all."""

import os
import shutil
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from pgadvisor.cli import pdf
from pgadvisor.cli.options import FailOn, Format
from pgadvisor.collect.file import write_whole
from pgadvisor.errors import UsageError
from pgadvisor.model.finding import Severity
from pgadvisor.model.report import Report
from pgadvisor.reports import github, gitlab, html, json, junit, markdown, sarif, text
from pgadvisor.reports.plan_viewer import PlanViewerName

ENDINGS = {
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".json": Format.JSON,
    ".txt": Format.TEXT,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".pdf": Format.PDF,
    ".sarif": Format.SARIF,
    ".xml": Format.JUNIT,
}
"""Which form the ending of a file's name asks for."""
WIDEST = 110
"""Columns of a text in a terminal: longer lines are hard to read, however wide it is."""
NARROWEST = 40


def check_writable(path: Path | None) -> None:
    """Raises UsageError when the file could not be written: said before the work, not after it."""
    if path is None or str(path) == "-":
        return
    if path.exists() and not path.is_file() and not path.is_dir():
        return  # a device or a pipe
    if path.is_dir():
        raise UsageError(f"{path} is a directory: name a file with -o")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise UsageError(f"there is no directory {folder}: make it, or name another file with -o")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{folder} cannot be written to: name another file with -o")


def format_of(
    path: Path | None,
    asked: Format | None,
    plan_viewer: PlanViewerName | None = None,
    *,
    among: Collection[str] = tuple(Format),
) -> Format:
    """The form asked for, else the one that the file's ending names, else text.

    Raises UsageError for a strange ending, for one of a form that the command does not have (`among`), and for a form
    that could not be made or written: before the work.
    """
    form = asked if asked is not None else _by_ending(path, among)
    if plan_viewer is not None and form is not Format.HTML:
        raise UsageError(f"--plan-viewer is for an HTML report, and this one is {form}: give -o report.html")
    if form is Format.PDF:
        if _is_stdout(path) and sys.stdout.isatty():
            raise UsageError("a PDF cannot be shown in a terminal: write it to a file with -o report.pdf")
        pdf.find_browser()
    return form


def formats_of(paths: Iterable[Path], *, among: Collection[str] = tuple(Format)) -> tuple[tuple[Path, Format], ...]:
    """The files that are wanted as well (`--also`), each with its form. Raises UsageError as `check_writable` and
    `format_of` do."""
    wanted = tuple(dict.fromkeys(paths))
    for path in wanted:
        check_writable(path)
        if _is_stdout(path):
            raise UsageError("--also writes files: for stdout leave out -o, or give -o -")
    return tuple((path, format_of(path, None, among=among)) for path in wanted)


def render(
    report: Report,
    form: Format,
    path: Path | None = None,
    plan_viewer: PlanViewerName | None = None,
    fail_on: FailOn | None = None,
) -> bytes:
    """The report in that form, for that place: text is as wide and as coloured as a terminal there allows.

    `fail_on`: what fails in a form that knows passed and failed; without it errors and warnings do.
    """
    match form:
        case Format.GITHUB:
            return github.render(report).encode()
        case Format.GITLAB:
            return gitlab.render(report).encode()
        case Format.JUNIT:
            failing = Severity(fail_on.value) if fail_on and fail_on is not FailOn.NEVER else Severity.WARNING
            return junit.render(report, failing).encode()
        case Format.SARIF:
            return sarif.render(report).encode()
        case Format.HTML:
            return html.render(report, plan_viewer).encode()
        case Format.JSON:
            return json.render(report).encode()
        case Format.MARKDOWN:
            return markdown.render(report).encode()
        case Format.PDF:
            return pdf.print_page(html.render(report))
        case Format.TEXT if _is_stdout(path):
            return text.render(report, width=_width(), color=_is_coloured()).encode()
        case Format.TEXT:
            return text.render(report).encode()


def write(content: bytes, path: Path | None) -> None:
    """Write to stdout (None or `-`), or to the file in one step: half a file is never left. Raises UsageError."""
    if path is not None and not _is_stdout(path):
        write_whole(path, content)
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at exit
        raise UsageError("whoever read the report went away before its end") from error


def write_also(report: Report, also: Iterable[tuple[Path, Format]], fail_on: FailOn | None = None) -> None:
    """Write the report to each of those files, in its form."""
    for path, form in also:
        write(render(report, form, path, fail_on=fail_on), path)


def terminal() -> tuple[int, bool]:
    """How wide a text on stdout may be, and whether in colour."""
    return _width(), _is_coloured()


def _is_stdout(path: Path | None) -> bool:
    return path is None or str(path) == "-"


def _by_ending(path: Path | None, among: Collection[str]) -> Format:
    if path is None or _is_stdout(path):
        return Format.TEXT
    if ENDINGS.get(path.suffix.lower()) not in among:
        names = ", ".join(sorted(among))
        raise UsageError(f'the ending "{path.suffix}" of {path} names no format: give --format, one of {names}')
    return ENDINGS[path.suffix.lower()]


def _width() -> int:
    """Columns of the terminal (COLUMNS says otherwise), not too many of them; 80 where there is none."""
    if not sys.stdout.isatty():
        return text.WIDTH
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size((text.WIDTH, 24)).columns))


def _is_coloured() -> bool:
    """As https://no-color.org and https://force-color.org say; else where a terminal that knows colours reads it."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
