"""The sums of all stretches, to Logs: the same records whatever the stretches were."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isnan

from pgadvisor.logs.cures import ENDPOINT, KIND
from pgadvisor.logs.entry import text_of
from pgadvisor.logs.forms import Shape
from pgadvisor.logs.part import MOST_GROUPS, OTHERS, Group, Line, Part, shared_tags
from pgadvisor.logs.plans import kept_plans
from pgadvisor.logs.requests import MOST_ENDPOINTS
from pgadvisor.logs.wrapping import wrapping_named
from pgadvisor.model.log import LogEvent, LogFile, LoggedStatement, Logs, NotRead
from pgadvisor.sql.normalize import normalize_but_shape
from pgadvisor.sql.parse import is_valid

NO_SQL = "-- a text that is no SQL, and was refused"


def logs_of(
    part: Part,
    names: Sequence[str],
    shapes: Sequence[Shape],
    left_out: Sequence[NotRead] = (),
    *,
    keep_values: bool = False,
) -> Logs:
    """What the files told. `names` and `shapes`: of the files, by their numbers."""
    offsets = _offsets(part)
    groups = [group for group in part.groups.values() if group.key != OTHERS]
    for group in part.groups.values():
        _take_lone_in(group, part.least_us)
    endpoints = part.requests.endpoints()
    if part.requests.left_out:
        reason = ENDPOINT.format(MOST_ENDPOINTS)
        left_out = (*left_out, NotRead(file=names[0], reason=reason, count=part.requests.left_out))
    return Logs(
        files=tuple(_file(part, number, name, shapes[number]) for number, name in enumerate(names)),
        not_read=(*_not_read(part, names, offsets), *_others(part.groups.get(OTHERS), names), *left_out),
        first_at=_time(min(part.first_at.values(), default=None)),
        last_at=_time(max(part.last_at.values(), default=None)),
        records=sum(part.records.values()),
        statements=tuple(
            sorted((_statement(group, keep_values) for group in groups), key=lambda each: (-_total(each), each.key))
        ),
        events=_events(part, names, offsets),
        endpoints=endpoints,
        least_duration_ms=None if part.least_us is None else part.least_us / 1000,
        databases=tuple(sorted(part.databases)),
    )


def _take_lone_in(group: Group, least_us: int | None) -> None:
    """A plan without its duration is a run of its own where durations so short are not logged; else the duration
    stands elsewhere in the log, and the run is counted."""
    for number, times in sorted(group.lone.items()):
        if least_us is None or times.most < least_us:
            group.runs += times.count
            group.times.merge(times)
            group.times.bins[number] = group.times.bins.get(number, 0) + times.count
    group.lone = {}


def _statement(group: Group, keep_values: bool) -> LoggedStatement:
    return LoggedStatement(
        key=group.key,
        text=_text(group),
        runs=group.runs,
        timed=group.times.count,
        duration_ms=group.times.spread(1000) if group.times.count else None,
        tags=shared_tags(group.tag_sets) if group.tag_sets else (),
        values=tuple(each.values for each in group.values),
        plans=kept_plans(group, _time, keep_values=keep_values),
        nested=group.nested,
        temp_bytes=group.temp_bytes,
        temp_files=group.temp_files,
        errors=group.errors,
        cancelled=group.cancelled,
        lock_wait_ms=group.lock_us / 1000,
        lock_waits=group.lock_waits,
    )


def _text(group: Group) -> str:
    """Without literals. Where they begin and end in a text that is no SQL nobody can say: `'O'Brien'`."""
    text = text_of(group.text)
    return normalize_but_shape(text) if group.runs or is_valid(text) else NO_SQL


def _total(statement: LoggedStatement) -> float:
    return statement.duration_ms.total if statement.duration_ms else 0.0


def _events(part: Part, names: Sequence[str], offsets: dict[tuple[int, int], int]) -> tuple[LogEvent, ...]:
    found = [
        LogEvent(
            kind=kind,  # type: ignore[arg-type]
            what=what,
            count=each.count,
            first_at=_time(each.first_at),
            last_at=_time(each.last_at),
            total_ms=None if each.us is None else each.us / 1000,
            total_bytes=each.bytes,
            example_line=_line(each.first, offsets),
            file=names[each.first.file] if each.first else None,
        )
        for (kind, what), each in part.events.items()
    ]
    return tuple(sorted(found, key=lambda event: (event.kind, -event.count, event.what)))


def _not_read(part: Part, names: Sequence[str], offsets: dict[tuple[int, int], int]) -> list[NotRead]:
    return [
        NotRead(file=names[file], reason=reason, count=each.count, line=_line(each.first, offsets))
        for (file, reason), each in sorted(part.unread.items())
    ]


def _others(group: Group | None, names: Sequence[str]) -> list[NotRead]:
    if group is None:
        return []
    return [NotRead(file=names[0], reason=KIND.format(MOST_GROUPS), count=group.runs)]


def _file(part: Part, number: int, name: str, shape: Shape) -> LogFile:
    return LogFile(
        name=name,
        form=shape.form,
        wrapping=wrapping_named(shape.wrapping).name if shape.wrapping else None,
        prefix=shape.prefix,
        size_bytes=part.sizes.get(number, 0),
        records=part.records.get(number, 0),
        first_at=_time(part.first_at.get(number)),
        last_at=_time(part.last_at.get(number)),
    )


def _offsets(part: Part) -> dict[tuple[int, int], int]:
    """How many lines of its file stand before each stretch."""
    offsets, before, last = {}, 0, -1
    for (file, stretch), lines in sorted(part.lines.items()):
        before = before if file == last else 0
        offsets[file, stretch] = before
        before, last = before + lines, file
    return offsets


def _line(line: Line | None, offsets: dict[tuple[int, int], int]) -> int | None:
    return None if line is None else line.line + offsets.get((line.file, line.stretch), 0)


def _time(at: float | None) -> datetime | None:
    return None if at is None or isnan(at) else datetime.fromtimestamp(at / 1_000_000, UTC)
