"""Index advice as it stands in the JSON report."""

import math
from collections.abc import Iterable, Mapping

from pgadvisor.model.advice import (
    AdvisedIndex,
    CurvePoint,
    DroppedIndex,
    IndexAdvice,
    KeptIndex,
    StatementEffect,
    Unit,
    WhyNot,
)
from pgadvisor.model.plan import PlanComparison
from pgadvisor.reports.json_index_records import (
    JsonAdvice,
    JsonComparedCosts,
    JsonCreate,
    JsonCurvePoint,
    JsonDrop,
    JsonEffect,
    JsonKeep,
    JsonLeftOut,
    JsonMeasured,
    JsonWhyNot,
)
from pgadvisor.reports.json_record import Key

Positions = Mapping[str, int]
"""`Statement.key` to the position in the file, for statements of a file."""


def advice_of(advice: IndexAdvice, at: Positions) -> JsonAdvice:
    """The advice, its statements by the keys that the report uses."""
    return JsonAdvice(
        create=tuple(_create(each, advice.unit, at) for each in advice.create),
        drop=tuple(_drop(each, advice.unit) for each in advice.drop),
        keep=tuple(_keep(each, at) for each in advice.keep),
        unit=advice.unit,
        before=_amount(advice.before),
        after=_amount(advice.after),
        cost_ratio=_share(advice.cost_ratio),
        bound=_bound(advice.bound / advice.before if advice.before > 0 else 1.0),
        gap=_share(advice.gap),
        budget_bytes=advice.budget_bytes,
        size_bytes=advice.size_bytes,
        curve=tuple(_point(each) for each in advice.curve),
        statements=_effects(advice.statements, at),
        tried_on=advice.tried_on,
        candidates=advice.candidates,
        plans=advice.plans,
        considered=advice.considered,
        left_out=tuple(JsonLeftOut(statement=at.get(key, key), reason=why) for key, why in advice.left_out),
        nothing_because=advice.nothing_because,
        doubts=advice.doubts,
        guessed=advice.guessed,
        why=tuple(_why(each, at) for each in advice.why),
        measured=tuple(
            JsonMeasured(statement=at.get(each.statement, each.statement), before_ms=_amount(each.before_ms),
                         after_ms=_amount(each.after_ms))
            for each in advice.measured
        ),
        measured_ratio=None if advice.measured_ratio is None else _share(advice.measured_ratio),
    )  # fmt: skip


def _create(index: AdvisedIndex, unit: Unit, at: Positions) -> JsonCreate:
    return JsonCreate(
        name=index.name,
        table=index.table,
        definition=index.definition,
        sql=index.sql,
        then=index.then,
        undo=index.undo,
        lock=index.lock,
        size_bytes=index.size_bytes,
        build_s=None if index.build_s is None else _amount(index.build_s),
        gain_ms_per_day=_amount(index.gain) if unit == "ms" else None,
        gain=_amount(index.gain),
        unit=unit,
        upkeep=_amount(index.upkeep),
        helps=_effects(index.helps, at),
        hurts=_effects(index.hurts, at),
        checks=index.checks,
        doubts=index.doubts,
        comparison=_costs(index.comparison) if index.comparison else None,
    )


def _drop(index: DroppedIndex, unit: Unit) -> JsonDrop:
    return JsonDrop(
        name=index.name,
        table=index.table,
        why=index.why,
        reason=index.reason,
        sql=index.sql,
        undo=index.undo,
        lock=index.lock,
        size_bytes=index.size_bytes,
        gain_ms_per_day=_amount(index.gain) if unit == "ms" else None,
        gain=_amount(index.gain),
        unit=unit,
        helps=(),
        hurts=(),
        replaced_by=index.replaced_by,
        cautions=index.cautions,
    )


def _keep(index: KeptIndex, at: Positions) -> JsonKeep:
    return JsonKeep(
        name=index.name,
        table=index.table,
        definition=index.definition,
        why=index.why,
        size_bytes=index.size_bytes,
        statements=tuple(_keys(index.statements, at)),
    )


def _point(point: CurvePoint) -> JsonCurvePoint:
    return JsonCurvePoint(
        budget_bytes=point.budget_bytes,
        size_bytes=point.size_bytes,
        indexes=point.indexes,
        cost_ratio=_share(point.cost_ratio),
        bound=_bound(point.bound),
        gap=_share(point.gap),
        is_knee=point.is_knee,
    )


def _why(answer: WhyNot, at: Positions) -> JsonWhyNot:
    return JsonWhyNot(
        definition=answer.definition,
        is_chosen=answer.is_chosen,
        is_there=answer.is_there,
        verdict=answer.verdict,
        alone=_effects(answer.alone, at),
        beside=_effects(answer.beside, at),
        size_bytes=answer.size_bytes,
        upkeep=_amount(answer.upkeep),
        gain_alone=_gain(answer.gain_alone),
        gain_beside=_gain(answer.gain_beside),
        dominated_by=answer.dominated_by,
        error=answer.error,
    )


def _costs(compared: PlanComparison) -> JsonComparedCosts:
    return JsonComparedCosts(
        cost_before=_amount(compared.before.root.total_cost), cost_after=_amount(compared.after.root.total_cost)
    )


def _effects(effects: Iterable[StatementEffect], at: Positions) -> tuple[JsonEffect, ...]:
    return tuple(
        JsonEffect(
            statement=at.get(each.statement, each.statement),
            ratio=_share(each.ratio),
            before=_amount(each.before),
            after=_amount(each.after),
        )
        for each in effects
    )


def _keys(keys: Iterable[str], at: Positions) -> Iterable[Key]:
    return (at.get(key, key) for key in keys)


def _amount(value: float) -> float:
    """To a thousandth: what is beyond is noise of the arithmetic. JSON has no infinity."""
    return round(value, 3) if math.isfinite(value) else 0.0


def _gain(value: float | None) -> float | None:
    return None if value is None else _amount(value)


def _share(value: float) -> float:
    """To a millionth: a workload may fall to less than a thousandth of its cost."""
    return round(value, 6) if math.isfinite(value) else 1.0


def _bound(ratio: float) -> float | None:
    return _share(ratio) if math.isfinite(ratio) else None
