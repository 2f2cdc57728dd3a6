"""Whether a migration's way back leads back: the schema before it, after it, and after the return."""

from collections.abc import Sequence

import msgspec

from pgadvisor.gate.schema_print import SchemaPrint
from pgadvisor.model.migration import Migration
from pgadvisor.model.trace import Reversal, Traced

change = msgspec.structs.replace


def reversal_of(
    migration: Migration,
    ways: tuple[SchemaPrint, SchemaPrint],
    returned: tuple[SchemaPrint, SchemaPrint] | None,
    traced: Sequence[Traced],
) -> Reversal:
    """`ways`: the schema before and after the migration; `returned`: that before and after its way back, None where it
    was not run; `traced`: its statements both ways."""
    before, after = ways
    known = Reversal(file=migration.file, migration=migration.name, data_lost=before.data_gone_in(after))
    reason = _untold(migration, traced)
    if returned is None or reason is not None:
        return change(known, is_reversible=None, reason=reason or "its way back was not run")
    start, end = returned
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


def _untold(migration: Migration, traced: Sequence[Traced]) -> str | None:
    """Why nothing can be said, as a clause."""
    if migration.down is None:
        return "it has no way back"
    for each in traced:
        if each.direction == "up" and each.error is not None:
            return f"it fails itself: {each.error.message}"
        if each.not_run is not None:
            return f"its statement in line {each.line} could not be run: {each.not_run}"
    return None
