"""Several draws of a statement's values, each with its weight: advice must hold for most of them, not for one.

What is not known is how often each value is asked for. The draws take it that values are asked for as often as rows
have them, unless the statement's own rows per call say that this cannot be. Nothing is random: the same statistics
give the same draws.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from pgadvisor.model.plan import DrawLabel
from pgadvisor.model.record import Record
from pgadvisor.parameters.distribution import MOST_APART
from pgadvisor.parameters.nulls import takes_null
from pgadvisor.parameters.redaction import names_of_values
from pgadvisor.parameters.roles import Role
from pgadvisor.parameters.types import Typed
from pgadvisor.parameters.values import Chosen, Values, calibrated, quoted_value, with_values

TYPICAL = 0.6
"""Weight of the typical draw where nothing says how often other values are asked for; more and fewer rows share the
rest, so that neither alone decides about advice that must hold for 80 %."""
WIDER, NARROWER = 2.0, 0.25
"""Factors on the width of ranges, for draws with more rows and with fewer."""
LOGGED_PRIOR = 2.0
"""So many calls the values from statistics are worth beside those that a log holds."""
LEAST_WEIGHT = 0.005
"""Draws below it change no advice and cost as much planning as others."""


class Draw(Record):
    """A statement's text with one choice of values. It holds users' data: for the planner alone, never for output."""

    text: str
    weight: float
    """Of all calls, about what share has values like these; those of a statement sum to 1."""
    label: DrawLabel
    names: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Values in it that stand for parameters, with the parameters' names: what redacts a plan of it."""


class DrawnStatement(Record):
    """A statement as a planner without its parameters can plan it."""

    statement: str
    """`Statement.key`."""
    draws: tuple[Draw, ...] = ()
    """Logged values first, else the typical ones; none: it cannot be planned."""
    reason: str | None = None
    """Why there are none, as a clause."""
    is_refused: bool = False
    """The text itself is at fault: a table or column of it does not exist."""
    generic: str | None = None
    """Its text for any values of its parameters: what a generic plan is made for; None: it has no parameters."""
    unknown: tuple[str, ...] = ()
    """Parameters of which no value is known (`$1`): its one draw stands for any value of them."""

    @property
    def is_sure(self) -> bool:
        """Whether values stand for all its parameters."""
        return bool(self.draws) and not self.unknown


class _Choice(NamedTuple):
    chosen: Chosen
    weight: float
    label: DrawLabel


Logged = Mapping[int, str | None]
"""The values of one call that a log holds, by the parameters' numbers in the statement's text; None is NULL."""


def draws_of(
    typed: Typed, values: Values, rows_of: Callable[[Chosen], float], logged: Sequence[Logged] = ()
) -> tuple[tuple[Draw, ...], frozenset[int]]:
    """The draws, those with logged values first, then the typical one; and the parameters (by the form's numbers) of
    which nothing is known.

    `rows_of` asks the planner how many rows it expects with these values.
    """
    typical, width = calibrated(values, rows_of)
    if typical.unknown and (sure := [each for each in _logged(typed, typical, (), logged) if not each.chosen.unknown]):
        return tuple(_draw(typed, each) for each in _shared(sure)), frozenset()
    if typical.unknown:
        return (_draw(typed, _Choice(with_any_values(typed, typical), 1.0, "typical")),), typical.unknown
    choices = [_Choice(typical, 0.0, "typical"), *_weighed(values, typical, width)]
    choices = _omitting(typed, values, _merged(choices))
    choices = _as_seen(choices, values.rows_tell, rows_of)
    choices = [*_logged(typed, typical, choices, logged)]
    return tuple(_draw(typed, each) for each in _shared(choices)), frozenset()


def _shared(choices: Sequence[_Choice]) -> list[_Choice]:
    """Each once, without those that hardly ever come; their weights sum to 1."""
    worth = [each for each in _merged(choices) if each.weight >= LEAST_WEIGHT or each.label == "typical"]
    whole = sum(each.weight for each in worth)
    return [each._replace(weight=each.weight / whole) for each in worth]


def with_any_values(typed: Typed, chosen: Chosen) -> Chosen:
    """The values, and for what is not known an expression of which the planner knows as little: it then plans for any
    value, as a generic plan does, but a text with such expressions has no parameters."""
    anything = {at: f"(SELECT NULL::{typed.types[at - 1]})::{typed.types[at - 1]}" for at in chosen.unknown}
    return msgspec.structs.replace(chosen, literals={**chosen.literals, **anything})


def _draw(typed: Typed, choice: _Choice) -> Draw:
    chosen = choice.chosen
    return Draw(
        text=with_values(typed.form, chosen.literals),
        weight=choice.weight,
        label=choice.label,
        names=names_of_values(chosen.texts, typed.form.numbers),
    )


def _weighed(values: Values, typical: Chosen, width: float | None) -> Iterator[_Choice]:
    """The typical values and others; the weights sum to 1, and values may come twice."""
    pivot = _pivot(values)
    if pivot is not None:
        yield from _by_frequency(values, pivot, typical, width)
    elif any(role.distribution for role in values.roles.values()):
        rest = (1.0 - TYPICAL) / 2
        yield _Choice(values.at(width, rank=0, stretch=WIDER), rest, "frequent")
        yield _Choice(values.at(width, rank=-1, stretch=NARROWER), rest, "rare")
        yield _Choice(typical, TYPICAL, "typical")
    else:
        yield _Choice(typical, 1.0, "typical")


def _pivot(values: Values) -> int | None:
    """The parameter by whose frequencies the draws are weighed: the equality whose values differ most in them.

    The others move with it, the frequent values together and the rare ones together: the ends of what is possible.
    """

    def first_share(role: Role) -> float:
        groups = role.distribution.groups if role.distribution else ()
        return groups[0][1] if len(groups) > 1 else 0.0

    fitting = {
        at: first_share(role)
        for at, role in values.roles.items()
        if role.kind == "equal" and role.length == 1 and not role.is_excluding and first_share(role)
    }
    return max(fitting, key=lambda at: (fitting[at], -at)) if fitting else None


def _by_frequency(values: Values, pivot: int, typical: Chosen, width: float | None) -> Iterator[_Choice]:
    """The values of each rank, weighed by how many rows have the like of them.

    The typical values belong to one of these ranks, and share its weight.
    """
    distribution = values.roles[pivot].distribution
    assert distribution is not None
    groups = distribution.groups
    choices = [
        _Choice(values.at(width, rank=rank), share, "frequent" if rank < MOST_APART else "rare")
        for rank, (_, share) in enumerate(groups)
    ]
    texts = [each.chosen.texts.get(pivot) for each in choices]
    own = typical.texts.get(pivot)
    home = texts.index(own) if own in texts else len(choices) - 1
    for rank, choice in enumerate(choices):
        label = choice.label if rank <= home else "rare"
        if rank == home and choice.chosen.literals != typical.literals:
            yield _Choice(typical, choice.weight / 2, "typical")
            yield _Choice(choice.chosen, choice.weight / 2, label)
        else:
            yield _Choice(choice.chosen, choice.weight, label)


def _merged(choices: Sequence[_Choice]) -> list[_Choice]:
    """Those of the same values as one, with the first's label."""
    found: dict[tuple[tuple[int, str], ...], _Choice] = {}
    for each in choices:
        key = tuple(sorted(each.chosen.literals.items()))
        known = found.get(key)
        found[key] = each if known is None else known._replace(weight=known.weight + each.weight)
    return list(found.values())


def _omitting(typed: Typed, values: Values, choices: list[_Choice]) -> list[_Choice]:
    """The choices, and one with NULL for the parameters that may be NULL without emptying the result."""
    places = takes_null(typed.form, values)
    if not places:
        return choices
    typical = choices[0].chosen
    share = max(places.values())
    omitted = msgspec.structs.replace(
        typical,
        literals={**typical.literals, **dict.fromkeys(places, "NULL")},
        texts={at: text for at, text in typical.texts.items() if at not in places},
    )
    kept = [each._replace(weight=each.weight * (1.0 - share)) for each in choices]
    return [*kept, _Choice(omitted, share, "null")]


def _as_seen(choices: list[_Choice], seen: float | None, rows_of: Callable[[Chosen], float]) -> list[_Choice]:
    """The choices with no more weight than the rows of a call allow; the typical one takes what they lose.

    Were values that give `n` rows asked for in more than `seen / n` of the calls, a call would give more than `seen`
    rows in the mean (Markov's inequality).
    """
    if seen is None or len(choices) == 1:
        return choices
    typical, *others = choices
    bounded = [
        each._replace(weight=min(each.weight, max(seen, 1.0) / max(rows_of(each.chosen), 1.0))) for each in others
    ]
    lost = sum(each.weight for each in others) - sum(each.weight for each in bounded)
    return [typical._replace(weight=typical.weight + lost), *bounded]


def _logged(typed: Typed, typical: Chosen, choices: Sequence[_Choice], logged: Sequence[Logged]) -> Iterator[_Choice]:
    """The values that a log holds, as often as it holds them, before those from statistics."""
    share = len(logged) / (len(logged) + LOGGED_PRIOR)
    for each in logged:
        given = {at: each[number] for at, number in enumerate(typed.form.numbers, 1) if number in each}
        literals = {at: "NULL" if text is None else quoted_value(text) for at, text in given.items()}
        others = {at: text for at, text in typical.texts.items() if at not in given}
        chosen = msgspec.structs.replace(
            typical,
            literals={**typical.literals, **literals},
            texts={**others, **{at: text for at, text in given.items() if text is not None}},
            unknown=typical.unknown - given.keys(),
        )
        yield _Choice(chosen, share / len(logged), "logged")
    for choice in choices:
        yield choice._replace(weight=choice.weight * (1.0 - share))
