"""Advice tried for real: statements timed without it and with it, on a copy that is left as it was."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from pgadvisor.collect.connecting import connect
from pgadvisor.collect.session import StatementError, marked, open_session
from pgadvisor.errors import ServerError
from pgadvisor.measure.building import Changes, make, read_changes
from pgadvisor.measure.identity import Identity, identity_behind, refuse_unless_copy
from pgadvisor.measure.permits import Permit, Permits
from pgadvisor.measure.records import SLOWER, BuiltIndex, Measurement, Timed
from pgadvisor.measure.stopwatch import Stopwatch
from pgadvisor.model.advice import Measured
from pgadvisor.model.progress import Progress, no_progress

LIMIT_S = 60.0
PATIENCE = 3.0
"""Times as long as without the advice: then it is known to be worse, and no more time is spent on it."""
LEAST_LIMIT_MS = 1_000.0
NOISE_MS = 0.05
"""A slowdown by less than that is a matter of the clock and of the other processes."""

_PATIENT = marked(
    "SELECT pg_catalog.set_config('lock_timeout', '5s', false), pg_catalog.set_config('statement_timeout', '0', false)"
)
"""For VACUUM: it may take its time, and shall not wait for ever."""

Permitted = dict[str, tuple[tuple[str, float, Permit], ...]]
"""By key: texts with their shares and permits; those that read first."""


def measure(
    dsn: str,
    statements: Sequence[Timed],
    create: Sequence[str],
    drop: Sequence[str] = (),
    *,
    audited: Identity | None,
    search_path: tuple[str, ...] = ("public",),
    limit_s: float = LIMIT_S,
    progress: Progress = no_progress,
) -> Measurement:
    """Times statements on the copy that the DSN names, as it is and with indexes built and others dropped.

    `create`: CREATE INDEX each; `drop`: texts with DROP INDEX. `audited`: see `identity_of` and `identity_in`; None:
    the advice comes from no server. Indexes are built and dropped in one transaction that is rolled back: so the copy
    has its own again whatever happens, Ctrl-C, a lost connection and kill -9 included. Only its tables are vacuumed
    and analyzed, and its sequences go on. Raises UsageError when the DSN names the audited database or the copy refuses
    an index, ServerError when it cannot be reached.
    """
    changes = read_changes(create, drop)
    with connect(dsn) as connection:
        refuse_unless_copy(identity_behind(connection), audited)
        with open_session(dsn) as session:
            permitted, left_out = _permitted(Permits(session, search_path), statements)
        trial = _Trial(connection, Stopwatch(connection, search_path), permitted, left_out, limit_s * 1000, progress)
        return trial.run(statements, changes, search_path)


def _permitted(permits: Permits, statements: Sequence[Timed]) -> tuple[Permitted, dict[str, str]]:
    found: Permitted = {}
    left_out: dict[str, str] = {}
    for each in statements:
        judged = tuple((text, share, permits.permit(text)) for text, share in each.texts)
        refused = next((permit.refused for _, _, permit in judged if permit.refused), None)
        if refused is not None:
            left_out[each.key] = refused
        elif not judged:
            left_out[each.key] = "has no text with values"
        else:
            found[each.key] = judged
    in_order = sorted(found, key=lambda key: any(permit.writes for _, _, permit in found[key]))
    return {key: found[key] for key in in_order}, left_out


class _Trial:
    """One measurement under way."""

    def __init__(
        self,
        connection: psycopg.Connection[dict[str, Any]],
        stopwatch: Stopwatch,
        permitted: Permitted,
        left_out: dict[str, str],
        limit_ms: float,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._stopwatch = stopwatch
        self._permitted = permitted
        self._left_out = left_out
        self._limit_ms = limit_ms
        self._progress = progress
        self._stopped: set[str] = set()

    def run(self, statements: Sequence[Timed], changes: Changes, search_path: tuple[str, ...]) -> Measurement:
        """Without, with, and what seemed slower once more on both sides."""
        self._connection.execute(_PATIENT.encode())
        self._vacuum(self._tables(), analyze=True)
        before = self._times("timing without the advice", self._permitted, lambda _: self._limit_ms)
        self._vacuum(self._written())
        built: list[BuiltIndex] = []
        doubts: dict[str, None] = {}
        with self._connection.transaction(force_rollback=True):
            for index, doubt in make(self._connection, changes, search_path, self._progress):
                built.append(index)
                doubts |= {doubt: None} if doubt else {}
            after = self._times("timing with the advice", before, lambda key: self._patience_ms(before[key]))
            suspects = _slower(before, after)
            after_again = self._times("timing again", suspects, lambda key: self._patience_ms(before[key]))
        self._vacuum(self._written())
        before_again = self._times("timing again", after_again, lambda _: self._limit_ms)
        looks = looked_twice(before, after, before_again, after_again)
        return self._measurement(statements, looks, built, tuple(doubts))

    def _times(self, stage: str, keys: Iterable[str], limit_ms: Callable[[str], float]) -> dict[str, float]:
        """Milliseconds of a call by key; a statement that fails is left out from here on."""
        found = {}
        pending = [key for key in keys if key not in self._left_out]
        for done, key in enumerate(pending):
            self._progress(stage, done, len(pending))
            try:
                found[key] = self._time(key, limit_ms(key))
            except psycopg.Error as error:
                if self._connection.closed or self._connection.broken:
                    raise ServerError(
                        "the connection to the copy was lost midway: see its server's log, then run it again"
                    ) from error
                self._left_out[key] = f"fails on the copy: {StatementError(error, '').reason}"
        self._progress(stage, len(pending), len(pending))
        return found

    def _time(self, key: str, limit_ms: float) -> float:
        total = 0.0
        for text, share, permit in self._permitted[key]:
            ms = self._stopwatch.median_ms(text, permit, limit_ms)
            if ms is None:
                self._stopped.add(key)
            total += share * (limit_ms if ms is None else ms)
        return total / sum(share for _, share, _ in self._permitted[key])

    def _patience_ms(self, before_ms: float) -> float:
        return min(max(PATIENCE * before_ms, LEAST_LIMIT_MS), self._limit_ms)

    def _measurement(
        self,
        statements: Sequence[Timed],
        looks: "Looks",
        built: Sequence[BuiltIndex],
        doubts: tuple[str, ...],
    ) -> Measurement:
        before, after = looks.before, looks.after
        both = [each for each in statements if each.key in before and each.key in after]
        spent = sum(each.calls * before[each.key] for each in both)
        slower = sorted(
            looks.slower,
            key=lambda key: -sum(e.calls * (after[key] - before[key]) for e in both if e.key == key),
        )
        return Measurement(
            statements=tuple(
                Measured(statement=each.key, before_ms=before[each.key], after_ms=after[each.key]) for each in both
            ),
            built=tuple(built),
            ratio=sum(each.calls * after[each.key] for each in both) / spent if spent else None,
            slower=tuple(slower),
            stopped=tuple(each.key for each in both if each.key in self._stopped),
            left_out=tuple((each.key, self._left_out[each.key]) for each in statements if each.key in self._left_out),
            doubts=doubts,
        )

    def _tables(self) -> list[tuple[str, str]]:
        named = (permit.tables for texts in self._permitted.values() for _, _, permit in texts)
        return sorted({table for tables in named for table in tables})

    def _written(self) -> list[tuple[str, str]]:
        named = (permit.tables for texts in self._permitted.values() for _, _, permit in texts if permit.writes)
        return sorted({table for tables in named for table in tables})

    def _vacuum(self, tables: Sequence[tuple[str, str]], *, analyze: bool = False) -> None:
        """So that index-only scans need not look at the rows, and what was rolled back is in nobody's way."""
        verb = sql.SQL("VACUUM (ANALYZE) {}" if analyze else "VACUUM {}")
        for done, table in enumerate(tables):
            self._progress("vacuum", done, len(tables))
            text = verb.format(sql.Identifier(*table)).as_string(self._connection)
            try:
                self._connection.execute(marked(text).encode())
            except psycopg.Error as error:
                reason = StatementError(error, text).reason
                raise ServerError(
                    f"the copy refuses {text} ({reason}): end what else uses the copy, or see its server's log"
                ) from error


class Looks(NamedTuple):
    """Milliseconds of a call by key, and what is slower."""

    before: dict[str, float]
    after: dict[str, float]
    slower: list[str]


def looked_twice(
    before: dict[str, float], after: dict[str, float], before_again: dict[str, float], after_again: dict[str, float]
) -> Looks:
    """Both looks together. Slower is what is so whichever look is taken; the time of a call is the mean of both: to
    take the better one for the advice alone would make it seem to save more than it does."""
    seen_twice = before_again.keys() & after_again.keys()
    slow = {key: max(before[key], before_again[key]) for key in after if key in seen_twice}
    fast = {key: min(after[key], after_again[key]) for key in slow}
    return Looks(
        before=before | {key: (before[key] + before_again[key]) / 2 for key in slow},
        after=after | {key: (after[key] + after_again[key]) / 2 for key in slow},
        slower=_slower(slow, fast),
    )


def _slower(before: dict[str, float], after: dict[str, float]) -> list[str]:
    return [key for key, ms in after.items() if ms > SLOWER * before[key] and ms - before[key] > NOISE_MS]
