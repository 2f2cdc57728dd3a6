"""Statements as they ran, to requests and endpoints: streaming, in bounded memory, and chunks of a log merge.

`Requests` of one chunk after another, merged in their order, tell the same as one `Requests` over all of it: the
statements at a chunk's start of which it is not known where a request ends are kept (`Session.head`), and taken in when
the chunk before is known. What makes statements one request stands in `requests_session.py`.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from pgadvisor.logs.executed import Executed
from pgadvisor.logs.requests_session import LONGEST_REST_IN_TRANSACTION, MOST_KEPT, SECOND, Part, Session
from pgadvisor.logs.requests_sums import EndpointSum, name_of
from pgadvisor.model.log import LoggedEndpoint

SLACK = 2 * SECOND
"""So much earlier than the line before it may a line say that it was written."""
LONGEST_TRACE_REST = 10 * SECOND
"""Statements with one id in several sessions are one request unless nothing of it ended for so long."""
SWEEP_EVERY = 4_096
MOST_PARTS = 64
"""Parts with one id that are kept apart; more of them become one for each request."""
MOST_OPEN = 200_000
"""Statements of requests with an id that may go on. When time stands still in a log, or jumps, they would be all: then
those that were heard of least lately are taken for done, and such a request may be told in two."""
MOST_ENDPOINTS = 5_000
"""So many endpoints are told apart, the first of them: routes that hold numbers would fill the memory."""


class Requests:
    """The requests of a log, or of a chunk of it."""

    def __init__(self, *, at_start: bool = False) -> None:
        """`at_start`: nothing comes before, so nothing has to be kept for it."""
        self._at_start = at_start
        self._first_us: int | None = None
        self._now_us = 0
        self._sessions: dict[str, Session] = {}
        self._heads: dict[str, list[tuple[Executed, int]]] = {}
        """Of the chunk's first statements, by session."""
        self._traced: dict[tuple[str, str | None], list[Part]] = {}
        """Parts with an id whose request may have more parts yet."""
        self._endpoints: dict[str, EndpointSum] = {}
        self.left_out = 0
        """Requests of endpoints beyond the most."""
        self._until_sweep = SWEEP_EVERY

    def add(self, runs: Sequence[Executed]) -> None:
        """Take the next statements of the log in."""
        sessions, done = self._sessions, self._done
        run = None
        for run in runs:
            session = sessions.get(run.session)
            if session is None:
                session = self._session(run.session, run.end_us)
            part = session.take(run)
            if part is not None:
                done(part)
        if run is not None:
            self._now_us = run.end_us
            self._until_sweep -= len(runs)
            if self._until_sweep <= 0:
                self._sweep()

    def add_lock_wait(self, session: str, ended_us: int, waited_us: int) -> None:
        """The statement that the session runs had to wait for a lock: the log says so before the statement itself."""
        self._now_us = ended_us
        self._session(session, ended_us).wait(ended_us, waited_us)

    def merge(self, other: "Requests") -> None:
        """Join what comes right after this in the log; `other` is used up."""
        if self._first_us is None:
            self._first_us = other._first_us
        before = self._now_us
        self._take_heads(other._heads)
        for name, session in other._sessions.items():
            self._continue(name, session)
        self._now_us = other._now_us or before
        for parts in other._traced.values():
            for part in parts:
                self._done(part)
        self.left_out += other.left_out
        for name, sums in other._endpoints.items():
            if (mine := self._endpoint(name)) is not None:
                mine.merge(sums)
            else:
                self.left_out += sums.queries.count
        self._sweep()

    def endpoints(self) -> tuple[LoggedEndpoint, ...]:
        """All endpoints, the most costly first. What is open ends here: nothing can be added after it."""
        heads, self._heads, self._at_start = self._heads, {}, True
        rest, self._sessions = self._sessions, {}
        self._take_heads(heads)
        for name, session in rest.items():
            self._continue(name, session)
        for name in [*self._sessions]:
            self._close(name)
        for parts in self._traced.values():
            self._count_traced(parts)
        self._traced = {}
        told = [sums.told(name) for name, sums in self._endpoints.items()]
        return tuple(sorted(told, key=lambda each: (-each.database_ms.total, each.name)))

    def _take_heads(self, heads: dict[str, list[tuple[Executed, int]]]) -> None:
        """Take a later chunk's first statements in."""
        for run, lock_us in chain.from_iterable(heads.values()):
            part = self._session(run.session, run.end_us).take(run, lock_us)
            if part is not None:
                self._done(part)

    def _session(self, name: str, now: int) -> Session:
        session = self._sessions.get(name)
        if session is None:
            if self._first_us is None:
                self._first_us = now
            is_head = name not in self._heads and self._is_early(LONGEST_REST_IN_TRANSACTION, now)
            session = self._sessions[name] = Session(now, is_head=is_head)
            if session.head is not None:
                self._heads[name] = session.head
        return session

    def _is_early(self, rest: int, at: int) -> bool:
        """Whether what comes before this chunk could still matter."""
        return not self._at_start and (self._first_us is None or abs(at - self._first_us) <= rest + 2 * SLACK)

    def _continue(self, name: str, after: Session) -> None:
        """The session as the later chunk left it, when all of its head is taken in."""
        if after.head is not None:
            if after.lock_us:
                self._session(name, after.waited_us).wait(after.waited_us, after.lock_us)
            return
        self._close(name)
        self._sessions[name] = after

    def _close(self, name: str) -> None:
        session = self._sessions.pop(name, None)
        part = session.closed() if session is not None else None
        if part is not None:
            self._done(part)

    def _done(self, part: Part) -> None:
        """Count a part that has ended, or keep it till its request has ended."""
        if part.first_key is None:
            return
        if part.request is None:
            self._count(part)
            return
        key = part.request, part.endpoint
        parts = self._traced.get(key)
        if parts is None:
            self._traced[key] = [part]
            return
        parts.append(part)
        if len(parts) >= MOST_PARTS:
            parts[:] = [merged(each) for each in _together(parts)]

    def _count_traced(self, parts: list[Part]) -> None:
        """Count the requests that parts with one id make up."""
        for together in _together(parts) if len(parts) > 1 else (parts,):
            self._count(merged(together))

    def _count(self, request: Part) -> None:
        name = name_of(request)
        if name is None:
            return
        if (sums := self._endpoint(name)) is not None:
            sums.add(request)
        else:
            self.left_out += 1

    def _endpoint(self, name: str) -> EndpointSum | None:
        found = self._endpoints.get(name)
        if found is None and len(self._endpoints) < MOST_ENDPOINTS:
            found = self._endpoints[name] = EndpointSum()
        return found

    def _sweep(self) -> None:
        """Forget the sessions and ids of which nothing was heard for so long that what comes is another request."""
        for name, session in [*self._sessions.items()]:
            if session.is_over(self._now_us, SLACK):
                self._close(name)
        still_open = {each.part.request for each in self._sessions.values() if each.part is not None}
        still_open |= {run.request for head in self._heads.values() for run, _ in head}
        for key, parts in [*self._traced.items()]:
            if key[0] not in still_open and self._is_over(parts):
                self._count_traced(self._traced.pop(key))
        self._forget_most()
        self._until_sweep = SWEEP_EVERY + 2 * len(self._sessions) + 4 * len(self._traced)

    def _is_over(self, parts: list[Part]) -> bool:
        """Whether no other part of these requests can come, nor came before the chunk."""
        if abs(self._now_us - parts[-1].ended_us) <= LONGEST_TRACE_REST + SLACK:
            return False
        rests = min([abs(self._now_us - part.ended_us) for part in parts])
        begun = min([part.known_us for part in parts])
        return rests > LONGEST_TRACE_REST + SLACK and not self._is_early(LONGEST_TRACE_REST, begun)

    def _forget_most(self) -> None:
        """Keep what is open bounded, whatever a log says of time."""
        kept = sum([len(part.kept) for parts in self._traced.values() for part in parts])
        if kept <= MOST_OPEN:
            return
        for key in sorted(self._traced, key=lambda key: max(part.kept[-1].place for part in self._traced[key])):
            parts = self._traced.pop(key)
            kept -= sum([len(part.kept) for part in parts])
            self._count_traced(parts)
            if kept <= MOST_OPEN // 2:
                return


def _together(parts: list[Part]) -> Iterator[list[Part]]:
    """The parts of each request: a long rest between two of them, and they are two requests."""
    together: list[Part] = []
    ended = 0
    for part in sorted(parts, key=lambda each: (each.known_us, each.kept[0].place)):
        if together and part.known_us - ended > LONGEST_TRACE_REST:
            yield together
            together = []
        together.append(part)
        ended = max(ended, part.ended_us)
    yield together


def merged(parts: list[Part]) -> Part:
    """The parts of one request as one: its first statements are kept, the rest is counted."""
    whole = parts[0]
    if len(parts) == 1:
        return whole
    steps = sorted(
        ((run, inside) for part in parts for run, inside in zip(part.kept, part.inside, strict=True)), key=_in_time
    )
    whole.kept = [run for run, _ in steps[:MOST_KEPT]]
    whole.inside = [inside for _, inside in steps[:MOST_KEPT]]
    whole.ended_us = max(part.ended_us for part in parts)
    for part in parts[1:]:
        whole.idle_us += part.idle_us
        whole.lock_us += part.lock_us
        whole.rest_us += part.rest_us
        for key, (runs, spent) in part.rest.items():
            before = whole.rest.get(key, (0, 0))
            whole.rest[key] = before[0] + runs, before[1] + spent
    for run, _ in steps[MOST_KEPT:]:
        whole.count(run)
    return whole


def _in_time(step: tuple[Executed, bool]) -> tuple[int, int]:
    return step[0].start_us, step[0].place
