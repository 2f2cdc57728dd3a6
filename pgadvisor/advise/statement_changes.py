"""Which statements are new, worse, better or gone since a previous run: what is told must be more than noise."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

from pgadvisor.endpoint_facts import SHORTEST_WINDOW_S
from pgadvisor.facts import DAY_S
from pgadvisor.model.record import Record
from pgadvisor.model.report import StatementChange
from pgadvisor.model.workload import Statement

STEPS = ((30, 1.5), (5, 3.0))
"""(calls in each run, factor): a mean of thirty calls that is half as much again is seldom chance (caches and other
load move it by less); of a nightly job there are only a few, so it must be three times as slow."""
CALLED_MORE = 3.0
"""A statement that takes three times its former share of all calls: an endpoint began to ask in a loop, or ended."""
WORTH_TELLING = 0.01
"""A change that moves less than this share of the time is one that nobody would feel."""
EXPECTED_CALLS = 10.0
"""What should have been called ten times by now, and was not, is gone; of fewer, none is chance (Poisson: 0.005 %)."""
TURN_S = 7 * DAY_S
"""Nightly and weekly jobs have had their turn after so long."""


class Load(Record, dict=True):
    """The statements of one run and the time that their counters are of."""

    statements: tuple[Statement, ...]
    window_s: float | None

    @cached_property
    def total_ms(self) -> float:
        """The time of all of them."""
        return sum(statement.total_ms or 0.0 for statement in self.statements)

    @cached_property
    def calls(self) -> int:
        """The calls of all of them."""
        return sum(statement.calls or 0 for statement in self.statements)

    @property
    def all_per_day(self) -> float | None:
        """Milliseconds a day of all of them; None also where the time is too short to say what a day is like."""
        is_known = self.window_s is not None and self.window_s >= SHORTEST_WINDOW_S
        return self.total_ms * DAY_S / self.window_s if is_known and self.window_s and self.total_ms else None

    def per_day(self, statement: Statement | None) -> float | None:
        """Milliseconds a day of one of them."""
        if statement is None or statement.total_ms is None or not self.window_s:
            return None
        return statement.total_ms * DAY_S / self.window_s


def paired(now: Sequence[Statement], before: Sequence[Statement]) -> dict[str, Statement]:
    """Keys of statements of this run, each with the statement of the previous run that it was.

    By queryid; where a new major version or a table made anew changed that, by our own fingerprint if one alone has it.
    """
    by_key = {statement.key: statement for statement in before}
    pairs = {each.key: by_key[each.key] for each in now if each.key in by_key}
    taken = {each.key for each in pairs.values()}
    left = [each for each in now if each.key not in pairs]
    left_before = [each for each in before if each.key not in taken]
    counts = Counter(each.fingerprint for each in left)
    counts_before = Counter(each.fingerprint for each in left_before)
    by_fingerprint = {each.fingerprint: each for each in left_before if counts_before[each.fingerprint] == 1}
    found = (each for each in left if counts[each.fingerprint] == 1 and each.fingerprint in by_fingerprint)
    return pairs | {each.key: by_fingerprint[each.fingerprint] for each in found}


def statement_changes(now: Load, before: Load, pairs: Mapping[str, Statement]) -> tuple[StatementChange, ...]:
    """The statements that changed by more than noise; the largest change of time a day first. Without times, none."""
    if not before.total_ms or not now.total_ms or not before.calls or not now.calls:
        return ()
    found = [
        _told(change, now, each, before, known)
        for each in now.statements
        if each.calls and (change := _change(now, each, before, known := pairs.get(each.key)))
    ]
    sent = {pairs[each.key].key for each in now.statements if each.calls and each.key in pairs}
    left = [each for each in before.statements if each.key not in sent and is_gone(each, now, before)]
    found += [_told("gone", now, None, before, each) for each in left]
    return tuple(sorted(found, key=lambda change: (-_moved(change), change.text)))


def is_apart(calls: int, after: float, was: float) -> bool:
    """Whether two means, each of at least so many calls, differ by more than chance."""
    return any(calls >= least and max(after, was) >= factor * min(after, was) for least, factor in STEPS)


def is_gone(statement: Statement, now: Load, before: Load) -> bool:
    """Whether a statement that was not called since the previous run should have been, and took time worth telling."""
    if not has_had_turn(now, before) or not statement.calls or not before.window_s or not now.window_s:
        return False
    expected = statement.calls * now.window_s / before.window_s
    return expected >= EXPECTED_CALLS and (statement.total_ms or 0.0) >= WORTH_TELLING * before.total_ms


def has_had_turn(now: Load, before: Load) -> bool:
    """Whether this run's time is long enough that all that the previous one saw should have come again."""
    return now.window_s is not None and before.window_s is not None and now.window_s >= min(before.window_s, TURN_S)


def _change(
    now: Load, statement: Statement, before: Load, known: Statement | None
) -> Literal["new", "worse", "better"] | None:
    if known is None:
        return "new" if (statement.total_ms or 0.0) >= WORTH_TELLING * now.total_ms else None
    if statement.mean_ms is None or known.mean_ms is None:
        return None
    by_call = _by_call(now, statement, known)
    if by_call is not None:
        return by_call
    return _by_calls(now, statement, before, known) if has_had_turn(now, before) else None


def _by_call(now: Load, statement: Statement, known: Statement) -> Literal["worse", "better"] | None:
    """By the time of a call, in so far as it moves the time of all."""
    after, was = statement.mean_ms or 0.0, known.mean_ms or 0.0
    moved_ms = (after - was) * (statement.calls or 0)
    if abs(moved_ms) < WORTH_TELLING * (now.total_ms + max(-moved_ms, 0.0)):
        return None
    if not is_apart(min(statement.calls or 0, known.calls or 0), after, was):
        return None
    return "worse" if after > was else "better"


def _by_calls(now: Load, statement: Statement, before: Load, known: Statement) -> Literal["worse", "better"] | None:
    """By its share of all calls, which more or less traffic does not move."""
    calls, was = (statement.calls or 0) / now.calls, (known.calls or 0) / before.calls
    day, day_before = now.per_day(statement) or 0.0, before.per_day(known) or 0.0
    share, share_before = (statement.total_ms or 0.0) / now.total_ms, (known.total_ms or 0.0) / before.total_ms
    if min(statement.calls or 0, known.calls or 0) < STEPS[0][0]:
        return None
    if calls >= CALLED_MORE * was and day > day_before and share - share_before >= WORTH_TELLING:
        return "worse"
    if was >= CALLED_MORE * calls and day < day_before and share_before - share >= WORTH_TELLING:
        return "better"
    return None


def _told(
    change: Literal["new", "worse", "better", "gone"],
    now: Load,
    statement: Statement | None,
    before: Load,
    known: Statement | None,
) -> StatementChange:
    shown = statement or known
    return StatementChange(
        text=shown.text if shown else "",
        change=change,
        statement=statement.key if statement else None,
        ms_per_call_before=known.mean_ms if known else None,
        ms_per_call_after=statement.mean_ms if statement else None,
        ms_per_day_before=before.per_day(known),
        ms_per_day_after=now.per_day(statement),
    )


def _moved(change: StatementChange) -> float:
    return abs((change.ms_per_day_after or 0.0) - (change.ms_per_day_before or 0.0))
