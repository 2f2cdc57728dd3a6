"""A good choice of indexes at once, without a proof: add what gains most for its bytes, then exchange.

The order is that of Extend (Schlosser, Kossmann, Boissier, ICDE 2019), on sets of indexes: a way that needs several is
added whole. Gains are looked up again only when they come to the top (Minoux, 1978): they mostly shrink.
"""

from collections.abc import Iterable
from heapq import heappop, heappush, nsmallest
from math import inf

import msgspec

from pgadvisor.selection.ledger import Ledger
from pgadvisor.selection.problem import Choice, Problem, cost_of, is_allowed
from pgadvisor.selection.reduction import least_cost, reduced, today

Move = tuple[int, ...]
"""Indexes that come together, sorted."""

PAGE_BYTES = 8192
"""What an index is taken to weigh at least."""
ROUNDING = 1e-6
"""Share of the cost by which a bound may miss it and still be met: HiGHS tolerates as much."""
LEAST_GAIN = 1e-12
"""Of the whole cost: less is rounding."""
MOST_WORK = 200_000
"""Ways that are looked at again, so that large problems take seconds; the solver is there for the rest."""
MOST_EXCHANGES = 2000
"""That are looked at in one round, for the same reason."""
MOVES_EACH = 4
"""That are tried in the place of one index."""


def greedy(problem: Problem) -> Choice:
    """A choice that no single addition, drop or exchange makes better; the same for the same problem."""
    small, start = fulfilled(reduced(problem))
    return made(problem, improved(small, start), least_cost(small))


def improved(small: Problem, chosen: frozenset[int]) -> frozenset[int]:
    """An allowed choice of a reduced problem, made so good that no step makes it better."""
    search = _Search(small, chosen)
    search.settle()
    return frozenset(search.ledger.chosen)


def made(problem: Problem, chosen: frozenset[int], bound: float, gap: float = 0.0) -> Choice:
    """The choice with its cost, told from the problem as it was given."""
    cost = cost_of(problem, chosen)
    bound = min(bound, cost)
    return Choice(
        chosen=tuple(sorted(chosen)), cost=cost, bound=bound, is_best=cost - bound <= (gap + ROUNDING) * abs(cost)
    )


def fulfilled(problem: Problem) -> tuple[Problem, frozenset[int]]:
    """A choice to start from: what exists, and one of each group of which nothing exists.

    The problem comes back without the groups for which there was no room.
    """
    bare = msgspec.structs.replace(problem, statements=(), one_of=())
    chosen, kept = today(problem), []
    for group in problem.one_of:
        fitting = [at for at in group if is_allowed(bare, chosen | {at})]
        if fitting:
            kept.append(group)
            if not chosen.intersection(group):
                chosen |= {min(fitting, key=lambda at: (problem.indexes[at].size_bytes, at))}
    return msgspec.structs.replace(problem, one_of=tuple(kept)), chosen


class _Search:
    """Walks from one choice to a cheaper one."""

    def __init__(self, problem: Problem, chosen: frozenset[int]) -> None:
        self.ledger = Ledger(problem)
        self.ledger.move_to(chosen)
        self._per_byte = problem.budget_bytes is not None
        self._least_gain = LEAST_GAIN * abs(cost_of(problem, today(problem)))

    def settle(self) -> None:
        """Until nothing gains any more, or, where the problem is large, little does."""
        self._grow()
        for _ in range(1 + MOST_WORK // (1 + len(self.ledger.costs))):
            if not (self._drop() | self._restore_hot() | self._swap() | self._make_room()):
                return
            self._grow()
        self._drop()

    def _gains(self, dearer: float) -> bool:
        return dearer < -self._least_gain

    def _grow(self) -> None:
        """Add what gains most until nothing does."""
        ledger = self.ledger
        queue = _Queue(self)
        queue.promise(range(len(ledger.costs)))
        queue.promise_back()
        while (move := queue.pop()) is not None:
            dearer = ledger.trial(move)
            if not self._gains(dearer):
                continue
            if queue.is_beaten(move, -dearer):
                queue.push(move, -dearer)
            else:
                ledger.change(move)
                queue.promise(way for at in move for way in ledger.ways_of[at])
                queue.promise_hot(move)

    def score(self, gain: float, move: Move) -> float:
        """What a gain is worth: by its bytes where they are short, else by the new indexes it takes."""
        if self._per_byte:
            return gain / max(PAGE_BYTES, sum(self.ledger.sizes[at] for at in move))
        return gain / max(1, sum(self.ledger.is_new[at] for at in move))

    def _drop(self) -> bool:
        """Drop what costs more than it gains; of new indexes also what gains nothing."""
        ledger, dropped = self.ledger, False
        for at in sorted(ledger.chosen, key=lambda at: (ledger.fixed[at], at), reverse=True):
            dearer = ledger.trial(going=(at,))
            if self._gains(dearer) or (ledger.is_new[at] and dearer <= self._least_gain):
                ledger.change(going=(at,))
                dropped = True
        return dropped

    def _restore_hot(self) -> bool:
        """Drop all that break some updates, together."""
        found = False
        for breakers in self.ledger.breakers:
            going = sorted(self.ledger.chosen.intersection(breakers))
            if len(going) > 1 and self._gains(self.ledger.trial(going=going)):
                self.ledger.change(going=going)
                found = True
        return found

    def _swap(self) -> bool:
        """Put others in the place of one."""
        ledger, found = self.ledger, False
        for at in sorted(ledger.chosen)[:MOST_EXCHANGES]:
            losing = [ledger.statement_of[way] for way in ledger.ways_of[at] if ledger.is_current(way)]
            before = ledger.change(going=(at,))
            ways = (way for statement in losing for way in ledger.cheaper_ways(statement))
            moves = self._most_promising(_promises(ledger, ways), without=at)
            best = min(((before + ledger.trial(move), move) for move in moves), default=(inf, ()))
            if self._gains(best[0]):
                ledger.change(best[1])
                found = True
            else:
                ledger.change((at,))
        return found

    def _make_room(self) -> bool:
        """Add what does not fit, and drop what loses least for its bytes until it does."""
        ledger, found = self.ledger, False
        if ledger.bytes_left == inf and ledger.new_left == inf:
            return False
        new = [at for at in sorted(ledger.chosen) if ledger.is_new[at]]
        losses = sorted((self.score(ledger.difference(going=(at,)), (at,)), at) for at in new)
        promises = _promises(ledger, range(len(ledger.costs)))
        for move in self._most_promising(promises, most=MOST_EXCHANGES // MOVES_EACH):
            if ledger.chosen.intersection(move):
                continue
            going: list[int] = []
            dearer = ledger.change(move)
            for _, at in losses:
                if ledger.is_allowed or dearer >= 0:
                    break
                if at in ledger.chosen:
                    going.append(at)
                    dearer += ledger.change(going=(at,))
            if ledger.is_allowed and self._gains(dearer):
                found = True
            else:
                ledger.change(going, move)
        return found

    def _most_promising(self, promises: dict[Move, float], without: int = -1, most: int = MOVES_EACH) -> list[Move]:
        moves = ((-self.score(gain, move), move) for move, gain in promises.items() if without not in move)
        return [move for _, move in nsmallest(most, moves)]


class _Queue:
    """Moves with what they promise: the best first, each once."""

    def __init__(self, search: _Search) -> None:
        self._search = search
        self._ledger = search.ledger
        self._worth = {at: -cost for at, cost in enumerate(search.ledger.fixed)}
        self._promised: dict[Move, float] = {}
        self._heap: list[tuple[float, Move]] = []

    def promise(self, ways: Iterable[int]) -> None:
        """Queue what is missing for these ways, by what it may gain, which is rarely less than what it does."""
        promises = _promises(self._ledger, ways)
        for move, gain in promises.items():
            if len(move) == 1:
                self._worth[move[0]] += gain
        for move, gain in promises.items():
            if len(move) == 1:
                self.push(move, self._worth[move[0]])
            elif (whole := sum(self._worth[at] for at in move) + gain) > 0 and self._is_more_together(move, whole):
                self.push(move, whole)

    def _is_more_together(self, move: Move, gain: float) -> bool:
        """Whether no index of a move comes before it anyway, being worth more alone."""
        score = self._search.score
        return all(score(self._worth[at], (at,)) < score(gain, move) for at in move)

    def promise_back(self) -> None:
        """Queue the existing indexes that are to be dropped: it may be for nothing by now."""
        for at, is_new in enumerate(self._ledger.is_new):
            if not is_new and at not in self._ledger.chosen:
                self.push((at,), self._worth[at])

    def promise_hot(self, came: Move) -> None:
        """Queue the other indexes that break the updates which these are the first to break."""
        ledger = self._ledger
        for update in {update for at in came for update in ledger.breaks[at]}:
            if ledger.broken[update] <= len(came):
                for at in ledger.breakers[update]:
                    self._worth[at] += ledger.lost[update]
                    self.push((at,), self._worth[at])

    def push(self, move: Move, gain: float) -> None:
        """Queue a move; of two promises for it the better one counts."""
        score = self._search.score(gain, move)
        if score > self._promised.get(move, 0.0):
            self._promised[move] = score
            heappush(self._heap, (-score, move))

    def pop(self) -> Move | None:
        """The most promising move that is still open, no longer queued."""
        while self._heap:
            score, move = heappop(self._heap)
            if self._promised.get(move) == -score:
                del self._promised[move]
                if not self._ledger.chosen.intersection(move):
                    return move
        return None

    def is_beaten(self, move: Move, gain: float) -> bool:
        """Whether another promises more than this move really gains."""
        if len(move) == 1:
            self._worth[move[0]] = gain
        return bool(self._heap) and self._search.score(gain, move) < -self._heap[0][0] * (1 - 1e-9)


def _promises(ledger: Ledger, ways: Iterable[int]) -> dict[Move, float]:
    """What is missing for these ways, and what they save: for several, beyond what the best of them saves alone."""
    alone: dict[tuple[int, int], float] = {}
    together: dict[tuple[int, Move], float] = {}
    for way in ways:
        if not ledger.missing[way]:
            continue
        statement = ledger.statement_of[way]
        saved = ledger.costs[ledger.current[statement]] - ledger.costs[way]
        if not saved > 0:  # nor is it a number where both are closed
            continue
        move = tuple(at for at in ledger.needs[way] if at not in ledger.chosen)
        if len(move) == 1:
            alone[statement, move[0]] = max(saved, alone.get((statement, move[0]), 0.0))
        else:
            together[statement, move] = max(saved, together.get((statement, move), 0.0))
    promises: dict[Move, float] = {}
    for (_, at), saved in alone.items():
        promises[(at,)] = promises.get((at,), 0.0) + saved
    for (statement, move), saved in together.items():
        best_alone = max(alone.get((statement, at), 0.0) for at in move)
        promises[move] = promises.get(move, 0.0) + (saved - best_alone if saved > best_alone else 0.0)
    return promises
