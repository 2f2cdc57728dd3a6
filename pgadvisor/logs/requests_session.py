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

import re
from functools import lru_cache
from typing import NamedTuple

from pgadvisor.logs.executed import Executed
from pgadvisor.sql.endpoint_name import REQUEST_IDS, code_line, endpoint_name, request_id
from pgadvisor.sql.fingerprint import fingerprint
from pgadvisor.sql.tags import Tags

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

_OF_ONE_REQUEST = frozenset(("traceparent", "tracestate", *REQUEST_IDS))
_TO_SAVEPOINT = fingerprint("ROLLBACK TO SAVEPOINT a")
_REQUEST_LIKE = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /")


class Sender(NamedTuple):
    """What the tags of a statement say of who sent it."""

    request: str | None = None
    endpoint: str | None = None
    line: str | None = None


NOBODY = Sender()


class Step(NamedTuple):
    """A statement of a part."""

    key: str
    kind: str
    start_us: int
    end_us: int
    inside: bool
    """It ran in a transaction that was open before it."""
    line: str | None
    values: int | None
    rows: int | None
    place: int

    @property
    def is_query(self) -> bool:
        """False: it only begins, ends or divides a transaction."""
        return self.kind not in CONTROL

    @property
    def is_end(self) -> bool:
        """Whether it ends the transaction."""
        return self.kind in ENDS and self.key != _TO_SAVEPOINT


def sender_of(tags: Tags) -> Sender:
    """Who sent a statement with these tags."""
    lasting = tuple([tag for tag in tags if tag[0] not in _OF_ONE_REQUEST])
    endpoint, line = _lasting(lasting)
    return Sender(request_id(tags) if len(lasting) < len(tags) else None, endpoint, line)


@lru_cache(maxsize=4096)
def _lasting(tags: Tags) -> tuple[str | None, str | None]:
    return endpoint_name(tags), code_line(tags)


def end_us(run: Executed) -> int:
    """When it ended, in microseconds since 1970."""
    return round(run.end * SECOND)


def took_us(run: Executed) -> int:
    """How long it took; 0 where that is not known."""
    return round(run.duration_ms * 1000) if run.duration_ms else 0


class Part:
    """Statements of one session that belong to one request."""

    __slots__ = (
        "application",
        "began_in_transaction",
        "ended_us",
        "endpoint",
        "first_key",
        "idle_us",
        "kept",
        "known_us",
        "lock_us",
        "request",
        "rest",
        "rest_us",
    )

    def __init__(self, application: str | None, *, inside: bool) -> None:
        self.request: str | None = None
        self.known_us = 0
        """When the first statement with the request's id ended."""
        self.endpoint: str | None = None
        self.application = application
        self.first_key: str | None = None
        self.began_in_transaction = inside
        self.kept: list[Step] = []
        self.rest: dict[str, tuple[int, int]] = {}
        """Of the queries that are not kept: runs and time by statement."""
        self.rest_us = 0
        """Time of all statements that are not kept."""
        self.idle_us = 0
        self.lock_us = 0
        self.ended_us = 0

    def join(self, step: Step, sender: Sender, lock_us: int) -> None:
        """Take the statement in."""
        if self.request is None and sender.request is not None:
            self.request, self.known_us = sender.request, step.end_us
        if self.endpoint is None:
            self.endpoint = sender.endpoint
        if self.first_key is None and step.kind not in CONTROL:
            self.first_key = step.key
        self.lock_us += lock_us
        if step.end_us > self.ended_us:
            self.ended_us = step.end_us
        if len(self.kept) < MOST_KEPT:
            self.kept.append(step)
        else:
            self._count(step)

    def _count(self, step: Step) -> None:
        took = step.end_us - step.start_us
        self.rest_us += took
        if step.is_query:
            runs, spent = self.rest.get(step.key, (0, 0))
            self.rest[step.key] = (runs + 1, spent + took)


class Session:
    """One connection: its open part, or the head of a chunk of which it is not known where parts end."""

    __slots__ = (
        "begun_us", "head", "in_transaction", "last", "last_us", "lock_us", "part", "sender", "tags", "transaction",
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
        self.tags: Tags = ()
        self.sender = NOBODY
        """Of the last statement: mostly the next one's as well."""
        self.last: Sender | None = None
        """Of the last tagged statement."""
        self.transaction: str | None = None
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
        if self.lock_us and now - self.waited_us <= LONGEST_REST_IN_TRANSACTION + slack:
            return False
        is_outside = self.in_transaction is False and (self.transaction is None or self.transaction.endswith("/0"))
        return now - self.last_us > (LONGEST_REST if is_outside else LONGEST_REST_IN_TRANSACTION) + slack

    def take(self, run: Executed, end: int, lock_us: int) -> Part | None:
        """Take the session's next statement in, which ended then; gives the part that it ends."""
        if run.kind in SETTINGS:
            return None
        if run.tags is not self.tags and run.tags != self.tags:
            self.tags, self.sender = run.tags, sender_of(run.tags) if run.tags else NOBODY
        sender = self.sender
        if sender.endpoint is None and run.application and _REQUEST_LIKE.match(run.application):
            sender = sender._replace(endpoint=run.application)
        if run.transaction is not None and self._told_apart(run.transaction):
            self.in_transaction, self.begun_us = False, None
        if self.lock_us:
            lock_us += self.lock_us if end - self.waited_us <= LONGEST_REST_IN_TRANSACTION else 0
            self.lock_us = 0
        if self.head is not None:
            if not self._is_free(run, end, sender):
                self.head.append((run, lock_us))
                self._note(run, end, sender)
                return None
            self.head = None
            self._start_anew()
        ended = self._cut(run, end, sender, lock_us)
        self._note(run, end, sender)
        return ended

    def _start_anew(self) -> None:
        """What is known at an end that does not depend on what came before: only a BEGIN right before it counts."""
        self.in_transaction = self.begun_us is not None

    def _is_free(self, run: Executed, end: int, sender: Sender) -> bool:
        """Whether, at the start of a chunk, a part ends before this statement whatever came before the chunk."""
        assert self.head is not None
        if not self.head:
            return run.kind in RESETS
        if not self.in_transaction and len(self.head) >= MOST_HEAD:
            return True
        if self._always_ends(run, end, sender):
            return True
        is_outside = self.in_transaction is False and not _is_same(self.transaction, run.transaction)
        return is_outside and self._rested(run, end)

    def _told_apart(self, here: str) -> bool:
        """Whether virtual transaction ids tell that this statement's transaction is not the one before."""
        before = self.transaction
        return bool(before and here != before and not here.endswith("/0") and not before.endswith("/0"))

    def _always_ends(self, run: Executed, end: int, sender: Sender) -> bool:
        """Whether a part ends before this statement, whatever the session did before the last one."""
        if end - self.last_us > LONGEST_REST_IN_TRANSACTION or run.kind in RESETS:
            self.begun_us = self.transaction = None
            return True
        return self.last is not None and _differ(self.last, sender)

    def _rested(self, run: Executed, end: int) -> bool:
        """Whether there was a pause before this statement that ends a part outside a transaction."""
        rest = end - self.last_us
        return rest > PAUSE and (rest > LONGEST_REST or rest - took_us(run) > PAUSE)

    def _cut(self, run: Executed, end: int, sender: Sender, lock_us: int) -> Part | None:
        """End the open part where it ends, and take the statement into the open or a new one."""
        ended = None
        if self._always_ends(run, end, sender):
            self._start_anew()
            ended = self.closed()
        elif self.part is not None and self._ends(self.part, run, end, sender):
            ended = self.closed()
        if run.kind not in BEGINS and (self.part is not None or run.kind not in CONTROL):
            self._join(run, end, sender, lock_us)
        return ended

    def _join(self, run: Executed, end: int, sender: Sender, lock_us: int) -> None:
        """Take the statement into the open part, or a new one."""
        inside = bool(self.in_transaction) or _is_same(self.transaction, run.transaction)
        start = end - took_us(run)
        if self.part is None:
            self.part = Part(run.application, inside=inside)
        if inside:
            since = self.last_us if self.begun_us is None else self.begun_us
            if start > since and (self.part.kept or self.begun_us is not None):
                self.part.idle_us += start - since
        step = Step(run.key, run.kind, start, end, inside, sender.line, run.values, run.rows, run.place)
        self.part.join(step, sender, lock_us)
        if not (inside or sender.request or sender.endpoint or self.part.endpoint or self.part.request):
            self.part = None  # without tags and outside a transaction: of no request

    def _ends(self, part: Part, run: Executed, end: int, sender: Sender) -> bool:
        """Whether the open part ends before this statement."""
        if self.begun_us is None:
            if self.in_transaction or _is_same(self.transaction, run.transaction):
                return False
            if self._rested(run, end):
                return True
        if run.kind in BEGINS:
            return False
        if sender.request is not None and sender.request == part.request:
            return False
        if sender.request is None and sender.endpoint is None:
            return run.kind not in CONTROL
        return part.began_in_transaction or run.key == part.first_key

    def _note(self, run: Executed, end: int, sender: Sender) -> None:
        """Remember what the next statement is compared with."""
        if run.kind in BEGINS:
            self.in_transaction, self.begun_us = True, end
        else:
            self.begun_us = None
            if run.kind in RESETS or _is_end(run):
                self.in_transaction = False
            elif run.transaction is not None:
                if run.transaction.endswith("/0"):
                    self.in_transaction = False
                elif self.transaction == run.transaction:
                    self.in_transaction = True
        if sender.request or sender.endpoint:
            self.last = sender
        self.transaction = run.transaction
        self.last_us = end

    def closed(self) -> Part | None:
        """The open part, which ends here."""
        part, self.part = self.part, None
        return part


def _is_end(run: Executed) -> bool:
    return run.kind in ENDS and run.key != _TO_SAVEPOINT


def _differ(one: Sender, other: Sender) -> bool:
    """Whether both are tagged, and by different requests."""
    is_other_request = one.request is not None and other.request is not None and one.request != other.request
    return is_other_request or (one.endpoint is not None and other.endpoint is not None
                                and one.endpoint != other.endpoint)  # fmt: skip


def _is_same(one: str | None, other: str | None) -> bool:
    """Whether two virtual transaction ids name one transaction; `3/0` is none."""
    return one is not None and one == other and not one.endswith("/0")
