"""What indexes cost the writes of the workload: entries of new rows, HOT updates lost, and what VACUUM takes away."""

import re
from collections.abc import Sequence
from functools import cached_property

from pgadvisor.facts import DAY_S, Facts
from pgadvisor.indexes.sizes import leaves
from pgadvisor.model.catalog import TableCounters
from pgadvisor.model.record import Record
from pgadvisor.selection.entry_costs import LOST_HOT, MOVED, REMOVED, entry_cost, in_unit
from pgadvisor.selection.problem import Updates
from pgadvisor.selection.traits import IndexTraits
from pgadvisor.selection.workload import Unit, WeighedStatement, Write

SUMMARIZING_MAJOR = 16
"""From here on an update that changes but columns of BRIN indexes is HOT (`TU_Summarizing` in heapam.h)."""
USUALLY_HOT, ROOMY_HOT, ROOMY_FILLFACTOR = 0.8, 1.0, 90
"""Share of updates that find room on their page, no index being in the way: full pages 0.77, 80 percent full 1.0."""
LEAST_COUNTED = 1_000
"""Fewer updates counted say nothing of their usual share."""
SELDOM = 0.2
"""So much more HOT than the statements allow shows that they set columns to the values that they have."""
UNKNOWN_NEW = 0.5
"""Share of new rows in a partial index whose state changes later, where no default tells how they begin."""
AGREEING = 2.0
"""The table's counters and the workload are of the same time when they differ less than so many times."""
_FILLFACTOR = re.compile(r"fillfactor=(\d+)")


class StatementUpkeep(Record):
    """What one statement pays for the indexes, over all its calls."""

    entries: tuple[tuple[int, float], ...] = ()
    """(index, cost) of what does not depend on other indexes."""
    updates: Updates | None = None
    """What does."""

    def cost(self, chosen: frozenset[int]) -> float:
        """With these indexes."""
        paid = sum(cost for at, cost in self.entries if at in chosen)
        if self.updates is None or not (self.updates.always_broken or chosen.intersection(self.updates.broken_by)):
            return paid
        return paid + self.updates.lost + sum(cost for at, cost in self.updates.entries if at in chosen)


class Upkeep(Record):
    """What the workload's writes pay for the indexes."""

    statements: tuple[StatementUpkeep, ...]
    """In the workload's order."""
    terms: tuple[float, ...]
    """Of each choice, `IndexTerm.upkeep`."""

    @property
    def updates(self) -> tuple[Updates, ...]:
        """`Problem.updates`."""
        return tuple(each.updates for each in self.statements if each.updates is not None)


def upkeep_of(
    facts: Facts,
    statements: Sequence[WeighedStatement],
    choices: Sequence[IndexTraits],
    fixed: Sequence[IndexTraits],
    unit: Unit,
    *,
    today: frozenset[int] = frozenset(),
    is_given: bool = False,
) -> Upkeep:
    """What the statements pay for the choices, by their position, beside the indexes that stay whatever is chosen.

    `today`: the choices that are there. `is_given`: the workload is the user's, so that the counters of the tables
    tell of other statements than these.
    """
    there = {each.write.table: _Written(facts, each.write.table) for each in statements if each.write}
    for each in statements:
        if each.write is not None:
            there[each.write.table].writes.append((each.write, each.calls * each.write.rows))
    for at, index in enumerate(choices):
        if index.table in there:
            there[index.table].choices.append((at, index))
            there[index.table].today.extend([index] if at in today else [])
    for index in fixed:
        if index.table in there:
            there[index.table].fixed.append(index)
    if not is_given:
        for table, written in there.items():
            written.counted = _counted(facts, table, unit)
    paid = tuple(
        StatementUpkeep() if each.write is None else _paid(each.write, each.calls, there[each.write.table], unit)
        for each in statements
    )
    terms = [0.0] * len(choices)
    for one in paid:
        for at, cost in one.entries:
            terms[at] += cost
    return Upkeep(statements=paid, terms=tuple(terms))


class _Written:
    """A table that the workload writes: which updates can be HOT there, and how many of its rows are new."""

    def __init__(self, facts: Facts, table: str) -> None:
        server, found = facts.snapshot.server, facts.table(table)
        self.writes: list[tuple[Write, float]] = []
        """With the rows of all calls."""
        self.choices: list[tuple[int, IndexTraits]] = []
        self.fixed: list[IndexTraits] = []
        self.today: list[IndexTraits] = []
        """Those of the choices that are there."""
        self.counted: TableCounters | None = None
        """A day; None: not known, or of other statements."""
        self._is_summarizing = server is not None and server.major >= SUMMARIZING_MAJOR
        self._is_roomy = _is_roomy(facts, table)
        columns = found.columns if found else ()
        self.timestamps = frozenset(column.name for column in columns if column.type.startswith("timestamp"))

    @cached_property
    def moving(self) -> frozenset[str]:
        """Columns that some statement sets in rows that are there."""
        return frozenset(column for write, _ in self.writes for column in write.columns)

    @cached_property
    def _held(self) -> frozenset[str]:
        """Columns that an index of today holds."""
        blocking = (each for each in (*self.fixed, *self.today) if self.blocks(each))
        return frozenset(column for each in blocking for column in each.columns)

    def blocks(self, index: IndexTraits) -> bool:
        """Whether a change of one of its columns keeps an update from being HOT."""
        return not (self._is_summarizing and index.method == "brin")

    def changed(self, write: Write) -> frozenset[str]:
        """The columns that a statement really changes: many set all of a row, most to what they were."""
        return write.columns - self._held if self._is_seldom else write.columns

    @cached_property
    def hot_share(self) -> float:
        """Share of the updates that are HOT where no index is in the way."""
        usual = ROOMY_HOT if self._is_roomy else USUALLY_HOT
        if self.counted is None:
            return usual
        share = self.counted.rows_hot_updated / self.counted.rows_updated
        able = 1.0 if self._is_seldom else self._able
        return min(share / able, 1.0) if able > SELDOM else usual

    @cached_property
    def new_share(self) -> float:
        """Share of the rows that INSERT … ON CONFLICT DO UPDATE and MERGE write anew."""
        if self.counted is None:
            return 0.5
        inserted, updated = float(self.counted.rows_inserted), float(self.counted.rows_updated)
        inserted -= sum(rows for write, rows in self.writes if write.kind == "insert" and not write.columns)
        updated -= sum(rows for write, rows in self.writes if write.kind == "update")
        inserted, updated = max(inserted, 0.0), max(updated, 0.0)
        return inserted / (inserted + updated) if inserted + updated > 0 else 0.5

    @cached_property
    def _able(self) -> float:
        """Share of the updated rows that no index of today is in the way of."""
        updates = [(write, rows) for write, rows in self.writes if write.columns]
        total = sum(rows for _, rows in updates)
        return sum(rows for write, rows in updates if not write.columns & self._held) / total if total else 1.0

    @cached_property
    def _is_seldom(self) -> bool:
        """Whether more updates are HOT than could be if each changed all that it sets."""
        if self.counted is None:
            return False
        rows = sum(rows for write, rows in self.writes if write.kind == "update")
        agrees = rows / AGREEING <= self.counted.rows_updated <= rows * AGREEING
        return agrees and self.counted.rows_hot_updated / self.counted.rows_updated > self._able + SELDOM


def _counted(facts: Facts, table: str, unit: Unit) -> TableCounters | None:
    """The counters of a table and its partitions, a day; None: too little or no such time was counted."""
    found = [each.counters for each in leaves(facts, table) if each.counters]
    server = facts.snapshot.server
    since = (server.statistics_reset_at or server.started_at) if server else None
    if unit != "ms" or since is None or sum(each.rows_updated for each in found) < LEAST_COUNTED:
        return None
    days = max((facts.snapshot.collected_at - since).total_seconds(), 1.0) / DAY_S
    return TableCounters(
        rows_inserted=round(sum(each.rows_inserted for each in found) / days),
        rows_updated=max(round(sum(each.rows_updated for each in found) / days), 1),
        rows_hot_updated=round(sum(each.rows_hot_updated for each in found) / days),
    )


def _is_roomy(facts: Facts, table: str) -> bool:
    options = " ".join(option for each in leaves(facts, table) for option in each.options)
    factors = [int(each) for each in _FILLFACTOR.findall(options)]
    return bool(factors) and max(factors) <= ROOMY_FILLFACTOR


def _paid(write: Write, calls: float, written: _Written, unit: Unit) -> StatementUpkeep:
    """What one statement pays for the choices on its table."""
    choices, rows = written.choices, in_unit(calls * write.rows, unit)
    if write.kind == "delete":
        return StatementUpkeep(entries=tuple((at, rows * index.share * index.entry * REMOVED) for at, index in choices))
    new = _new_share(write, written)
    paid = {at: rows * new * _new_part(index, written) * index.entry for at, index in choices}
    changed, old = written.changed(write), rows * (1.0 - new)
    if not old:
        return StatementUpkeep(entries=tuple(paid.items()))
    hot = written.hot_share
    moved = {at: old * _moved(index, write, written) for at, index in choices}
    once = {at for at, index in choices if not written.blocks(index) and changed & index.columns}
    for at, cost in moved.items():
        paid[at] += cost if at in once else (1.0 - hot) * cost
    updates = Updates(
        broken_by=tuple(at for at, index in choices if written.blocks(index) and changed & index.columns),
        always_broken=any(written.blocks(index) and changed & index.columns for index in written.fixed),
        lost=hot * old * (LOST_HOT + sum(_moved(index, write, written) for index in written.fixed)),
        entries=tuple((at, hot * cost) for at, cost in moved.items() if at not in once),
    )
    is_ever = bool(updates.broken_by) or updates.always_broken
    return StatementUpkeep(entries=tuple(paid.items()), updates=updates if is_ever else None)


def _new_share(write: Write, written: _Written) -> float:
    """Share of the rows that a statement writes which are new, and not new versions."""
    if write.kind == "update":
        return 0.0
    return written.new_share if write.columns else 1.0


def _new_part(index: IndexTraits, written: _Written) -> float:
    """Share of the new rows that have an entry: rows of a queue all begin in a state that few of them are in."""
    if not index.predicate_columns & written.moving:
        return index.share
    if index.holds_new_rows is None:
        return max(index.share, UNKNOWN_NEW)
    return 1.0 if index.holds_new_rows else min(index.share, 1.0 - index.share)


def _moved(index: IndexTraits, write: Write, written: _Written) -> float:
    """What the entry of a new version of a row costs, the old one's removal included."""
    cost = index.moved_entry
    if index.grows_by in write.columns:
        cost = index.entry
    elif index.keys and index.keys[0] in write.columns & written.timestamps:
        cost = min(cost, entry_cost(index.method, "right end", index.width_bytes, index.elements))
    return index.share * cost * MOVED
