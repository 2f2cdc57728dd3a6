"""What a comparison of two runs cannot tell, and what makes it doubtful, as sentences."""

from collections.abc import Iterator

from pgadvisor.advise.recent import Recent
from pgadvisor.advise.statement_changes import STEPS
from pgadvisor.model.changes import SchemaChange
from pgadvisor.model.report import Changes, Report
from pgadvisor.model.snapshot import Snapshot

FEW_MS = 5
"""Two logs of all statements may begin with ones of so many milliseconds, if they are short."""
SAME = 1.25
"""By so much the time of a call moves by caches and other load alone."""


def notes_on(
    changes: Changes, report: Report, before: Report, since: Recent, earlier: Snapshot | None, control: float | None
) -> tuple[str, ...]:
    """The sentences, the weightiest first. `control`: what a call takes now over what it took, where no index was made
    or dropped."""
    made = [each for each in changes.indexes if each.saved_ms is not None]
    notes = [*_of_counters(since), *(_of_savings(changes, since, control) if made else ())]
    if report.server is None and before.server is None:
        notes.append("Logs alone were compared: no database was asked.")
    elif not report.tables or not before.tables:
        notes.append(
            "The schema, and the indexes made and dropped, cannot be compared whole: a JSON report does not hold the "
            "catalog. Compare two snapshots."
        )
    elif earlier is None or not since.snapshot.settings:
        notes.append("Settings and extensions were not compared: only snapshots hold them.")
    return (*notes, *_of_logs(since.snapshot, earlier))


def _of_counters(since: Recent) -> Iterator[str]:
    if since.counters == "whole" and since.snapshot.server is not None:
        yield (
            "Whether the counters were reset in between is not known: the times after may hold calls from before, so "
            "that what changed is more than what is told."
        )
    elif since.counters == "difference" and not since.is_enough:
        yield "Fewer than 1,000 calls came since the previous run: the findings are of all that the counters hold."


def _of_savings(changes: Changes, since: Recent, control: float | None) -> Iterator[str]:
    if any(each.change == "made" for each in changes.indexes) and since.counters == "difference":
        yield (
            "When an index was made is not known: calls from before it are among those after, so that it saves at "
            "least what is told."
        )
    helped = [each.statement for change in changes.indexes for each in change.statements if each.is_enough]
    if len(helped) > len(set(helped)):
        yield "Some statements have several indexes made for them: each is told all of it, the sum counts it once."
    if control is not None and not 1 / SAME <= control <= SAME:
        how = "faster" if control < 1 else "slower"
        times = 1 / control if control < 1 else control
        yield (
            f"Statements that no index was made or dropped for got {times:.1f} times {how} as well (the median): "
            "what the indexes saved is not theirs alone."
        )
    elif control is None:
        yield (
            "Too few other statements ran in both runs to say whether all of the server got faster or slower "
            f"({STEPS[0][0]} calls each are needed)."
        )
    if others := [_named(each) for each in changes.schema if each.what in ("server", "setting", "rows")]:
        told = ", ".join(others[:5]) + (f" and {len(others) - 5:,} more" if len(others) > 5 else "")
        yield f"Other things changed as well, and move times too: {told}."


def _named(change: SchemaChange) -> str:
    match change.what:
        case "server":
            return "the version of PostgreSQL"
        case "rows":
            return f"the rows of {change.table}"
        case _:
            return f"{change.setting}"


def _of_logs(now: Snapshot, earlier: Snapshot | None) -> Iterator[str]:
    """Logs that leave out short statements make requests look faster than they are."""
    logs, known = now.logs, earlier.logs if earlier else None
    if logs is None or known is None:
        return
    least, was = logs.left_out_below_ms, known.left_out_below_ms
    if max(least, was) > FEW_MS and max(least, was) > 2 * min(least, was):
        yield (
            f"The logs were written from other durations on ({was} ms before, {least} ms now): the figures of "
            "endpoints cannot be compared."
        )
