"""Log files that the user gives: what they tell goes into the snapshot, beside or in place of its own statements."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module

import msgspec

from pgadvisor import __version__
from pgadvisor.cli.plans import with_plans
from pgadvisor.cli.source import SourceOptions, connect, snapshot_file
from pgadvisor.cli.terminal import progress_bars
from pgadvisor.collect.collector import collect
from pgadvisor.collect.file import read_snapshot
from pgadvisor.collect.session import MARK
from pgadvisor.errors import PgAdvisorError, UsageError
from pgadvisor.logs.cures import cure_of
from pgadvisor.logs.reading import read_logs
from pgadvisor.logs.tally import Options
from pgadvisor.model.log import LogFile, LoggedStatement, Logs, NotRead
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import FORMAT, Gap, Snapshot
from pgadvisor.model.workload import Statement, WorkloadTotals
from pgadvisor.sql.parse import Unread, parse_tree

_PLANNED = frozenset(("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"))
SAME_LOG = "the same log as "
"""So begins the reason of a file whose twin, in another form, was read."""
WORKERS_S = 10.0
"""So long a cluster may take until a worker is there."""
NO_DATABASE = Gap(
    area="catalog",
    reason="no database was asked: the statements are the logs' alone",
    cure="name a database or a snapshot file as the source",
)


class LogOptions(Record):
    """Which logs to read, and how."""

    files: tuple[str, ...] = ()
    prefix: str | None = None
    executor: str | None = None
    keep_values: bool = False


def snapshot_with_logs(source: str | None, asked: SourceOptions, logs: LogOptions) -> Snapshot:
    """The source's snapshot with what the logs tell; of the logs alone where nothing names a database."""
    if source is None and not any(name in os.environ for name in ("PGHOST", "PGDATABASE", "PGSERVICE", "PGHOSTADDR")):
        bare = Snapshot(format=FORMAT, pgadvisor=__version__, collected_at=datetime.now(UTC), gaps=(NO_DATABASE,))
        found = with_logs(bare, asked, logs)
        end = found.logs.last_at if found.logs else None
        return _as_of(found, end) if end else found
    if (file := snapshot_file(source)) is not None:
        return with_logs(read_snapshot(file), asked, logs)
    with connect(source, asked) as session:
        with progress_bars(asked.quiet, asked.progress) as progress:
            found = collect(session, progress=progress)
        found = with_logs(found, asked, logs)
        with progress_bars(asked.quiet, asked.progress) as progress:
            return with_plans(session, found, asked.plans, progress)


def with_logs(snapshot: Snapshot, asked: SourceOptions, logs: LogOptions) -> Snapshot:
    """The snapshot with what the logs tell. Where it has no statements, theirs take the place."""
    setting = next((each.value for each in snapshot.settings if each.name == "log_line_prefix"), None)
    options = Options(keep_values=logs.keep_values, database=snapshot.server.database if snapshot.server else None)
    with progress_bars(asked.quiet, asked.progress) as progress, executor_of(logs.executor) as executor:
        told = read_logs(
            logs.files,
            prefix=logs.prefix,
            others=(setting,) if setting else (),
            options=options,
            executor=executor,
            progress=progress,
        )
    gaps = (*snapshot.gaps, *_gaps(told, options.database))
    found = msgspec.structs.replace(snapshot, logs=told, gaps=gaps)
    return found if snapshot.statements else _with_statements(found, told)


def _as_of(snapshot: Snapshot, end: datetime) -> Snapshot:
    """The snapshot as of the end of its logs, which is what a later one is compared with."""
    totals = snapshot.totals
    since = totals.since - (snapshot.collected_at - end) if totals and totals.since else None
    moved = msgspec.structs.replace(totals, since=since) if totals else None
    return msgspec.structs.replace(snapshot, collected_at=end, totals=moved)


def _gaps(logs: Logs, database: str | None) -> Iterator[Gap]:
    """What of the logs was not read, and what one looks for in them and they do not have."""
    counts: dict[str, list[NotRead]] = {}
    for each in logs.not_read:
        if not each.reason.startswith(SAME_LOG):  # nothing is missing then
            counts.setdefault(each.reason, []).append(each)
    for reason, found in counts.items():
        first = found[0]
        count = sum(each.count for each in found)
        times = "" if count == 1 else f", {count:,} times"
        where = f"{', first' if times else ','} in line {first.line}" if first.line else ""
        told = f"not read: {reason}{times}{where}"
        yield Gap(area="logs", subject=first.file, reason=told, cure=cure_of(reason))
    for file in logs.files:
        yield from _gaps_of_prefix(file, database)
    if not logs.records:
        reason = "no record was understood"
        cure = "see that the files are whole and not empty, and give --log-line-prefix as `SHOW log_line_prefix` has it"
    elif not logs.statements:
        of = f' of the database "{database}"' if database else ""
        reason = f"of {logs.records:,} records none tells of a statement{of}"
        cure = "set log_min_duration_statement = 0 for a while, and give the logs of that database's server"
    else:
        return
    yield Gap(area="logs", reason=reason, cure=cure)


def _gaps_of_prefix(file: LogFile, database: str | None) -> Iterator[Gap]:
    """What the prefix of the file's lines leaves open; the other forms tell all of it."""
    if file.prefix is None or not file.records:
        return
    cure = "add {} to log_line_prefix; if it is there, give --log-line-prefix as `SHOW log_line_prefix` has it"
    if not any(each in file.prefix for each in ("%p", "%c")):
        reason = "its lines name neither process nor session: only statements with a request's id are told as requests"
        yield Gap(area="logs", subject=file.name, reason=reason, cure=cure.format("[%p]"))
    if database is not None and "%d" not in file.prefix:
        reason = "its lines name no database: statements of other databases are counted as well"
        yield Gap(area="logs", subject=file.name, reason=reason, cure=cure.format("%d"))


def _with_statements(snapshot: Snapshot, logs: Logs) -> Snapshot:
    """With the statements of the logs, and a gap that says which they may lack."""
    statements = tuple(
        _statement(each) for each in logs.statements if each.runs and MARK not in each.text and _is_planned(each.text)
    )
    if not statements:
        return snapshot
    gaps = tuple(gap for gap in snapshot.gaps if gap.area != "statements" or gap.subject is not None)
    least = logs.left_out_below_ms
    shortest = f"those shorter than {least} ms are not in them" if least else ""
    known = Gap(
        area="statements",
        subject="statements of the logs",
        reason="the statements are those of the logs" + (f": {shortest}" if shortest else ""),
        cure="load pg_stat_statements, which counts every statement",
    )
    return msgspec.structs.replace(
        snapshot, statements=statements, totals=_totals(snapshot, logs, statements), gaps=(*gaps, known)
    )


def _totals(snapshot: Snapshot, logs: Logs, statements: Sequence[Statement]) -> WorkloadTotals:
    """Their sums, as if counted for as long as the logs are."""
    total_ms = sum(each.total_ms or 0.0 for each in statements)
    own_ms = sum(each.duration_ms.total for each in logs.statements if each.duration_ms and MARK in each.text)
    whole_ms = sum(each.duration_ms.total for each in logs.statements if each.duration_ms)
    return WorkloadTotals(
        statements=len(statements),
        calls=sum(each.calls or 0 for each in statements),
        total_ms=max(total_ms, whole_ms),
        own_ms=own_ms,
        utility_ms=max(whole_ms - own_ms - total_ms, 0.0),
        since=snapshot.collected_at - (logs.last_at - logs.first_at) if logs.first_at and logs.last_at else None,
    )


def _is_planned(text: str) -> bool:
    found = parse_tree(text)
    return not isinstance(found, Unread) and len(found) == 1 and next(iter(found[0]["stmt"])) in _PLANNED


def _statement(logged: LoggedStatement) -> Statement:
    spread = logged.duration_ms
    mean = spread.total / spread.count if spread else None
    return Statement(
        key=logged.key,
        text=logged.text,
        fingerprint=logged.key,
        calls=logged.runs,
        total_ms=None if mean is None else mean * logged.runs,
        mean_ms=mean,
        min_ms=spread.least if spread else None,
        max_ms=spread.most if spread else None,
        tags=logged.tags,
    )


@contextmanager
def executor_of(spelled: str | None) -> Iterator[Executor | None]:
    """What reads the logs: nothing for this machine's processes, `dask://host:port` for a Dask cluster."""
    if spelled is None or spelled == "processes":
        yield None
        return
    if not spelled.startswith("dask://"):
        raise UsageError(f'--executor "{spelled}" is not known: give dask://HOST:PORT, or leave it out')
    try:
        distributed = import_module("distributed")
    except ImportError as error:
        raise UsageError(
            "--executor dask:// needs the package distributed: pip install 'pgadvisor-cli[dask]'"
        ) from error
    try:
        client = distributed.Client(spelled.replace("dask://", "tcp://"), timeout="10s")
    except OSError as error:
        raise UsageError(f"no Dask scheduler answers at {spelled}: start one with `dask scheduler`") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError as error:
            raise UsageError(f"the Dask cluster at {spelled} has no workers: start one with `dask worker`") from error
        executor: Executor = client.get_executor()
        try:
            yield executor
        except (ImportError, RuntimeError, OSError, distributed.KilledWorker) as error:
            raise PgAdvisorError(
                f"the Dask cluster at {spelled} could not read the logs ({type(error).__name__}): see that its workers "
                "run, have this version of pgadvisor, and see the same files"
            ) from error
