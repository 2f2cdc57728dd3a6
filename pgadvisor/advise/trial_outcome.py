"""What trying one change on one statement gave: over all draws of its values, and in words."""

from collections.abc import Sequence
from typing import NamedTuple

from pgadvisor.model.plan import Plan
from pgadvisor.model.whatif import Answer
from pgadvisor.parameters.draws import Draw
from pgadvisor.parameters.redaction import redacted

HOLDS = 0.8
"""Weight of the draws for which advice should hold: what helps the typical call alone may hurt the others."""
FALLS = 0.1
"""Cost must fall by this share at least, and for no values rise by it: the planner's own error is as large."""
SAME = 0.02
"""A draw whose cost changes by less has the same cost: it speaks neither for an index nor against it."""
_EPSILON = 1e-9


class Tried(NamedTuple):
    """One draw planned as things are and with the change."""

    draw: Draw
    before: Answer
    after: Answer

    @property
    def ratio(self) -> float:
        """Cost with the change, as a share of the cost without it."""
        before, after = self.before.cost or 0.0, self.after.cost or 0.0
        return after / before if before > 0.0 else 1.0

    @property
    def is_used(self) -> bool:
        """Whether the plan uses an index that it did not use before."""
        return bool(set(self.after.indexes_used) - set(self.before.indexes_used))


class Outcome(NamedTuple):
    """One statement tried with one change."""

    tried: tuple[Tried, ...]

    @property
    def is_used(self) -> bool:
        """Whether some draw's plan uses an index that it did not use before."""
        return any(each.is_used for each in self.tried)

    @property
    def helped(self) -> float:
        """The weight of the draws whose cost falls, 0 to 1."""
        return sum(each.draw.weight for each in self.tried if each.ratio < 1.0 - SAME)

    @property
    def against(self) -> float:
        """The weight of the draws whose cost rises, 0 to 1."""
        return sum(each.draw.weight for each in self.tried if each.ratio > 1.0 + SAME)

    @property
    def worst(self) -> float:
        """The largest share of a draw's cost that it has afterwards."""
        return max(each.ratio for each in self.tried)

    @property
    def holds(self) -> bool:
        """Whether an index helps the statement: all calls together cost less, and no values cost more."""
        return self.is_used and self.ratio <= 1.0 - FALLS + _EPSILON and self.worst <= 1.0 + FALLS + _EPSILON

    @property
    def holds_for_most(self) -> bool:
        """Whether the draws that it does not make dearer weigh enough."""
        return self.against <= 1.0 - HOLDS + _EPSILON

    @property
    def ratio(self) -> float:
        """The cost of all calls together with the change, as a share of that without it."""
        before = sum(each.draw.weight * (each.before.cost or 0.0) for each in self.tried)
        after = sum(each.draw.weight * (each.after.cost or 0.0) for each in self.tried)
        return after / before if before > 0.0 else 1.0

    @property
    def first(self) -> Tried:
        """The likeliest draw."""
        return self.tried[0]

    @property
    def median(self) -> float:
        """The middle call's ratio: half of the calls, by the weight of their values, have one as low."""
        reached = 0.0
        for each in sorted(self.tried, key=lambda tried: tried.ratio):
            reached += each.draw.weight
            if reached >= 0.5 - _EPSILON:
                break
        return each.ratio

    @property
    def spread(self) -> str | None:
        """`over 5 draws of its values 0.02% to 0.4%, in the median 0.07%, all calls together 0.1%`; None: of one."""
        if len(self.tried) == 1:
            return None
        ratios = [each.ratio for each in self.tried]
        low, high = percent(min(ratios)), percent(max(ratios))
        told = f"{low} to {high}, in the median {percent(self.median)}, all calls together {percent(self.ratio)}"
        return f"over {len(ratios)} draws of its values {told if low != high else 'the same'}"

    @property
    def told(self) -> str:
        """`cost 12,408 → 8.4 (0.07%)`, and where there are several draws what it is over them."""
        before, after = self.first.before.cost or 0.0, self.first.after.cost or 0.0
        words = f"cost {amount(before)} → {amount(after)} ({percent(self.first.ratio)})"
        return words if self.spread is None else f"{words}; {self.spread}"

    @property
    def refusal(self) -> str:
        """Why it does not help, as a clause."""
        if not self.is_used:
            return "the planner does not use it"
        if self.worst > 1.0 + FALLS:
            weight = sum(each.draw.weight for each in self.tried if each.ratio > 1.0 + FALLS)
            return f"it makes {percent(weight)} of the calls dearer, by the weight of their values: {self.told}"
        if self.helped > 0.0 and len(self.tried) > 1:
            saved = percent(max(1.0 - self.ratio, 0.0))
            helped = percent(self.helped)
            return f"it helps {helped} of the calls, by the weight of their values, and saves {saved}: {self.told}"
        return self.told

    @property
    def remarks(self) -> tuple[str, ...]:
        """Why a gain is to be trusted less, as clauses."""
        if not self.holds:
            return (f"the trial does not show a gain of {FALLS:.0%} for this statement",)
        if not self.holds_for_most:
            return (f"it makes {percent(self.against)} of the calls slightly dearer, by the weight of their values",)
        if self.helped < HOLDS - _EPSILON:
            return (
                f"it helps {percent(self.helped)} of the calls, by the weight of their values; others cost the same",
            )
        return ()


class NotTried(NamedTuple):
    """Why a change came to nothing."""

    reason: str
    """As a clause, without anything that a server said: it may quote data."""
    is_impossible: bool = False
    """PostgreSQL makes no such index, whatever the data."""


def outcome_of(draws: Sequence[Draw], before: Sequence[Answer], after: Sequence[Answer]) -> Outcome:
    """What the answers come to; none of them is an error."""
    return Outcome(tuple(Tried(*each) for each in zip(draws, before, after, strict=True)))


def shown(plan: Plan, draw: Draw) -> Plan:
    """The plan of a draw as it may be kept: without values."""
    return redacted(plan, draw.names)


def amount(cost: float) -> str:
    """A cost for a person: `12,408`, `8.4`."""
    return f"{cost:,.0f}" if cost >= 100 else f"{cost:.1f}" if cost >= 1 else f"{cost:.2g}"


def percent(share: float) -> str:
    """A share for a person, with two digits where it is small: `42%`, `0.07%`."""
    return f"{share:,.0%}" if share >= 0.1 else f"{share * 100:.2g}%"
