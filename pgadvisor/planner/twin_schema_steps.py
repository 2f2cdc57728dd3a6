"""Steps of a schema's making: many in one round trip, a failing one found and told, and those tried again that waited
for another object."""

from collections.abc import Callable, Sequence

import psycopg

from pgadvisor.errors import EmbeddedServerError
from pgadvisor.model.record import Record

CHUNK = 100
"""Statements sent together, in one transaction: more of them save little, and a failing one costs as many again."""


class Step(Record):
    """One object to be made."""

    kind: str
    """What it makes, for a person: `index`."""
    subject: str
    """Its name, for a person: `public.orders_pkey`."""
    texts: tuple[str, ...]
    """SQL, one statement each: the best first, then what may stand for it where that cannot be made."""
    needs: str | None = None
    """The `makes` of a step without which this one is not tried."""
    makes: str | None = None


class Shortfall(Record):
    """A step that could not be done as it should: not at all, or by one of its lesser texts."""

    step: Step
    reason: str
    """The server's words."""
    is_replaced: bool = False
    """A lesser text stands for it."""


class _Attempt(Record):
    step: Step
    level: int = 0
    reason: str = ""

    @property
    def text(self) -> str:
        return self.step.texts[self.level]

    @property
    def has_lesser(self) -> bool:
        return self.level + 1 < len(self.step.texts)

    def lesser(self) -> "_Attempt":
        return _Attempt(step=self.step, level=self.level + 1, reason=self.reason)


def run_steps(
    connection: psycopg.Connection, steps: Sequence[Step], told: Callable[[int], None] = lambda done: None
) -> tuple[Shortfall, ...]:
    """Does them in their order. Those that fail are tried again as long as others succeed meanwhile, so that an order
    that is nearly right will do; then those left fall back on their lesser texts. Not told: a step that failed for
    want of the one it needs. `told` hears how many are done. Raises EmbeddedServerError when the server is lost."""
    pending = [_Attempt(step=step) for step in steps]
    replaced: dict[Step, Shortfall] = {}
    while pending:
        failed = _tried(connection, pending, told, len(steps))
        if len(failed) == len(pending):
            lacking = _made_by(failed)
            # One that waits for another keeps its text: the other may still come.
            lesser = {each for each in failed if each.has_lesser and each.step.needs not in lacking}
            if not lesser:
                break
            for each in lesser:
                replaced.setdefault(each.step, Shortfall(step=each.step, reason=each.reason, is_replaced=True))
            failed = [each.lesser() if each in lesser else each for each in failed]
        pending = failed
    lost = _made_by(pending)
    for each in pending:
        replaced.pop(each.step, None)
    missing = [Shortfall(step=each.step, reason=each.reason) for each in pending if each.step.needs not in lost]
    return (*replaced.values(), *missing)


def _made_by(attempts: Sequence[_Attempt]) -> set[str]:
    return {each.step.makes for each in attempts if each.step.makes}


def _tried(
    connection: psycopg.Connection, attempts: Sequence[_Attempt], told: Callable[[int], None], total: int
) -> list[_Attempt]:
    """Those that failed, each with its reason."""
    failed: list[_Attempt] = []
    lost: set[str] = set()
    for first in range(0, len(attempts), CHUNK):
        chunk = attempts[first : first + CHUNK]
        waiting = [each for each in chunk if each.step.needs in lost]
        failing = _sent(connection, [each for each in chunk if each.step.needs not in lost])
        failed += [*waiting, *failing]
        lost |= _made_by([*waiting, *failing])
        told(total - len(attempts) + min(first + CHUNK, len(attempts)) - len(failed))
    return failed


def _sent(connection: psycopg.Connection, attempts: Sequence[_Attempt]) -> list[_Attempt]:
    """Sends them together, which the server runs as one transaction; after an error each half by itself. Each is a
    message of the extended protocol, which takes one statement only: no text smuggles a second."""
    if not attempts:
        return []
    error = _error_of(connection, [each.text for each in attempts])
    if error is None:
        return []
    if connection.closed or connection.broken:
        raise EmbeddedServerError(
            f"the twin's server was lost while its schema was built ({error}): run pgadvisor again"
        ) from error
    if len(attempts) > 1:
        half = len(attempts) // 2
        return [*_sent(connection, attempts[:half]), *_sent(connection, attempts[half:])]
    reason = error.diag.message_primary or str(error).strip()
    return [_Attempt(step=attempts[0].step, level=attempts[0].level, reason=reason)]


def _error_of(connection: psycopg.Connection, texts: Sequence[str]) -> psycopg.Error | None:
    """Sends them in one pipeline; the first error, which may come before all are sent, or on the way out."""
    first: psycopg.Error | None = None
    try:
        with connection.pipeline():
            try:
                for text in texts:
                    connection.execute(text.encode(), prepare=False)
            except psycopg.Error as error:
                # One that came through would be logged beside.
                first = error
    except psycopg.Error as error:
        first = first or error
    return first
