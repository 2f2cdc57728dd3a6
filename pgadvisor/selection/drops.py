"""What is said of the indexes that are there: why one goes and how to bring it back, or why it stays."""

from collections.abc import Sequence
from typing import Literal

from pgadvisor.facts import Facts
from pgadvisor.indexes.build_plan import drop
from pgadvisor.indexes.overlap import is_same
from pgadvisor.model.advice import DroppedIndex, KeptIndex
from pgadvisor.model.catalog import Index
from pgadvisor.model.record import Record
from pgadvisor.selection.existing import (
    MONTH,
    UNUSED_DAYS,
    ExistingIndex,
    counted_days,
    days_text,
    does_work_of,
    is_long_unused,
    supported_keys,
)

Why = Literal["redundant", "unused", "replaced", "costs more than it gives"]


class Around(Record):
    """What a dropped index leaves behind: the other indexes, and the statements that used it."""

    stays: tuple[Index, ...] = ()
    """Existing indexes of its table that stay."""
    created: tuple[Index, ...] = ()
    """Those of its table to be created, as if they were there."""
    used_by: tuple[str, ...] = ()
    """`Statement.key` of those whose plans use it today."""
    used_instead: tuple[str, ...] = ()
    """`schema.name` of the indexes that those statements use without it."""
    is_given: bool = False
    """The workload is the user's."""


def dropped(facts: Facts, existing: ExistingIndex, around: Around, gain: float = 0.0) -> DroppedIndex:
    """The drop of an index that the choice leaves out; `gain`: what the writes save, in the advice's unit."""
    why, reason, by = _reason(facts, existing, around, gain)
    how = drop(existing.on, existing.index, facts)
    return DroppedIndex(
        name=existing.name,
        table=existing.on.qualified,
        why=why,
        reason=reason,
        sql=how.sql,
        undo=how.undo,
        lock=how.lock,
        size_bytes=existing.size_bytes,
        gain=gain,
        replaced_by=by,
        cautions=_cautions(facts, existing, why, around),
    )


def kept(
    existing: ExistingIndex, used_by: Sequence[str], *, unexplained: str | None = None, is_last: bool = False
) -> KeptIndex:
    """An index that stays. `used_by`: `Statement.key` of those whose plans use it, the advice followed.

    `unexplained`: as `unexplained_scans` says. `is_last`: no other index that stays or comes supports a foreign key
    that it supports.
    """
    return KeptIndex(
        name=existing.name,
        table=existing.on.qualified,
        definition=existing.index.definition,
        why=_why_kept(existing, used_by, unexplained, is_last),
        size_bytes=existing.size_bytes,
        statements=tuple(used_by),
    )


def _reason(facts: Facts, existing: ExistingIndex, around: Around, gain: float) -> tuple[Why, str, tuple[str, ...]]:
    """Why it goes, in a word and as a clause, and the indexes that do its work."""
    index = existing.index
    other = next((each for each in around.stays if does_work_of(facts, each, index)), None)
    if other is not None:
        return "redundant", _same_work(facts, index, other), (_qualified(other),)
    new = next((each for each in around.created if does_work_of(facts, each, index)), None)
    if new is not None:
        return "replaced", f"{new.name}, which is to be created, does all that it does", (_qualified(new),)
    if not around.used_by:
        return "unused", _unused(facts, existing, around), ()
    new_names = {_qualified(each) for each in around.created}
    by = tuple(name for name in around.used_instead if name in new_names)
    count = _statements(len(around.used_by))
    if by:
        verb = "uses" if len(around.used_by) == 1 else "use"
        return "replaced", f"the {count} that used it {verb} {_bare(index.schema, by)} instead", by
    if gain <= 0:
        verb = "costs" if len(around.used_by) == 1 else "cost"
        return "costs more than it gives", f"the {count} that used it {verb} next to nothing more without it", ()
    verb = "gains" if len(around.used_by) == 1 else "gain"
    return "costs more than it gives", f"writes pay more for it than the {count} that used it {verb} by it", ()


def _same_work(facts: Facts, index: Index, other: Index) -> str:
    if is_same(facts, index, other):
        return f"{other.name} holds the same entries"
    return f"{other.name} begins with its keys and serves all that it does"


def _unused(facts: Facts, existing: ExistingIndex, around: Around) -> str:
    days = counted_days(facts)
    if existing.scans == 0 and days is not None and (days >= UNUSED_DAYS or not around.is_given):
        return f"no statement of the workload uses it, and it was not scanned in {days_text(days)}"
    return "no statement of the workload uses it"


def _cautions(facts: Facts, existing: ExistingIndex, why: Why, around: Around) -> tuple[str, ...]:
    """What to check before it goes."""
    found = list(existing.cautions)
    if why == "unused":
        found += _unsure_counters(facts, existing, around)
    if why != "redundant":
        found.append(_replicas(facts))
    return tuple(found)


def _unsure_counters(facts: Facts, existing: ExistingIndex, around: Around) -> list[str]:
    days = counted_days(facts)
    if existing.scans and is_long_unused(facts, existing):
        return [f"it was scanned {existing.scans:,} times, the last time more than a month ago"]
    if existing.scans:
        return [f"it was scanned {existing.scans:,} times: no more than planning the workload explains"]
    if existing.scans is None or days is None:
        return ["whether anything scans it is not known: the workload alone says that it is unused"]
    if days < UNUSED_DAYS and around.is_given:
        return [f"scans have been counted for {days_text(days)} only: the workload alone says that it is unused"]
    if days < MONTH.days:
        return [f"scans have been counted for {days_text(days)}: the reports of a month's end may need it"]
    return []


def _replicas(facts: Facts) -> str:
    server, count = facts.snapshot.server, len(facts.snapshot.replicas)
    if server is not None and server.is_standby:
        return "this is a standby: scans on the primary and on other standbys are not counted here"
    if not count:
        return "scans on standbys are not counted here"
    names = "1 replica counts its" if count == 1 else f"{count} replicas count their"
    return f"{names} own scans: look at pg_stat_user_indexes there"


def _why_kept(existing: ExistingIndex, used_by: Sequence[str], unexplained: str | None, is_last: bool) -> str:
    if existing.fixed is not None:
        return existing.fixed
    if used_by:
        return f"used by {_statements(len(used_by))}"
    keys = supported_keys(existing)
    if keys and is_last:
        return f"it supports foreign key {keys[0].name}: each delete of a row it references would read all of the table"
    if unexplained is not None:
        return unexplained
    return "dropping it would change next to nothing"


def _statements(count: int) -> str:
    return "1 statement" if count == 1 else f"{count:,} statements"


def _qualified(index: Index) -> str:
    return f"{index.schema}.{index.name}"


def _bare(schema: str, names: Sequence[str]) -> str:
    """Names of indexes of one table, without their schema; either may hold dots."""
    return ", ".join(name.removeprefix(f"{schema}.") for name in names)
