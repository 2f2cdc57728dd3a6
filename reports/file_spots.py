"""Where a finding stands in a file: the lines and columns that CI marks."""

from typing import NamedTuple
from urllib.parse import quote

from pgadvisor.model.finding import Finding, Span
from pgadvisor.model.workload import Statement
from pgadvisor.reports import labels
from pgadvisor.reports.lookup import Lookup
from pgadvisor.reports.visible_text import visible


class Spot(NamedTuple):
    """A part of a file, lines and columns counted from 1; None: not known."""

    file: str
    """From the root of the repository, with `/`."""
    line: int = 1
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    """The one behind its last character."""


def spot_of(lookup: Lookup, finding: Finding) -> Spot | None:
    """Where CI is to mark the finding: its first guilty part, else its line. None: it is about no file.

    Pseudonyms are as long as they please: a redacted report tells lines alone.
    """
    where = finding.where
    if where.file is None:
        return None
    spot = Spot(file=path_of(where.file), line=max(1, where.line or 1))
    own = lookup.statements.get(where.statement or "")
    if own is None or own.line is None or own.file != where.file or not finding.spans or lookup.report.is_redacted:
        return spot
    return _marked(spot, own, own.line, finding.spans[0])


def path_of(file: str) -> str:
    """The file as a forge names it: with `/`, and without `./` before it."""
    path = visible(file).replace("\\", "/")
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def uri_of(path: str) -> str:
    """The path as a URI: relative, or of a file on this machine."""
    told = quote(path, safe="/")
    return f"file://{told}" if path.startswith("/") else told


def thing_of(lookup: Lookup, finding: Finding) -> str:
    """What a finding is about that stands in no file: a table, an index, a statement."""
    own = lookup.statement_of(finding)
    told = labels.where_label(finding.where) or (labels.statement_label(own) if own is not None else "")
    return visible(told).strip() or "database"


def _marked(spot: Spot, own: Statement, line: int, span: Span) -> Spot:
    """The spot of a part of the statement's text."""
    start, end = min(span.start, len(own.text)), min(span.end, len(own.text))
    if start >= end:
        return spot
    first, column = _place(own, line, start)
    last, behind = _place(own, line, end)
    if column is None or behind is None:
        return Spot(file=spot.file, line=first, end_line=last)
    return Spot(file=spot.file, line=first, column=column, end_line=last, end_column=behind)


def _place(own: Statement, line: int, at: int) -> tuple[int, int | None]:
    """Line and column in the file of an offset into the statement's text; where the statement begins is not always
    known, and then neither are the columns of its first line."""
    before = own.text.count("\n", 0, at)
    if before:
        return line + before, at - own.text.rfind("\n", 0, at)
    return line, None if own.column is None else own.column + at
