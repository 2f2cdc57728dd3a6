"""`--previous`: an earlier run is read, and the new one is held against it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from pgadvisor.advise.changes import with_changes
from pgadvisor.advise.recent import recent
from pgadvisor.collect.file import is_snapshot, read_snapshot
from pgadvisor.errors import UsageError
from pgadvisor.model.record import Record
from pgadvisor.model.report import FORMAT, Report
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.reports import json_reading

Judge = Callable[[Snapshot], Report]
_NEXT = "give a snapshot, or a report written with --format json"


class Previous(Record):
    """An earlier run."""

    name: str
    run: Snapshot | Report
    """Of a snapshot all counters are known, so that they can be taken off."""


def read_previous(path: Path) -> Previous:
    """The run in that file. Raises UsageError, SnapshotError."""
    return Previous(name=str(path), run=read_snapshot(path) if is_snapshot(path) else read_report(path))


def read_report(path: Path) -> Report:
    """The JSON report in that file, as far as it is compared. Raises UsageError."""
    content = _object_in(path, read_text(path, _NEXT))
    if "pgadvisor_baseline" in content:
        raise UsageError(f"{path} is a baseline, not a report: give it with --baseline")
    number = content.get("format")
    if not isinstance(number, int) or "findings" not in content:
        raise UsageError(f"{path} is not a report of pgadvisor: {_NEXT}")
    if number > FORMAT:
        raise UsageError(f"{path} was made by a newer pgadvisor than this one: upgrade pgadvisor")
    if content.get("is_redacted"):
        raise UsageError(f"{path} is redacted, and its names are not the database's: give a report that is not")
    try:
        return json_reading.read(content)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path} is not a whole report ({error}): write it again with --format json") from error


def read_text(path: Path, following: str) -> str:
    """What stands in a text file. Raises UsageError, which ends with the next step."""
    try:
        text = path.read_text(encoding="utf-8")
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a directory: name a file in it") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): check the name") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text in UTF-8: {following}") from error
    if not text.strip():
        raise UsageError(f"{path} is empty: {following}")
    return text


def _object_in(path: Path, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        form = "an HTML page" if text.lstrip()[:9].lower() in ("<!doctype", "<html>") else "not JSON"
        raise UsageError(f"{path} is {form}: {_NEXT}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} is not a report of pgadvisor: {_NEXT}")
    return content


def is_of_logs(run: Snapshot | Report) -> bool:
    """Whether it tells of requests that logs have."""
    return run.logs is not None if isinstance(run, Snapshot) else any(each.seen for each in run.endpoints)


def compared(now: Snapshot | Report, previous: Previous, judge: Judge) -> Report:
    """The report on the snapshot, or the report itself, with what is different since; an earlier snapshot is judged in
    the same way. Raises UsageError when they cannot be compared."""
    snapshot = now if isinstance(now, Snapshot) else _counters_of(now)
    _check_comparable(snapshot, previous, of_logs=is_of_logs(now) and is_of_logs(previous.run))
    run = previous.run
    before = judge(run) if isinstance(run, Snapshot) else run
    since = recent(snapshot, before)
    judged = since.snapshot if isinstance(run, Snapshot) and since.is_enough else snapshot
    if not _is_same_host(snapshot, before):
        judged = msgspec.structs.replace(judged, gaps=(*judged.gaps, _other_host(snapshot, before)))
    report = judge(judged) if isinstance(now, Snapshot) else msgspec.structs.replace(now, gaps=judged.gaps)
    return with_changes(report, before, since, run if isinstance(run, Snapshot) else None)


def _counters_of(report: Report) -> Snapshot:
    """What of a report is compared by its counters."""
    return Snapshot(
        format=report.format,
        pgadvisor=report.pgadvisor,
        collected_at=report.collected_at,
        server=report.server,
        statements=report.statements,
        totals=report.totals,
        gaps=report.gaps,
    )


def _check_comparable(snapshot: Snapshot, previous: Previous, *, of_logs: bool) -> None:
    """`of_logs`: both tell of requests, so that without a database there is something to compare."""
    now, before, name = snapshot.server, previous.run.server, previous.name
    if (before is None or now is None) and (before is not now or not of_logs):
        raise UsageError(f"{name} is a report of queries, not of a database: give one that `pgadvisor audit` wrote")
    if before is not None and now is not None and now.database != before.database:
        raise UsageError(
            f'{name} is of the database "{before.database}", and this audit of "{now.database}": '
            "give an earlier run of the same database"
        )
    if previous.run.collected_at == snapshot.collected_at:
        raise UsageError(f"{name} is of the very run that is audited: give an earlier one")
    if previous.run.collected_at > snapshot.collected_at:
        raise UsageError(f"{name} is later than the run that is audited: give an earlier one")


def _is_same_host(snapshot: Snapshot, before: Report) -> bool:
    """Whether nothing speaks for another server: by its name, unless counters that began together tell it is one."""
    server, other = snapshot.server, before.server
    start, other_start = (each.since if each else None for each in (snapshot.totals, before.totals))
    if server is None or other is None or None in (server.host, other.host) or server.host == other.host:
        return True
    return start is not None and start == other_start


def _other_host(snapshot: Snapshot, before: Report) -> Gap:
    hosts = [server.host if server else None for server in (before.server, snapshot.server)]
    return Gap(
        area="server",
        subject="the previous run",
        reason=f"the previous run read {hosts[0]}, this one {hosts[1]}: their counters may be those of two servers",
        cure="give a previous run of the same server",
    )
