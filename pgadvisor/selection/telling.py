"""The choice told as advice: each index with what it gives and costs by itself, and each drop with its reason."""

from collections.abc import Iterable, Sequence

from pgadvisor.facts import Facts
from pgadvisor.indexes.build_plan import build, build_order
from pgadvisor.indexes.names import IndexNames
from pgadvisor.model.advice import AdvisedIndex, CurvePoint, DroppedIndex, IndexAdvice, KeptIndex
from pgadvisor.model.catalog import Index
from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.whatif import Planner
from pgadvisor.selection.comparing import compared
from pgadvisor.selection.drops import Around, dropped, kept
from pgadvisor.selection.effects import Effects
from pgadvisor.selection.existing import as_index, supported_keys, unexplained_scans
from pgadvisor.selection.matrix import Matrix, Set
from pgadvisor.selection.problem import Choice
from pgadvisor.selection.terms import Terms
from pgadvisor.selection.weighing import Weighed
from pgadvisor.selection.why import Asked, why
from pgadvisor.selection.wishes import Wishes

LEAST_GAIN = 1e-5
"""As a share of the workload's cost: an index that saves less is not worth the words."""


class Telling:
    """Tells one choice."""

    def __init__(
        self, facts: Facts, planner: Planner, matrix: Matrix, terms: Terms, effects: Effects, wishes: Wishes
    ) -> None:
        self._facts = facts
        self._planner = planner
        self._matrix = matrix
        self._terms = terms
        self._effects = effects
        self._wishes = wishes
        self._names = IndexNames(facts)

    def advice(self, weighed: Weighed, choice: Choice, curve: Sequence[CurvePoint]) -> IndexAdvice:
        """All of it."""
        today = self._matrix.today
        chosen = self._worth_it(frozenset(choice.chosen))
        created, gone = sorted(chosen - today), sorted(today - chosen)
        made = build_order(self._advised(number, chosen, weighed) for number in created)
        before, after = self._effects.total(today), self._effects.total(chosen)
        return IndexAdvice(
            unit=weighed.unit,
            tried_on=self._planner.label,
            create=made,
            drop=tuple(self._dropped(number, chosen) for number in gone),
            keep=tuple(self._kept(chosen)),
            before=before,
            after=after,
            bound=after * (1.0 - choice.gap),
            gap=choice.gap,
            budget_bytes=self._wishes.budget_bytes,
            size_bytes=sum(self._matrix.items[number].size.size_bytes or 0 for number in created),
            statements=self._effects.between(today, chosen),
            curve=tuple(curve),
            candidates=sum(not item.is_there for item in self._matrix.items),
            plans=self._matrix.plans,
            considered=len(weighed.statements) - len(self._matrix.failed),
            left_out=weighed.left_out,
            nothing_because=None if created or gone else self._nothing_because(),
            doubts=tuple(self._doubts(weighed)),
            why=why(self._asked(chosen, made)),
        )

    # What is worth its place

    def _worth_it(self, chosen: Set) -> Set:
        """The choice without new indexes that save next to nothing beside the others, the least one first."""
        today = self._matrix.today
        self._effects.plan([today, chosen])
        least = LEAST_GAIN * self._effects.total(today)
        while new := sorted(chosen - today):
            for number in new:
                self._plan_without(number, chosen)
            gains = {number: self._gain(number, chosen) for number in new}
            weakest = min(gains, key=lambda number: (gains[number], number))
            if gains[weakest] >= least or self._is_needed(weakest, chosen):
                return chosen
            chosen -= {weakest}
        return chosen

    def _is_needed(self, number: int, chosen: Set) -> bool:
        """Whether an index that is dropped, or a foreign key, needs it in its place."""
        return any(number in group and not (chosen - {number}) & set(group) for group in self._terms.groups())

    def _without(self, number: int, chosen: Set) -> Set:
        """The choice without an index: where it takes the place of others, those stay."""
        item = self._matrix.items[number]
        spared = () if item.is_there else self._matrix.today - chosen
        stay = frozenset(each for each in spared if self._matrix.items[each].table == item.table)
        return (chosen - {number}) | stay

    def _plan_without(self, number: int, chosen: Set) -> None:
        item = self._matrix.items[number]
        self._effects.plan([self._without(number, chosen), chosen | {number}], frozenset({item.table}))

    def _gain(self, number: int, chosen: Set) -> float:
        """What an index saves beside the others, upkeep taken off."""
        return self._effects.total(self._without(number, chosen)) - self._effects.total(chosen | {number})

    # One by one

    def _advised(self, number: int, chosen: Set, weighed: Weighed) -> AdvisedIndex:
        item = self._matrix.items[number]
        candidate, table = item.candidate, self._facts.table(item.table)
        assert candidate is not None and table is not None
        plan = build(self._facts, candidate, table, self._names, item.size)
        changes = self._effects.between(self._without(number, chosen), chosen)
        helps = tuple(each for each in changes if each.ratio < 1.0)
        return AdvisedIndex(
            name=plan.name,
            table=item.table,
            definition=plan.definition,
            sql=plan.sql,
            undo=plan.undo,
            lock=plan.lock,
            then=plan.then,
            size_bytes=plan.size_bytes,
            build_s=plan.build_s,
            gain=self._gain(number, chosen),
            upkeep=self._effects.upkeep(number, chosen),
            helps=helps,
            hurts=tuple(each for each in reversed(changes) if each.ratio > 1.0),
            checks=plan.checks,
            doubts=(*item.size.doubts, *plan.notes, *self._unsure(helps[:1], weighed)),
            comparison=self._comparison(helps[0].statement, chosen) if helps else None,
        )

    def _unsure(self, helps: Sequence[object], weighed: Weighed) -> Iterable[str]:
        unsure = {each.key for each in weighed.statements if not each.is_sure}
        if any(getattr(each, "statement", None) in unsure for each in helps):
            yield "no value of its statement's parameters is known: it was tried for any value"

    def _comparison(self, statement: str, chosen: Set) -> PlanComparison | None:
        """The statement's plans without and with all advice."""
        return compared(self._planner, self._matrix, statement, chosen, self._shown_names(chosen))

    def _shown_names(self, chosen: Set) -> dict[str, str]:
        """Names of candidates on the planner, with those under which they are advised."""
        found = {}
        for number in chosen:
            item = self._matrix.items[number]
            table = self._facts.table(item.table)
            if item.candidate is not None and item.made is not None and table is not None:
                found[item.made.name] = self._names.of(item.candidate, table)
        return found

    def _dropped(self, number: int, chosen: Set) -> DroppedIndex:
        existing = self._terms.existing[number]
        self._plan_without(number, chosen)
        today = self._matrix.today
        used_by = self._effects.users(number, today)
        around = Around(
            stays=tuple(self._staying(existing.table, chosen)),
            created=tuple(self._created(existing.table, chosen)),
            used_by=used_by,
            used_instead=self._effects.used_by_those(used_by, chosen, self._shown_names(chosen)),
            is_given=self._wishes.workload_is_given,
        )
        gain = self._effects.total(chosen | {number}) - self._effects.total(chosen)
        return dropped(self._facts, existing, around, gain)

    def _staying(self, table: str, chosen: Set) -> Iterable[Index]:
        yield from (each.index for each in self._terms.fixed if each.table == table)
        yield from (
            each.index for number, each in self._terms.existing.items() if each.table == table and number in chosen
        )

    def _created(self, table: str, chosen: Set) -> Iterable[Index]:
        names = self._shown_names(chosen)
        for number in sorted(chosen):
            item = self._matrix.items[number]
            if item.table == table and item.candidate is not None and item.made is not None:
                yield as_index(item.candidate, names[item.made.name])

    def _kept(self, chosen: Set) -> Iterable[KeptIndex]:
        """Those that might have gone first: there is something to say of them."""
        used_today = self._terms.used_today()
        for number, existing in self._terms.existing.items():
            if number not in chosen:
                continue
            unexplained = unexplained_scans(
                self._facts, existing, is_used=number in used_today, is_given=self._wishes.workload_is_given
            )
            is_last = bool(supported_keys(existing)) and self._is_needed(number, chosen)
            yield kept(existing, self._effects.users(number, chosen), unexplained=unexplained, is_last=is_last)
        for existing in self._terms.fixed:
            if not existing.is_broken and existing.on.partition_of is None:
                yield kept(existing, self._effects.users_of(existing.name))

    # Around it

    def _nothing_because(self) -> str:
        if not any(not item.is_there for item in self._matrix.items):
            return "No index that is not there yet could serve a statement of the workload."
        if self._wishes.budget_bytes is not None:
            return "No index that fits the budget saves more than its upkeep costs."
        return (
            f"None of {sum(not item.is_there for item in self._matrix.items):,} indexes tried saves more than its "
            "upkeep costs."
        )

    def _doubts(self, weighed: Weighed) -> Iterable[str]:
        unsure = sum(not each.is_sure for each in weighed.statements)
        if unsure:
            yield f"{unsure:,} statements were planned for any value, because no value of their parameters is known."
        unanalyzed = sorted(
            {name for each in weighed.statements for name in each.tables if (table := self._facts.table(name))
             and not any(column.statistics for column in table.columns)}
        )  # fmt: skip
        if unanalyzed:
            told = ", ".join(unanalyzed[:5]) + (f" and {len(unanalyzed) - 5:,} more" if len(unanalyzed) > 5 else "")
            yield f"Nothing is known of the values of {told}, so costs are guesses there: run ANALYZE, or keep values."
        if self._matrix.failed:
            yield f"{len(self._matrix.failed):,} statements were refused by the planner with the values drawn for them."

    def _asked(self, chosen: Set, made: Sequence[AdvisedIndex]) -> Asked:
        return Asked(
            facts=self._facts, matrix=self._matrix, terms=self._terms, effects=self._effects, wishes=self._wishes,
            chosen=chosen, names=self._shown_names(chosen),
        )  # fmt: skip
