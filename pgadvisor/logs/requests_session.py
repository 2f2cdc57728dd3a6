"""One session's statements in their order, cut into parts: statements that surely belong to one request.

Where a part ends (`_ends`):

- the endpoint or the request's id in the tags is another than that of the tagged statement before;
- nothing was logged for five minutes, or for thirty seconds outside a transaction;
- outside a transaction, and without an id in the tags: a pause of a second; the end of the transaction that the part
  began in; or the part's first query comes again. A connection of a pool serves one request of an endpoint right after
  another, and two of them taken for one would show every statement twice.

So without an id a part can be less than a request, and seldom more. Statements without tags are a part only inside a
transaction.

A log is read in chunks. The first statements of a session in a chunk are its *head*: what came before decides where
their parts end, so they are kept as they are until an end that does not depend on it. All times are whole
microseconds, so that sums do not hang on the order of adding.
"""

from pgadvisor.logs.executed import Executed
from pgadvisor.sql.fingerprint import fingerprint

SECOND = 1_000_000
PAUSE = 1 * SECOND
"""Nobody waits a second between two statements outside a transaction, unless the request is done."""
LONGEST_REST = 30 * SECOND
LONGEST_REST_IN_TRANSACTION = 300 * SECOND
"""Between the ends of two statements: after it a session is forgotten, so that memory is bounded."""
MOST_KEPT = 1_000
"""Statements of a part that are kept one by one; of more, runs and time are counted by statement."""
MOST_HEAD = 500
"""So many statements at the start of a chunk and no open transaction seen: a part ends there."""

BEGINS = frozenset(("BEGIN", "START"))
ENDS = frozenset(("COMMIT", "END", "ROLLBACK", "ABORT"))
RESETS = frozenset(("DISCARD",))
CONTROL = BEGINS | ENDS | RESETS | frozenset(("SAVEPOINT", "RELEASE"))
"""Statements that are no queries: their time counts, they do not."""
SETTINGS = frozenset(("SET", "RESET", "SHOW", "DEALLOCATE", "LISTEN", "UNLISTEN"))
"""Sent by drivers and pools; of no request."""

_SPECIAL = CONTROL | SETTINGS
_TO_SAVEPOINT = fingerprint("ROLLBACK TO SAVEPOINT a")


def is_query(run: Executed) -> bool:
    """False: it only begins, ends or divides a transaction."""
    return run.kind not in CONTROL


def is_end(run: Executed) -> bool:
    """Whether it ends the transaction."""
    return run.kind in ENDS and run.key != _TO_SAVEPOINT


class Part:
    """Statements of one session that belong to one request."""

    __slots__ = (
        "application", "began_in_transaction", "ended_us", "endpoint", "first_key", "idle_us", "inside", "kept",
        "known_us", "lock_us", "request", "rest", "rest_us",
    )  # fmt: skip

    def __init__(self, application: str | None, *, inside: bool) -> None:
        self.request: str | None = None
        self.known_us = 0
        """When the first statement with the request's id ended."""
        self.endpoint: str | None = None
        self.application = application
        self.first_key: str | None = None
        self.began_in_transaction = inside
        self.kept: list[Executed] = []
        self.inside: list[bool] = []
        """Whether each of them ran in a transaction that was open before it."""
        self.rest: dict[str, tuple[int, int]] = {}
        """Of the queries that are not kept: runs and time by statement."""
        self.rest_us = 0
        """Time of all statements that are not kept."""
        self.idle_us = 0
        self.lock_us = 0
        self.ended_us = 0

    def name(self, run: Executed) -> None:
        """Take what the statement says of the request."""
        if self.request is None and run.request is not None:
            self.request, self.known_us = run.request, run.end_us
        if self.endpoint is None:
            self.endpoint = run.endpoint
        if self.first_key is None and run.kind not in CONTROL:
            self.first_key = run.key

    def join(self, run: Executed, inside: bool) -> None:
        """Take the statement in."""
        if run.end_us > self.ended_us:
            self.ended_us = run.end_us
        if len(self.kept) < MOST_KEPT:
            self.kept.append(run)
            self.inside.append(inside)
        else:
            self.count(run)

    def count(self, run: Executed) -> None:
        """Count the statement without keeping it."""
        took = run.took_us or 0
        self.rest_us += took
        if is_query(run):
            runs, spent = self.rest.get(run.key, (0, 0))
            self.rest[run.key] = (runs + 1, spent + took)


class Session:
    """One connection: its open part, or the head of a chunk of which it is not known where parts end."""

    __slots__ = (
        "begun_us", "endpoint", "head", "in_transaction", "last_us", "lock_us", "part", "request", "transaction",
        "waited_us",
    )  # fmt: skip

    def __init__(self, now: int, *, is_head: bool) -> None:
        self.part: Part | None = None
        self.head: list[tuple[Executed, int]] | None = [] if is_head else None
        """Statements with the time that each waited for locks; None: what came before does not matter."""
        self.in_transaction: bool | None = None if is_head else False
        """After the last statement; None: not known."""
        self.begun_us: int | None = None
        """When BEGIN ended, where nothing has run since."""
        self.request: str | None = None
        self.endpoint: str | None = None
        """Of the last tagged statement."""
        self.transaction: bytes | None = None
        self.last_us = now
        self.lock_us = 0
        """What the next statement had to wait for locks, and when that was logged."""
        self.waited_us = now

    def wait(self, now: int, lock_us: int) -> None:
        """The statement that runs had to wait for a lock."""
        if now - self.waited_us > LONGEST_REST_IN_TRANSACTION:
            self.lock_us = 0
        self.lock_us, self.waited_us = self.lock_us + lock_us, now

    def is_over(self, now: int, slack: int) -> bool:
        """Whether so long nothing was heard of it that no part of it goes on, nor a wait for a lock counts."""
        if self.lock_us and abs(now - self.waited_us) <= LONGEST_REST_IN_TRANSACTION + slack:
            return False
        is_outside = self.in_transaction is False and (self.transaction is None or self.transaction.endswith(b"/0"))
        return abs(now - self.last_us) > (LONGEST_REST if is_outside else LONGEST_REST_IN_TRANSACTION) + slack

    def take(self, run: Executed, lock_us: int = 0) -> Part | None:
        """Take the session's next statement in; gives the part that it ends. `lock_us`: what it waited for locks.

        Most statements surely belong to the open part, and change nothing that is known of the session: what would come
        out of `_take` as well, at a tenth of the cost.
        """
        _, end, took, key, kind, request, endpoint, _, transaction, _, _, _, _ = run
        part = self.part
        if (
            part is None
            or request != part.request
            or endpoint != part.endpoint
            or kind in _SPECIAL
            or ((request or endpoint) and (request != self.request or endpoint != self.endpoint))
            or lock_us
            or self.lock_us
        ):
            return None if kind in SETTINGS else self._take(run, lock_us)
        if self.in_transaction:
            if (
                self.begun_us is not None
                or transaction != self.transaction
                or end - self.last_us > LONGEST_REST_IN_TRANSACTION
            ):
                return self._take(run, lock_us)
            start = end - (took or 0)
            if start > self.last_us:
                part.idle_us += start - self.last_us
        elif (
            end - self.last_us > PAUSE
            or (transaction is not None and transaction == self.transaction)
            or (request is None and (endpoint is None or part.began_in_transaction or key == part.first_key))
        ):
            return self._take(run, lock_us)
        self.last_us, self.transaction = end, transaction
        part.join(run, self.in_transaction is True)
        return None

    def _take(self, run: Executed, lock_us: int) -> Part | None:
        """The same for any statement."""
        end = run.end_us
        if run.transaction is not None and self._told_apart(run.transaction):
            self.in_transaction, self.begun_us = False, None
        if self.lock_us:
            lock_us += self.lock_us if end - self.waited_us <= LONGEST_REST_IN_TRANSACTION else 0
            self.lock_us = 0
        if self.head is not None:
            if not self._is_free(run):
                self.head.append((run, lock_us))
                self._note(run)
                return None
            self.head = None
            self._start_anew()
        ended = self._cut(run, lock_us)
        self._note(run)
        return ended

    def _start_anew(self) -> None:
        """What is known at an end that does not depend on what came before: only a BEGIN right before it counts."""
        self.in_transaction = self.begun_us is not None

    def _is_free(self, run: Executed) -> bool:
        """Whether, at the start of a chunk, a part ends before this statement whatever came before the chunk."""
        assert self.head is not None
        if not self.head:
            return run.kind in RESETS
        if not self.in_transaction and len(self.head) >= MOST_HEAD:
            return True
        if self._always_ends(run):
            return True
        is_outside = self.in_transaction is False and not _is_same(self.transaction, run.transaction)
        return is_outside and self._rested(run)

    def _told_apart(self, here: bytes) -> bool:
        """Whether virtual transaction ids tell that this statement's transaction is not the one before."""
        before = self.transaction
        return bool(before and here != before and not here.endswith(b"/0") and not before.endswith(b"/0"))

    def _always_ends(self, run: Executed) -> bool:
        """Whether a part ends before this statement, whatever the session did before the last one."""
        if run.end_us - self.last_us > LONGEST_REST_IN_TRANSACTION or run.kind in RESETS:
            self.begun_us = self.transaction = None
            return True
        return _differ(self.request, run.request) or _differ(self.endpoint, run.endpoint)

    def _rested(self, run: Executed) -> bool:
        """Whether there was a pause before this statement that ends a part outside a transaction."""
        rest = run.end_us - self.last_us
        return rest > PAUSE and (rest > LONGEST_REST or rest - (run.took_us or 0) > PAUSE)

    def _cut(self, run: Executed, lock_us: int) -> Part | None:
        """End the open part where it ends, and take the statement into the open or a new one."""
        ended = None
        if self._always_ends(run):
            self._start_anew()
            ended = self.closed()
        elif self.part is not None and self._ends(self.part, run):
            ended = self.closed()
        if run.kind not in BEGINS and (self.part is not None or run.kind not in CONTROL):
            self._join(run, lock_us)
        return ended

    def _join(self, run: Executed, lock_us: int) -> None:
        """Take the statement into the open part, or a new one."""
        inside = bool(self.in_transaction) or _is_same(self.transaction, run.transaction)
        if self.part is None:
            self.part = Part(run.application, inside=inside)
        part = self.part
        if inside:
            since = self.last_us if self.begun_us is None else self.begun_us
            if run.start_us > since and (part.kept or self.begun_us is not None):
                part.idle_us += run.start_us - since
        part.name(run)
        part.lock_us += lock_us
        part.join(run, inside)
        if not (inside or part.endpoint or part.request):
            self.part = None  # without tags and outside a transaction: of no request

    def _ends(self, part: Part, run: Executed) -> bool:
        """Whether the open part ends before this statement."""
        if self.begun_us is None:
            if self.in_transaction or _is_same(self.transaction, run.transaction):
                return False
            if self._rested(run):
                return True
        if run.kind in BEGINS:
            return False
        if run.request is not None and run.request == part.request:
            return False
        if run.request is None and run.endpoint is None:
            return run.kind not in CONTROL
        return part.began_in_transaction or run.key == part.first_key

    def _note(self, run: Executed) -> None:
        """Remember what the next statement is compared with."""
        if run.kind in BEGINS:
            self.in_transaction, self.begun_us = True, run.end_us
        else:
            self.begun_us = None
            if run.kind in RESETS or is_end(run):
                self.in_transaction = False
            elif run.transaction is not None:
                if run.transaction.endswith(b"/0"):
                    self.in_transaction = False
                elif self.transaction == run.transaction:
                    self.in_transaction = True
        if run.request or run.endpoint:
            self.request, self.endpoint = run.request, run.endpoint
        self.transaction = run.transaction
        self.last_us = run.end_us

    def closed(self) -> Part | None:
        """The open part, which ends here."""
        part, self.part = self.part, None
        return part


def _differ(one: str | None, other: str | None) -> bool:
    """Whether both are told, and not the same."""
    return one is not None and other is not None and one != other


def _is_same(one: bytes | None, other: bytes | None) -> bool:
    """Whether two virtual transaction ids name one transaction; `3/0` is none."""
    return one is not None and one == other and not one.endswith(b"/0")
