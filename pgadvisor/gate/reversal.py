"""Whether a migration's way back leads back: the schema before it, after it, and after the return."""

from collections.abc import Sequence

import msgspec

from pgadvisor.gate.schema_print import SchemaPrint
from pgadvisor.model.migration import Migration
from pgadvisor.model.trace import Reversal, Traced

change = msgspec.structs.replace

Way = tuple[SchemaPrint, SchemaPrint]
"""The schema before and after it."""


def reversal_of(migration: Migration, there: Way | None, back: Way | None, traced: Sequence[Traced]) -> Reversal:
    """`there` and `back`: the migration's way and its way back, None where there is none; `traced`: its statements both
    ways."""
    known = Reversal(file=migration.file, migration=migration.name)
    if there is None or back is None:
        return change(known, reason="it has no way back")
    before, after = there
    known = change(known, data_lost=before.data_gone_in(after))
    reason = _untold(traced)
    if reason is not None:
        return change(known, reason=reason)
    start, end = back
    failed = next((each for each in traced if each.direction == "down" and each.error is not None), None)
    made, removed = after.lines - before.lines, before.lines - after.lines
    left_over, missing = made & end.lines, removed - end.lines
    otherwise = ((start.lines - end.lines) - made) | ((end.lines - start.lines) - removed)
    told = change(
        known,
        left_over=tuple(sorted(left_over)),
        missing=tuple(sorted(missing)),
        changed_otherwise=tuple(sorted(otherwise)),
        data_lost_on_return=start.data_gone_in(end),
    )
    if failed is not None and failed.error is not None:
        return change(told, is_reversible=False, reason=f"its way back fails: {failed.error.message}")
    return change(told, is_reversible=not (left_over or missing or otherwise))


def _untold(traced: Sequence[Traced]) -> str | None:
    """Why nothing can be said, as a clause."""
    for each in traced:
        if each.direction == "up" and each.error is not None:
            return f"it fails itself: {each.error.message}"
        if each.not_run is not None:
            return f"its statement in line {each.line} could not be run: {each.not_run}"
    return None
