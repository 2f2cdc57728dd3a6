"""Statements that the user gives: a file of them, in place of the source's own."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from pgadvisor.cli.source import SourceOptions, connect, snapshot_file
from pgadvisor.cli.terminal import progress_bars
from pgadvisor.collect.collector import collect
from pgadvisor.collect.file import read_snapshot
from pgadvisor.collect.plans import collect_plans
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
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not text in UTF-8: is it an SQL file?") from error


def workload_of(file: Path) -> list[Statement]:
    """The statements of a workload file; one without a count is taken to run once. Raises UsageError when there is
    nothing in it to plan."""
    statements = read_statements(read_file(file), file)
    if not statements:
        raise UsageError(f"there is no statement in {file}: {NEXT}")
    unread: list[UnreadStatement] = []
    for each in statements:
        if not isinstance(found := read_query(each.text, Schema()), Unread):
            break
        unread.append(UnreadStatement(statement=each.key, reason=found.reason))
    else:
        raise UsageError(f"there is nothing to plan in {file} ({places(statements, unread)}): {NEXT}")
    return [each if each.calls is not None else msgspec.structs.replace(each, calls=1) for each in statements]


def with_workload(snapshot: Snapshot, statements: Sequence[Statement]) -> Snapshot:
    """The snapshot with the given statements alone: nothing that was counted on the server is theirs."""
    return msgspec.structs.replace(
        snapshot, statements=tuple(statements), totals=None, plans=(), gaps=other_gaps(snapshot)
    )


def snapshot_for(
    source: str | None, asked: SourceOptions, statements: Sequence[Statement], fill: Callable[[Snapshot], Snapshot]
) -> Snapshot:
    """The source's catalog with the given statements, which `fill` puts in, and their plans where there is a server."""
    if (file := snapshot_file(source)) is not None:
        found = fill(read_snapshot(file))
        return msgspec.structs.replace(found, plans=(), gaps=(*other_gaps(found), NO_PLANS))
    with connect(source, asked) as session, progress_bars(asked.quiet) as progress:
        found = fill(collect(session, progress=progress))
        found = msgspec.structs.replace(found, gaps=other_gaps(found))
        plans = msgspec.structs.replace(asked, top=len(statements)).plans
        return collect_plans(session, found, plans, progress)


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
