"""The workload planned on the schema before and after the migrations: which statements change, and by what."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pgadvisor.facts import Facts
from pgadvisor.gate.schema_change import Effect, SchemaChange
from pgadvisor.model.plan import Plan, PlanComparison
from pgadvisor.model.plan_change import PlanChange, WholeRead
from pgadvisor.model.whatif import NOTHING, Answer, Configuration, Planner, Question
from pgadvisor.parameters.draws import Draw, DrawnStatement
from pgadvisor.parameters.redaction import redacted
from pgadvisor.planner.twin_changes import successors
from pgadvisor.sql.endpoint_name import endpoint_name

SAME = 1e-6
"""Relative: what is left of rounding where two plans are one."""
LABEL = 80
_NO_WHOLE_READS = Configuration(settings=(("enable_seqscan", "off"),))


class Both(NamedTuple):
    """One statement planned on both: of each draw its text's answer, before and after."""

    drawn: DrawnStatement
    redrawn: DrawnStatement
    """For the schema afterwards; the same but where its parameters have other types."""
    before: tuple[Answer, ...]
    after: tuple[Answer, ...]

    @property
    def costs(self) -> tuple[float, float]:
        """In the mean over the values asked for."""
        return _mean(self.drawn.draws, self.before), _mean(self.redrawn.draws, self.after)


Redraw = Callable[[str], DrawnStatement]
"""Draws the statement of that key on the schema afterwards."""


class Comparing:
    """Compares the plans of one workload."""

    def __init__(self, before: Planner, after: Planner, change: SchemaChange, facts: Facts) -> None:
        """`facts`: of the snapshot, as it is."""
        self._before, self._after = before, after
        self._change = change
        self._facts = facts
        became = successors(change.initial, change.final)
        self._index_now = {
            each.qualified: became[oid].qualified if oid in became else None
            for oid, each in change.initial.items()
            if each.is_index
        }
        self._table_now = {
            each.qualified: became[oid].qualified
            for oid, each in change.initial.items()
            if not each.is_index and oid in became
        }
        self._old_oids = {each.qualified: oid for oid, each in change.initial.items()}
        self._new_oids = {each.qualified: oid for oid, each in change.final.items()}
        self.used: dict[str, set[str]] = {}
        """By index as it is called afterwards, the keys of the statements whose plans use it then."""
        self.planned = 0

    def changes(self, drawn: Sequence[DrawnStatement], redraw: Redraw) -> list[PlanChange]:
        """The statements that change; those that the server refuses afterwards first."""
        broken = [self._broken(key) for key in self._change.broken]
        sound = [each for each in drawn if each.draws and each.statement not in self._change.broken]
        both = [each for each in self._planned(sound, redraw) if each is not None]
        self.planned = len(both) + len(broken)
        weights = {each.drawn.statement: self._weight(each) for each in both}
        total = sum(weights.values()) or 1.0
        found = []
        for each in both:
            for answer in each.after:
                for index in answer.indexes_used:
                    self.used.setdefault(index, set()).add(each.drawn.statement)
            if self._is_other(each):
                share = self._facts.share(each.drawn.statement)
                found.append(self._changed(each, weights[each.drawn.statement] / total if share is None else share))
        found.sort(key=lambda each: (-(each.share or 0.0) * abs(each.ratio - 1.0), each.statement))
        return [*broken, *found]

    def _weight(self, both: Both) -> float:
        statement = self._facts.statement(both.drawn.statement)
        calls = statement.calls if statement and statement.calls is not None else 1
        return calls * both.costs[0]

    def _broken(self, key: str) -> PlanChange:
        found = self._change.broken[key]
        query = self._facts.queries.get(key)
        tables = [self._facts.table(each.table) for each in query.tables()] if query else []
        names = tuple(dict.fromkeys(each.qualified for each in tables if each))
        return PlanChange(
            statement=key, place=found.place, error=found.error, share=self._facts.share(key), tables=names,
            label=self._label(key), endpoint=self._endpoint(key),
        )  # fmt: skip

    def _label(self, key: str) -> str:
        """A text of the server's has no values; one of a file may, and goes by its name or place."""
        found = self._facts.statement(key)
        if found is None:
            return key
        place = f"{found.file or 'statement'}:{found.line or found.position}" if found.position is not None else None
        text = " ".join((found.name or place or found.text).split())
        return text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"

    def _endpoint(self, key: str) -> str | None:
        found = self._facts.statement(key)
        return endpoint_name(found.tags) if found else None

    def _planned(self, drawn: Sequence[DrawnStatement], redraw: Redraw) -> Iterator[Both | None]:
        """Of each its costs on both; None where it could not be planned on one of them."""
        anew = {
            each.statement: redraw(each.statement) if each.statement in self._change.types else each for each in drawn
        }
        before = _costs(self._before, drawn)
        after = _costs(self._after, list(anew.values()))
        for each in drawn:
            now = anew[each.statement]
            answers = [before[draw.text] for draw in each.draws]
            answers_now = [after[draw.text] for draw in now.draws]
            if not now.draws or any(found.error for found in (*answers, *answers_now)):
                yield None
            else:
                yield Both(each, now, tuple(answers), tuple(answers_now))

    def _is_other(self, both: Both) -> bool:
        if both.drawn.draws != both.redrawn.draws:
            one, other = both.costs
            return abs(one - other) > SAME * max(one, 1.0) or self._uses(both.before) != _used(both.after)
        return any(
            abs((one.cost or 0.0) - (other.cost or 0.0)) > SAME * max(one.cost or 0.0, 1.0)
            or self._uses((one,)) != _used((other,))
            for one, other in zip(both.before, both.after, strict=True)
        )

    def _uses(self, answers: Iterable[Answer]) -> set[str | None]:
        """The indexes used before, as they are called afterwards; None: one that is gone."""
        return {self._index_now.get(each, each) for each in _used(answers)}

    def _changed(self, both: Both, share: float) -> PlanChange:
        draw, draw_now = _most_changed(both)
        before, after = self._before.plan(draw.text), self._after.plan(draw_now.text)
        assert before.plan is not None and after.plan is not None  # it was planned a moment ago
        used, used_now = _used(both.before), _used(both.after)
        gone = tuple(sorted(each for each in used if self._index_now.get(each, each) is None))
        tables = tuple(dict.fromkeys((*_tables(before.plan), *_tables(after.plan))))
        effect = self._cause(gone, tables, used_now)
        cost, cost_now = both.costs
        return PlanChange(
            statement=both.drawn.statement,
            place=effect.place,
            label=self._label(both.drawn.statement),
            endpoint=self._endpoint(both.drawn.statement),
            before=cost,
            after=cost_now,
            share=share,
            tables=tables,
            gone_indexes=gone,
            lost_indexes=() if gone else self._lost(used, used_now, both.redrawn, effect),
            new_indexes=tuple(sorted(each for each in used_now if self._is_new(each))),
            whole_reads=self._whole_reads(before.plan, after.plan),
            comparison=PlanComparison(
                change=effect.place.text,
                before=redacted(before.plan, draw.names),
                after=redacted(after.plan, draw_now.names),
                tried_on=self._after.label,
            ),
            doubts=after.doubts,
        )

    def _is_new(self, index: str) -> bool:
        return index in self._new_oids and index not in set(self._index_now.values())

    def _cause(self, gone: Sequence[str], tables: Sequence[str], used_now: set[str]) -> Effect:
        """The statement that did it: the one that dropped an index that was used, changed a column's type, made an
        index that is used, or else touched a table of the plan last."""
        effects = self._change.effects
        dropped = {self._old_oids[each] for each in gone if each in self._old_oids}
        made = {self._new_oids[each] for each in used_now if each in self._new_oids}
        oids = {self._old_oids.get(each) or self._new_oids.get(each, 0) for each in tables}
        touches: list[Callable[[Effect], Iterable[object]]] = [
            lambda each: each.gone & dropped,
            lambda each: each.retyped & oids,
            lambda each: each.made & made,
            lambda each: each.tables & oids,
            lambda each: each.tables,
        ]
        for touched in touches:
            if found := [each for each in effects if touched(each)]:
                return found[-1]
        return effects[-1]

    def _lost(self, used: set[str], used_now: set[str], drawn: DrawnStatement, effect: Effect) -> tuple[str, ...]:
        """Indexes that stand and are not used, not even where reading whole tables is forbidden: a type changed."""
        left = sorted(each for each in used if self._index_now.get(each, each) not in used_now)
        if not left or not effect.retyped:
            return ()
        texts = tuple(draw.text for draw in drawn.draws)
        usable = _used(self._after.costs([Question(_NO_WHOLE_READS, texts)])[0])
        return tuple(each for each in left if self._index_now.get(each, each) not in usable)

    def _whole_reads(self, before: Plan, after: Plan) -> tuple[WholeRead, ...]:
        read = {self._table_now.get(each, each) for each in _read_whole(before)}
        was = {now: name for name, now in self._table_now.items()}
        found = [
            WholeRead(table=each, size_bytes=size)
            for each in sorted(_read_whole(after) - read)
            if (size := self._facts.heap_bytes(was.get(each, each))) is not None
        ]
        return tuple(sorted(found, key=lambda each: (-each.size_bytes, each.table)))


def _costs(planner: Planner, drawn: Sequence[DrawnStatement]) -> Mapping[str, Answer]:
    texts = tuple(dict.fromkeys(draw.text for each in drawn for draw in each.draws))
    return dict(zip(texts, planner.costs([Question(NOTHING, texts)])[0], strict=True))


def _mean(draws: Sequence[Draw], answers: Sequence[Answer]) -> float:
    return sum(draw.weight * (answer.cost or 0.0) for draw, answer in zip(draws, answers, strict=True))


def _most_changed(both: Both) -> tuple[Draw, Draw]:
    """The draw whose cost changes most, weighed; where the draws differ the likeliest of each."""
    if both.drawn.draws != both.redrawn.draws:
        return both.drawn.draws[0], both.redrawn.draws[0]
    changed = [
        draw.weight * abs((one.cost or 0.0) - (other.cost or 0.0))
        for draw, one, other in zip(both.drawn.draws, both.before, both.after, strict=True)
    ]
    draw = both.drawn.draws[changed.index(max(changed))]
    return draw, draw


def _used(answers: Iterable[Answer]) -> set[str]:
    return {index for answer in answers for index in answer.indexes_used}


def _tables(plan: Plan) -> Iterator[str]:
    return (f"{node.schema}.{node.table}" for node in plan.root.walk() if node.table and node.schema)


def _read_whole(plan: Plan) -> set[str]:
    return {
        f"{node.schema}.{node.table}"
        for node in plan.root.walk()
        if node.node_type == "Seq Scan" and node.table and node.schema
    }
