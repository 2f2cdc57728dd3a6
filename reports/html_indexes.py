"""Index advice as the HTML page shows it: a row an index, links between what belongs together, nothing without end."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pgadvisor.model.advice import (
    AdvisedIndex,
    DroppedIndex,
    IndexAdvice,
    KeptIndex,
    StatementEffect,
    ToldUnit,
    WhyNot,
)
from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.report import Report
from pgadvisor.reports import index_words
from pgadvisor.reports.html_statements import StatementView
from pgadvisor.reports.picture_curve import Curve, curve_of

MOST_EFFECTS = 8
"""Statements that an index helps, or hurts, by name; the rest is counted."""
MOST_CHANGED = 100
"""Statements in the list of all that change, and of those that were timed or left out."""
IN_FULL = 40
"""Indexes that show their plans, checks and MOST_EFFECTS: those that give most for their size come first."""
FEW_EFFECTS = 3
"""Of an index beyond those."""
MOST_KEPT = 500
"""Kept indexes with a line each: what is beyond is with its table."""


class EffectView(NamedTuple):
    """What happens to a statement, in words, with where the statement is shown."""

    label: str
    anchor: str | None
    times: str
    """`1.2 h → 3.1 s a day`."""
    change: str
    """`27× less`."""


class Effects(NamedTuple):
    """The first of some effects, and how many there are beyond."""

    shown: tuple[EffectView, ...]
    beyond: int


class Named(NamedTuple):
    """An index that another one speaks of, with its row where it has one."""

    name: str
    anchor: str | None


class CreatedView(NamedTuple):
    """An index to create."""

    anchor: str
    it: AdvisedIndex
    table_anchor: str | None
    helps: Effects
    hurts: Effects
    comparison: PlanComparison | None
    checks: tuple[str, ...]


class DroppedView(NamedTuple):
    """An index to drop."""

    anchor: str
    it: DroppedIndex
    table_anchor: str | None
    replaced_by: tuple[Named, ...]


class KeptView(NamedTuple):
    """An index that stays."""

    it: KeptIndex
    table_anchor: str | None


class WhyView(NamedTuple):
    """The answer to what the user asked about an index."""

    answer: WhyNot
    alone: Effects
    beside: Effects
    dominated_by: tuple[Named, ...]


class AdviceView(NamedTuple):
    """All that the section of the indexes shows."""

    advice: IndexAdvice
    created: tuple[CreatedView, ...]
    dropped: tuple[DroppedView, ...]
    kept: tuple[KeptView, ...]
    kept_beyond: int
    why: tuple[WhyView, ...]
    changed: Effects
    measured: Effects
    left_out: tuple[tuple[str, str | None, str], ...]
    """Label, anchor, and why."""
    curve: Curve | None


def advice_view(
    report: Report, statements: Mapping[str, StatementView], table_anchors: Mapping[str, str]
) -> AdviceView | None:
    """The advice of the report; None: it has none. `statements`: by key. `table_anchors`: by `schema.table`."""
    advice = report.advice
    if advice is None:
        return None
    views = _Views(advice, statements, table_anchors)
    return AdviceView(
        advice=advice,
        created=tuple(views.created(at, index) for at, index in enumerate(advice.create, start=1)),
        dropped=tuple(views.dropped(at, index) for at, index in enumerate(advice.drop, start=1)),
        kept=tuple(KeptView(index, table_anchors.get(index.table)) for index in advice.keep[:MOST_KEPT]),
        kept_beyond=max(0, len(advice.keep) - MOST_KEPT),
        why=tuple(map(views.why, advice.why)),
        changed=views.effects(advice.statements, MOST_CHANGED),
        measured=views.effects(map(index_words.measured_change, advice.measured), MOST_CHANGED, a_call=True),
        left_out=tuple((*views.named(key), why) for key, why in advice.left_out[:MOST_CHANGED]),
        curve=curve_of(advice),
    )


class _Views:
    """Makes the parts of the section, with what they link to."""

    def __init__(
        self, advice: IndexAdvice, statements: Mapping[str, StatementView], table_anchors: Mapping[str, str]
    ) -> None:
        self._unit: ToldUnit = advice.told_unit
        self._statements = statements
        self._table_anchors = table_anchors
        self._rows: dict[str, str] = {index.name: f"id-{at}" for at, index in enumerate(advice.drop, start=1)}
        for at, index in enumerate(advice.create, start=1):
            schema = index.table.partition(".")[0]
            self._rows.update({index.name: f"ic-{at}", f"{schema}.{index.name}": f"ic-{at}"})

    def created(self, at: int, index: AdvisedIndex) -> CreatedView:
        """The row of an index to create; `at`: its place, from 1."""
        most = MOST_EFFECTS if at <= IN_FULL else FEW_EFFECTS
        return CreatedView(
            anchor=f"ic-{at}",
            it=index,
            table_anchor=self._table_anchors.get(index.table),
            helps=self.effects(index.helps, most),
            hurts=self.effects(index.hurts, most),
            comparison=index.comparison if at <= IN_FULL else None,
            checks=index.checks if at <= IN_FULL else (),
        )

    def dropped(self, at: int, index: DroppedIndex) -> DroppedView:
        """The row of an index to drop; `at`: its place, from 1."""
        by = tuple(Named(name, self._rows.get(name)) for name in index.replaced_by)
        return DroppedView(f"id-{at}", index, self._table_anchors.get(index.table), by)

    def why(self, answer: WhyNot) -> WhyView:
        """What is shown of an answer."""
        by = tuple(Named(name, self._rows.get(name)) for name in answer.dominated_by)
        return WhyView(answer, self.effects(answer.alone), self.effects(answer.beside), by)

    def effects(self, some: Iterable[StatementEffect], most: int = MOST_EFFECTS, *, a_call: bool = False) -> Effects:
        """The first of the effects in words. `a_call`: they are times of single calls."""
        every = tuple(some)
        return Effects(tuple(self._effect(each, a_call) for each in every[:most]), max(0, len(every) - most))

    def named(self, key: str) -> tuple[str, str | None]:
        """A statement's label with its anchor; its key where the report does not hold it."""
        view = self._statements.get(key)
        return (key, None) if view is None else (view.label, view.anchor)

    def _effect(self, effect: StatementEffect, a_call: bool) -> EffectView:
        times = index_words.call_times(effect) if a_call else index_words.effect_times(effect, self._unit)
        return EffectView(*self.named(effect.statement), times, index_words.change(effect))
