"""Log files that the user gives: what they tell goes into the snapshot, beside or in place of its own statements."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module

import msgspec

from pgadvisor import __version__
from pgadvisor.cli.source import SourceOptions, connect, snapshot_file
from pgadvisor.cli.terminal import progress_bars
from pgadvisor.collect.collector import collect
from pgadvisor.collect.file import read_snapshot
from pgadvisor.collect.plans import collect_plans
from pgadvisor.errors import UsageError
from pgadvisor.logs.reading import read_logs
from pgadvisor.logs.tally import Options
from pgadvisor.model.log import LoggedStatement, Logs
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import FORMAT, Gap, Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.sql.parse import Unread, parse_tree

_PLANNED = frozenset(("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"))
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
        return with_logs(bare, asked, logs)
    if (file := snapshot_file(source)) is not None:
        return with_logs(read_snapshot(file), asked, logs)
    with connect(source, asked) as session:
        with progress_bars(asked.quiet) as progress:
            found = collect(session, progress=progress)
        found = with_logs(found, asked, logs)
        with progress_bars(asked.quiet) as progress:
            return collect_plans(session, found, asked.plans, progress)


def with_logs(snapshot: Snapshot, asked: SourceOptions, logs: LogOptions) -> Snapshot:
    """The snapshot with what the logs tell. Where it has no statements, theirs take the place."""
    setting = next((each.value for each in snapshot.settings if each.name == "log_line_prefix"), None)
    options = Options(keep_values=logs.keep_values, database=snapshot.server.database if snapshot.server else None)
    with progress_bars(asked.quiet) as progress, executor_of(logs.executor) as executor:
        told = read_logs(
            logs.files,
            prefix=logs.prefix,
            others=(setting,) if setting else (),
            options=options,
            executor=executor,
            progress=progress,
        )
    found = msgspec.structs.replace(snapshot, logs=told)
    return found if snapshot.statements else _with_statements(found, told)


def _with_statements(snapshot: Snapshot, logs: Logs) -> Snapshot:
    """With the statements of the logs, and a gap that says which they may lack."""
    statements = tuple(_statement(each) for each in logs.statements if each.runs and _is_planned(each.text))
    if not statements:
        return snapshot
    gaps = tuple(gap for gap in snapshot.gaps if gap.area != "statements" or gap.subject is not None)
    shortest = f"those shorter than {logs.least_duration_ms:g} ms are not in them" if logs.least_duration_ms else ""
    known = Gap(
        area="statements",
        subject="statements of the logs",
        reason="the statements are those of the logs" + (f": {shortest}" if shortest else ""),
        cure="load pg_stat_statements, which counts every statement",
    )
    return msgspec.structs.replace(snapshot, statements=statements, gaps=(*gaps, known))


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
        executor: Executor = client.get_executor()
        yield executor
