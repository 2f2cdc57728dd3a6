"""Statements that the user gives: a file of them, in place of the source's own."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from pgadvisor.cli.plans import with_plans
from pgadvisor.cli.source import SourceOptions, connect, snapshot_file
from pgadvisor.cli.terminal import progress_bars
from pgadvisor.cli.workload_marks import refuse_unclear_marks
from pgadvisor.collect.collector import collect
from pgadvisor.collect.file import read_snapshot
from pgadvisor.errors import UsageError
from pgadvisor.model.report import UnreadStatement
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.reports.labels import statement_place
from pgadvisor.sql.fingerprint import fingerprint
from pgadvisor.sql.reader import Schema, Unread, read_query
from pgadvisor.sql.remarks import ignored_in
from pgadvisor.sql.splitter import SourceStatement, split_statements
from pgadvisor.sql.tags import read_tags

NO_PLANS = Gap(
    area="plans",
    reason="a snapshot file holds no server to plan these statements on",
    cure='name the server itself as the source: "dbname=shop"',
)
NEXT = "write SQL statements, each ended by `;`, with an optional line `-- name: NAME freq: CALLS` before it"
MOST_PLACES = 3
"""Statements named in an error: the others are likely to be wrong in the same way."""
_FOREIGN_PARAMETER = re.compile(r"%s|%\(\w+\)s|\?|(?<!:):[a-z_]\w*", re.IGNORECASE)
"""How drivers and object mappers spell a parameter."""


def read_statements(text: str, file: Path | None = None) -> list[Statement]:
    """The statements of a text, in their order."""
    return [_statement(each, file) for each in split_statements(text)]


def read_file(file: Path) -> str:
    """What stands in a file of statements. Raises UsageError."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not text in UTF-8: is it an SQL file?") from error


def workload_of(file: Path) -> list[Statement]:
    """The statements of a workload file; one without a count is taken to run once. Raises UsageError when there is
    nothing in it to plan, and for what it says of a statement that would be ignored or guessed at."""
    text = read_file(file)
    statements = [_called(each) for each in read_statements(text, file)]
    if not statements:
        raise UsageError(f"there is no statement in {file}: {NEXT}")
    refuse_unclear_marks(text, file)
    found = {each.key: read_query(each.text, Schema()) for each in statements}
    unread = [
        UnreadStatement(statement=key, reason=one.reason) for key, one in found.items() if isinstance(one, Unread)
    ]
    if len(unread) == len(statements):
        raise UsageError(f"there is nothing to plan in {file} ({places(statements, unread)}): {NEXT}")
    left_out = {each.statement for each in unread}
    planned = [each for each in statements if each.key not in left_out]
    if not any(each.calls for each in planned):
        raise UsageError(f"no statement in {file} is ever called: leave out calls: 0, or say how often each is called")
    if all(each.mean_ms is None for each in planned):
        return statements
    _refuse_partial_times(planned, file)
    # What cannot be planned has no part in what the times add up to.
    return [replace(each, total_ms=0.0) if each.key in left_out else each for each in statements]


def _called(statement: Statement) -> Statement:
    """With its calls, and its time in all where one call's is known."""
    calls = 1 if statement.calls is None else statement.calls
    return replace(statement, calls=calls, total_ms=None if statement.mean_ms is None else calls * statement.mean_ms)


def _refuse_partial_times(planned: Sequence[Statement], file: Path) -> None:
    """Raises UsageError where times cannot weigh the statements: milliseconds and planner costs do not add up."""
    untimed = [each for each in planned if each.mean_ms is None]
    if untimed:
        more = f", nor {'has' if len(untimed) == 2 else 'have'} {len(untimed) - 1:,} more" if len(untimed) > 1 else ""
        raise UsageError(
            f"{statement_place(untimed[0])}: has no mean_ms{more}, and other statements have: times cannot be weighed "
            "against planner costs, so give mean_ms for every statement, or for none"
        )
    if not any(each.total_ms for each in planned):
        raise UsageError(f"the statements in {file} take no time at all: give each call's mean_ms, or leave it out")


def with_workload(snapshot: Snapshot, statements: Sequence[Statement]) -> Snapshot:
    """The snapshot with the given statements alone: nothing that was counted on the server is theirs."""
    return replace(snapshot, statements=tuple(statements), totals=None, plans=(), gaps=other_gaps(snapshot))


def snapshot_for(
    source: str | None, asked: SourceOptions, statements: Sequence[Statement], fill: Callable[[Snapshot], Snapshot]
) -> Snapshot:
    """The source's catalog with the given statements, which `fill` puts in, and their plans where there is a server."""
    if (file := snapshot_file(source)) is not None:
        found = fill(read_snapshot(file))
        return replace(found, plans=(), gaps=(*other_gaps(found), NO_PLANS))
    with connect(source, asked) as session, progress_bars(asked.quiet) as progress:
        found = fill(collect(session, progress=progress))
        found = replace(found, gaps=other_gaps(found))
        plans = replace(asked, top=len(statements)).plans
        return with_plans(session, found, plans, progress)


def other_gaps(snapshot: Snapshot) -> tuple[Gap, ...]:
    """The gaps that matter to statements given by the user: those of the observed workload do not."""
    return tuple(gap for gap in snapshot.gaps if gap.area not in ("statements", "plans"))


def places(statements: Sequence[Statement], unread: Sequence[UnreadStatement]) -> str:
    """The first few of the statements that are not understood, each with its place, the reason and a hint."""
    by_key = {statement.key: statement for statement in statements}
    told = []
    for each in unread[:MOST_PLACES]:
        statement = by_key[each.statement]
        place = statement_place(statement)
        hint = " (write parameters as $1, $2)" if _FOREIGN_PARAMETER.search(statement.text) else ""
        told.append(f"{place}: {each.reason}{hint}")
    more = len(unread) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _statement(found: SourceStatement, file: Path | None) -> Statement:
    tags, _ = read_tags(found.text)
    total_ms = found.calls * found.mean_ms if found.calls is not None and found.mean_ms is not None else None
    return Statement(
        key=f"#{found.position}", text=found.text, fingerprint=fingerprint(found.text), position=found.position,
        line=found.line, column=found.column, file=str(file) if file else None,
        ignores=tuple(sorted(ignored_in(found.comments))), name=found.name, calls=found.calls,
        mean_ms=found.mean_ms, total_ms=total_ms, tags=tags,
    )  # fmt: skip
