"""Index advice in words that every format shares: what it saves, how near to the best, what it costs, where tried."""

from collections.abc import Iterable

from pgadvisor.model.advice import CurvePoint, DroppedIndex, IndexAdvice, Measured, StatementEffect, ToldUnit, WhyNot
from pgadvisor.reports import format_numbers as numbers

HARDLY = 0.0005
"""A share that is shown as nothing."""
SEE_VALUES = "run ANALYZE, or ask as a role that may see their statistics"
FACTOR_FROM = 2.0
"""A change of this much and more reads better as how many times, a smaller one in percent."""


def is_advised(advice: IndexAdvice) -> bool:
    """Whether there is anything to do."""
    return bool(advice.create or advice.drop)


def is_measured(advice: IndexAdvice) -> bool:
    """Whether it was really built; else all of it is what the planner expects."""
    return bool(advice.measured) or advice.measured_ratio is not None


def amount(value: float, unit: ToldUnit) -> str:
    """`1.24 h a day`, `1.24 h` of all calls, or `cost 12,345` where no times are known."""
    return f"cost {numbers.count(value)}" if unit == "cost" else f"{_time(value)}{_a_day(unit)}"


def gain(value: float, unit: ToldUnit) -> str:
    """`saves 1.24 h a day`, `costs 3.1 s a day`, `saves nothing`."""
    if value == 0:
        return "saves nothing"
    return f"{'saves' if value > 0 else 'adds' if unit == 'cost' else 'costs'} {amount(abs(value), unit)}"


def from_to(before: float, after: float, unit: ToldUnit) -> str:
    """`1.24 h → 3.1 min a day`."""
    if unit == "cost":
        return f"cost {numbers.count(before)} → {numbers.count(after)}"
    return f"{_time(before)} → {_time(after)}{_a_day(unit)}"


def change(effect: StatementEffect) -> str:
    """By how much a statement changes: `27× less`, `12.0% more`."""
    ratio = effect.ratio
    if abs(ratio - 1) < HARDLY:
        return "the same"
    if ratio <= 1 / FACTOR_FROM:
        return f"{numbers.factor(1 / ratio)} less" if ratio > 1e-6 else "far less"
    if ratio >= FACTOR_FROM:
        return f"{numbers.factor(ratio)} more"
    return f"{numbers.share(abs(1 - ratio))} {'less' if ratio < 1 else 'more'}"


def effect_times(effect: StatementEffect, unit: ToldUnit) -> str:
    """A statement's time a day, or its cost, without and with the advice."""
    return from_to(effect.before, effect.after, unit)


def call_times(effect: StatementEffect) -> str:
    """A statement's time a call, without and with the advice built."""
    return f"{numbers.time(effect.before)} → {numbers.time(effect.after)}"


def to_do(advice: IndexAdvice) -> str:
    """`5 indexes to create, 2 to drop`; empty: nothing."""
    if advice.create and advice.drop:
        return f"{_indexes(len(advice.create))} to create, {len(advice.drop):,} to drop"
    if advice.create:
        return f"{_indexes(len(advice.create))} to create"
    return f"{_indexes(len(advice.drop))} to drop" if advice.drop else ""


def saving(advice: IndexAdvice) -> str:
    """What all of it saves, as a sentence; why nothing is advised, where that is so."""
    if not is_advised(advice):
        return advice.nothing_because or "No index to create or to drop was found that would help this workload."
    parts = [
        *([f"creating {_indexes(len(advice.create))}"] if advice.create else []),
        *([f"dropping {len(advice.drop):,}" if advice.create else f"dropping {_indexes(len(advice.drop))}"]
          if advice.drop else []),
    ]  # fmt: skip
    doing = " and ".join(parts)
    saved = 1 - advice.cost_ratio
    what = _whole(advice)
    told = f"{doing[:1].upper()}{doing[1:]}"
    if abs(saved) < HARDLY:
        return f"{told} leaves {what} as it is: {amount(advice.after, advice.told_unit)}."
    verb = "saves" if saved > 0 else "adds"
    share = f"{numbers.share(abs(saved))} {'of' if saved > 0 else 'to'} {what}"
    return f"{told} {verb} {share}: {from_to(advice.before, advice.after, advice.told_unit)}."


def low_confidence(advice: IndexAdvice) -> str:
    """That costs are guesses, as a sentence, where nothing is known of the values of tables; else nothing."""
    if not advice.guessed:
        return ""
    if len(advice.guessed) == len({each.table for each in advice.create}):
        return f"Low confidence: nothing is known of the values of its tables, so all costs are guesses: {SEE_VALUES}."
    told = ", ".join(advice.guessed[:3]) + (f" and {len(advice.guessed) - 3:,} more" if advice.guessed[3:] else "")
    return f"Low confidence for {told}, of whose values nothing is known: {SEE_VALUES}."


def standing(answer: WhyNot) -> str:
    """What becomes of an index that was asked about, in a word or two."""
    if answer.is_there:
        return "stays" if answer.is_chosen else "goes"
    return "advised" if answer.is_chosen else "not advised"


def is_same_change(answer: WhyNot) -> bool:
    """Whether it changes the same, to the same effect, today and beside the advice: once is enough to tell that."""
    return answer.alone == answer.beside and answer.gain_alone == answer.gain_beside


def helped(advice: IndexAdvice) -> str:
    """How many statements it helps and hurts, as a sentence; empty: none changes."""
    less, more = ("cheaper", "dearer") if advice.unit == "cost" else ("faster", "slower")
    better = sum(each.ratio < 1 for each in advice.statements)
    worse = [each.ratio for each in advice.statements if each.ratio > 1 and not each.is_write]
    paying = [each.ratio for each in advice.statements if each.ratio > 1 and each.is_write]
    if not better and not worse and not paying:
        return ""
    text = f"{numbers.plural(better, 'statement')} {'gets' if better == 1 else 'get'} {less}"
    if paying:
        text += f", {numbers.plural(len(paying), 'write')} {more} ({_at_most(max(paying))})"
    if worse:
        return f"{text}, {numbers.plural(len(worse), 'other')} {more} ({_at_most(max(worse))})."
    return f"{text}, no {'other' if paying else 'statement'} {more}."


def _at_most(ratio: float) -> str:
    return f"at most {numbers.factor(ratio)}" if ratio >= FACTOR_FROM else f"by at most {numbers.share(ratio - 1)}"


def proof(advice: IndexAdvice) -> str:
    """How near to the best it is, as a sentence; empty: no index was tried."""
    if not advice.candidates:
        return ""
    tried = f"no choice of the {advice.candidates:,} indexes tried" if advice.candidates > 1 else "the one index tried"
    if advice.gap >= 1 - HARDLY:
        return f"How near it is to the best choice of the {_indexes(advice.candidates)} tried is not proved."
    if advice.gap < HARDLY / 10:
        no_more = "saves more" if advice.candidates > 1 else "saves no more"
        return f"Proved over all plans made{_aside(advice)}: {tried} {no_more}."
    lower = amount(advice.bound, advice.told_unit)
    costs = "comes below" if advice.unit == "cost" else "takes less than"
    verb = costs if advice.candidates > 1 else f"cannot {costs.replace('takes', 'take').replace('comes', 'come')}"
    return (
        f"Proved over all plans made{_aside(advice)}: {tried} {verb} {lower}, {numbers.share(advice.gap)} below this."
    )


def _aside(advice: IndexAdvice) -> str:
    """What the proof leaves aside."""
    return f", gains below {advice.aside:.0%} of a statement aside" if advice.aside else ""


def price(advice: IndexAdvice) -> str:
    """What it costs in space and in writes, as a sentence; empty: nothing is known."""
    parts = []
    if advice.create:
        new = "The new index takes" if len(advice.create) == 1 else "The new indexes take"
        room = ""
        if advice.budget_bytes is not None:
            room = (
                f" of a budget of {numbers.size(advice.budget_bytes)}, a tenth of it kept free as sizes are predicted"
            )
        told = f"{new} {numbers.size(advice.size_bytes)}{room}"
        upkeep = sum(each.upkeep for each in advice.create)
        parts.append(f"{told}; writes pay {amount(upkeep, advice.told_unit)} for it" if upkeep > 0 else told)
    freed = sum(each.size_bytes or 0 for each in advice.drop)
    if freed:
        parts.append(f"{'the drops free' if parts else 'The drops free'} {numbers.size(freed)}")
    return f"{'; '.join(parts)}." if parts else ""


def trial(advice: IndexAdvice) -> str:
    """On what it was tried, as a sentence."""
    text = f"Tried on the {advice.tried_on}"
    if advice.considered:
        text += f": {numbers.plural(advice.considered, 'statement')}"
        text += f", {numbers.plural(advice.plans, 'plan')}" if advice.plans else ""
    if advice.left_out:
        text += f"; {numbers.plural(len(advice.left_out), 'statement')} left out and not counted"
    return f"{text}."


def measured(advice: IndexAdvice) -> str:
    """What it did when it was really built, as a sentence; empty: nothing was."""
    if not is_measured(advice):
        return ""
    text = "Really built on a copy of the database"
    ratio = advice.measured_ratio
    if ratio is None:
        return f"{text}, {numbers.plural(len(advice.measured), 'statement')} timed."
    saved = numbers.share(abs(1 - ratio))
    return (
        f"{text}, it {'saved' if ratio <= 1 else 'added'} {saved} {'of' if ratio <= 1 else 'to'} the time of all calls."
    )


def in_a_line(advice: IndexAdvice) -> str:
    """For a summary: what to do and what that saves, without a full stop."""
    if not is_advised(advice):
        return "no index to create or to drop"
    if advice.measured_ratio is not None and advice.measured_ratio < 1:
        built = numbers.share(1 - advice.measured_ratio)
        they = "they" if _is_several(advice) else "it"
        return f"{to_do(advice)}: built on a copy, {they} saved {built} of the time of all calls, measured"
    saved = 1 - advice.cost_ratio
    if abs(saved) < HARDLY:
        return to_do(advice)
    word = "save" if saved > 0 else "add"
    doing = f"together they {word}" if _is_several(advice) else f"it {word}s"
    return f"{to_do(advice)}: {doing} {numbers.share(abs(saved))} of {_whole(advice)}, estimated"


def measured_change(timed: Measured) -> StatementEffect:
    """The times of a statement as an effect, so that it is told like one."""
    ratio = timed.after_ms / timed.before_ms if timed.before_ms > 0 else 1.0
    return StatementEffect(statement=timed.statement, ratio=ratio, before=timed.before_ms, after=timed.after_ms)


def action(dropped: DroppedIndex) -> str:
    """`drop`, or `replace` where another index does its work."""
    return "replace" if dropped.why == "replaced" else "drop"


def budget(point: CurvePoint) -> str:
    """`500 MB`, or that there is none."""
    return "no limit" if point.budget_bytes is None else numbers.size(point.budget_bytes)


def proved(point: CurvePoint) -> str:
    """Within what share of the best it is proved to be."""
    return numbers.share(point.gap) if point.gap < 1 - HARDLY else numbers.UNKNOWN


def saved(point: CurvePoint) -> float:
    """Share of the workload's cost that it saves, 0 to 1."""
    return min(max(1 - point.cost_ratio, 0.0), 1.0)


def is_choice(points: Iterable[CurvePoint]) -> bool:
    """Whether other room gives other indexes; else there is nothing to show."""
    return len({point.size_bytes for point in points}) > 1


def knee(points: Iterable[CurvePoint]) -> str:
    """Up to where more room pays, as a sentence; empty: there is no such place."""
    every = tuple(points)
    found = next((point for point in every if point.is_knee), None)
    if found is None:
        return ""
    told = (
        f"{_indexes(found.indexes).capitalize()} of {numbers.size(found.size_bytes)} "
        f"{'save' if found.indexes != 1 else 'saves'} {numbers.share(saved(found))}"
    )
    most = max(every, key=saved)
    more, room = saved(most) - saved(found), most.size_bytes - found.size_bytes
    if more < HARDLY or room <= 0:
        return f"{told}; more room saves no more."
    return f"{told}; {numbers.size(room)} more would save {numbers.share(more)} more."


def _a_day(unit: ToldUnit) -> str:
    return " a day" if unit == "ms a day" else ""


def _time(ms: float) -> str:
    """Nothing finer than a millisecond in all is worth a word."""
    return "<1 ms" if 0 < ms < 1 else numbers.time(ms)


def _is_several(advice: IndexAdvice) -> bool:
    return len(advice.create) + len(advice.drop) > 1


def _indexes(number: int) -> str:
    return numbers.plural(number, "index", "indexes")


def _whole(advice: IndexAdvice) -> str:
    if advice.unit == "cost":
        return "the workload's planned cost"
    return "the workload's time" if advice.is_per_day else "the time of the workload's calls"
