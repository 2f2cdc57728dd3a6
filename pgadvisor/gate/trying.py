"""The pull request's migrations tried on a scratch server, and what of it could not be tried."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from pgadvisor.gate.migration_needs import needs_of
from pgadvisor.gate.scratch import embedded_scratch
from pgadvisor.gate.scratch_named import named_scratch
from pgadvisor.gate.trace import trace
from pgadvisor.measure.identity import identity_in
from pgadvisor.model.migration import Migration
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.trace import Reversal, Trace, Traced

UTC = "UTC"
"""The time zone of most servers, where production's is not known."""
_DOUBT = ", which may be "
_TEMPLATE = "the template's"
"""In a remark of a migration: a name in its text is not the one that will stand there."""
_NOT_FILLED = "templates in it are not filled in"
_MOST = 3
_CURE = "name a server of production's version, with its extensions: --scratch DSN"
_NO_SCHEMA_CURE = "give production's schema: --snapshot FILE, or all migrations since the first"


class TraceFound(NamedTuple):
    """What came of it, and what could not be tried; no trace: nothing could."""

    trace: Trace | None
    gaps: tuple[Gap, ...]


def tried(
    migrations: Sequence[Migration],
    snapshot: Snapshot | None = None,
    *,
    scratch: str | None = None,
    binaries: Path | None = None,
) -> TraceFound:
    """Runs the judged migrations, and their ways back, in production's time zone. `scratch`: the DSN of an empty
    database to do it in; without it on a server of our own, with PostgreSQL's programs in `binaries`.

    Raises UsageError, ServerError or EmbeddedServerError when there is nothing to run them on.
    """
    needs = needs_of(migrations)
    known = snapshot if snapshot is not None and snapshot.server is not None else None
    server = (
        named_scratch(scratch, needs, identity_in(known) if known else None)
        if scratch is not None
        else embedded_scratch(needs, snapshot=known, binaries=binaries)
    )
    with server:
        found = _without_templates(trace(server, migrations, _time_zone(known)), migrations)
    return TraceFound(found, (*(replace(each, area="trace") for each in found.gaps), *_untried(found.statements)))


def _time_zone(snapshot: Snapshot | None) -> str:
    settings = snapshot.settings if snapshot else ()
    return next((each.value for each in settings if each.name.lower() == "timezone"), UTC)


def _without_templates(found: Trace, migrations: Iterable[Migration]) -> Trace:
    """Of a text with names that a tool fills in later, no refusal counts."""
    templated = {(each.file, each.name) for each in migrations if any(_TEMPLATE in one for one in each.remarks)}
    files = {(name, file) for each in migrations if (each.file, each.name) in templated
             for name, file in ((each.name, each.file), (each.name, each.down_file))}  # fmt: skip

    def told(each: Traced) -> Traced:
        is_filled_later = each.error is not None and (each.migration, each.file) in files
        return replace(each, error=None, not_run=_NOT_FILLED) if is_filled_later else each

    def returned(each: Reversal) -> Reversal:
        return (
            replace(each, is_reversible=None, reason=_NOT_FILLED) if (each.file, each.migration) in templated else each
        )

    return replace(
        found, statements=tuple(map(told, found.statements)), reversals=tuple(map(returned, found.reversals))
    )


def _untried(statements: Iterable[Traced]) -> tuple[Gap, ...]:
    """The statements of which nothing is known, those of one reason together."""
    groups: dict[str, list[Traced]] = {}
    for each in statements:
        reason = each.passed_over or each.not_run
        if reason is not None:
            # What is missing differs from statement to statement; why it is does not.
            groups.setdefault(reason.partition(_DOUBT)[2] or reason, []).append(each)
    return tuple(_gap(reason, group) for reason, group in groups.items())


def _gap(reason: str, group: Sequence[Traced]) -> Gap:
    places = list(dict.fromkeys(f"{each.file}:{each.line}" for each in group))
    named = ", ".join(places[:_MOST]) + (f" and {len(places) - _MOST:,} more" if len(places) > _MOST else "")
    is_doubt = _DOUBT in (group[0].not_run or "")
    many = f"{len(group):,} statements were" if len(group) > 1 else "a statement was"
    told = f"what they name is not there, {reason}" if is_doubt and len(group) > 1 else group[0].not_run or reason
    cure = _NO_SCHEMA_CURE if is_doubt else _CURE if "does not have" in reason else "look at it yourself"
    return Gap(area="trace", subject=named, reason=f"{many} not tried: {told}", cure=cure)
