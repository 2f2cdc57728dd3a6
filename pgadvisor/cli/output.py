"""Where a report goes: stdout, or a file that is written whole or not at all."""

import os
import sys
from pathlib import Path

from pgadvisor.cli.options import Format
from pgadvisor.collect.file import write_whole
from pgadvisor.errors import UsageError
from pgadvisor.model.report import Report
from pgadvisor.reports import html, json, text


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


def format_of(path: Path | None, asked: Format | None) -> Format:
    """The form asked for, else the one that the file's ending names, else text."""
    if asked is not None:
        return asked
    endings = {".html": Format.HTML, ".htm": Format.HTML, ".json": Format.JSON, ".txt": Format.TEXT}
    if path is None or str(path) == "-":
        return Format.TEXT
    if path.suffix not in endings:
        raise UsageError(f'the ending "{path.suffix}" of {path} names no format: use --format html, json or text')
    return endings[path.suffix]


def render(report: Report, form: Format) -> str:
    """The report in that form."""
    match form:
        case Format.HTML:
            return html.render(report)
        case Format.JSON:
            return json.render(report)
        case Format.TEXT:
            return text.render(report)


def write(content: str, path: Path | None) -> None:
    """Write to stdout (None or `-`), or to the file in one step: half a file is never left. Raises UsageError."""
    if path is not None and str(path) != "-":
        write_whole(path, content.encode())
        return
    try:
        sys.stdout.write(content)
        sys.stdout.flush()
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at exit
        raise UsageError("whoever read the report went away before its end") from error
