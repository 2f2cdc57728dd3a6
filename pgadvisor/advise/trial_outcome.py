"""What trying one index on one statement gave: over all draws of its values, and in words."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from pgadvisor.model.plan import Plan
from pgadvisor.model.whatif import Answer
from pgadvisor.parameters.draws import Draw
from pgadvisor.parameters.redaction import redacted

HOLDS = 0.8
"""Weight of the draws for which advice must hold: what helps the typical call alone may hurt the others."""
FALLS = 0.1
"""Cost must fall by this share at least: the planner's own error is as large."""
_EPSILON = 1e-9


class Tried(NamedTuple):
    """One draw planned as things are and with the index."""

    draw: Draw
    before: Answer
    after: Answer

    @property
    def ratio(self) -> float:
        """Cost with the index, as a share of the cost without it."""
        before, after = self.before.cost or 0.0, self.after.cost or 0.0
        return after / before if before > 0.0 else 1.0

    @property
    def is_used(self) -> bool:
        """Whether the plan uses an index that it did not use before."""
        return bool(set(self.after.indexes_used) - set(self.before.indexes_used))

    @property
    def holds(self) -> bool:
        """Whether the index is used, and the cost falls enough to be more than an error."""
        return self.is_used and self.ratio <= 1.0 - FALLS


class Outcome(NamedTuple):
    """One statement tried with one index."""

    tried: tuple[Tried, ...]

    @property
    def weight(self) -> float:
        """The weight of the draws for which it holds, 0 to 1."""
        return sum(each.draw.weight for each in self.tried if each.holds)

    @property
    def holds(self) -> bool:
        """Whether the index helps the statement, whatever most of its values are."""
        return self.weight >= HOLDS - _EPSILON

    @property
    def ratio(self) -> float:
        """Cost with the index as a share of the cost without it, the mean over the draws."""
        return sum(each.draw.weight * each.ratio for each in self.tried)

    @property
    def first(self) -> Tried:
        """The likeliest draw."""
        return self.tried[0]

    @property
    def told(self) -> str:
        """`cost 12,408 → 8.4 (0.07%); over 5 draws of its values 0.02% to 0.4%, in the median 0.07%`."""
        before, after = self.first.before.cost or 0.0, self.first.after.cost or 0.0
        words = f"cost {amount(before)} → {amount(after)} ({percent(self.first.ratio)})"
        if len(self.tried) == 1:
            return words
        ratios = [each.ratio for each in self.tried]
        low, high = percent(min(ratios)), percent(max(ratios))
        spread = f"{low} to {high}, in the median {percent(median(ratios))}" if low != high else "the same"
        return f"{words}; over {len(ratios)} draws of its values {spread}"

    @property
    def refusal(self) -> str:
        """Why it does not help, as a clause."""
        if not any(each.is_used for each in self.tried):
            return "the planner does not use it"
        if self.weight <= 0.0:
            return self.told
        return f"it helps only {percent(self.weight)} of the calls, by the weight of their values: {self.told}"


def outcome_of(draws: Sequence[Draw], before: Sequence[Answer], after: Sequence[Answer]) -> Outcome | str:
    """What the answers come to, or why they come to nothing."""
    error = next((each.error for each in (*before, *after) if each.error), None)
    if error is not None:
        return error
    return Outcome(tuple(Tried(*each) for each in zip(draws, before, after, strict=True)))


def shown(plan: Plan, draw: Draw) -> Plan:
    """The plan of a draw as it may be kept: without values."""
    return redacted(plan, draw.names)


def amount(cost: float) -> str:
    """A cost for a person: `12,408`, `8.4`."""
    return f"{cost:,.0f}" if cost >= 100 else f"{cost:.1f}" if cost >= 1 else f"{cost:.2g}"


def percent(share: float) -> str:
    """A share for a person, with two digits where it is small: `42%`, `0.07%`."""
    return f"{share:.0%}" if share >= 0.1 else f"{share * 100:.2g}%"
