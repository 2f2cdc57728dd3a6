"""The choice told as advice: each index with what it gives and costs by itself, and each drop with its reason."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from pgadvisor.candidates.proposed import is_nearly_empty
from pgadvisor.facts import DAY_S, Facts
from pgadvisor.indexes.build_plan import build, build_order, is_known
from pgadvisor.indexes.names import IndexNames
from pgadvisor.model.advice import AdvisedIndex, CurvePoint, DroppedIndex, IndexAdvice, KeptIndex
from pgadvisor.model.catalog import Index
from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.whatif import Planner
from pgadvisor.selection.comparing import compared
from pgadvisor.selection.drops import Around, dropped, kept
from pgadvisor.selection.effects import Effects
from pgadvisor.selection.existing import as_index, days_text, supported_keys, unexplained_scans
from pgadvisor.selection.matrix import Matrix, Set
from pgadvisor.selection.problem import Choice
from pgadvisor.selection.sparing import spared
from pgadvisor.selection.terms import Terms
from pgadvisor.selection.weighing import Weighed
from pgadvisor.selection.why import Asked, why
from pgadvisor.selection.wishes import Wishes

FEW = 5
"""Tables that a doubt names."""


class _Shown(NamedTuple):
    """A choice as it is shown."""

    names: dict[str, str]
    """Of candidates on the planner, those under which they are advised."""
    staying: dict[str, list[Index]]
    """By table the indexes that are there and stay."""
    created: dict[str, list[Index]]
    """By table the advised ones, as if they were there."""


class Telling:
    """Tells one choice."""

    def __init__(
        self,
        facts: Facts,
        planner: Planner,
        matrix: Matrix,
        terms: Terms,
        effects: Effects,
        wishes: Wishes,
        *,
        is_cut: bool,
    ) -> None:
        """`is_cut`: the time was up before all was tried that is worth it."""
        self._facts = facts
        self._planner = planner
        self._matrix = matrix
        self._terms = terms
        self._effects = effects
        self._wishes = wishes
        self._is_cut = is_cut
        self._names = IndexNames(facts)
        self._shown: tuple[Set, _Shown] | None = None
        """The choice that was told last, and what of it is shown."""

    def advice(self, weighed: Weighed, choice: Choice, curve: Sequence[CurvePoint]) -> IndexAdvice:
        """All of it; `choice`: as `worth_it` leaves it."""
        today, chosen = self._matrix.today, frozenset(choice.chosen)
        created, gone = sorted(chosen - today), sorted(today - chosen)
        self._effects.plan_changes((chosen, chosen | {number}) for number in gone)
        made = build_order(self._advised(number, chosen, weighed) for number in created)
        before, after = self._effects.total(today), self._effects.total(chosen)
        guessed = tuple(self._unknown(each.table for each in made))
        return IndexAdvice(
            unit=weighed.unit,
            is_per_day=self._is_per_day,
            tried_on=self._planner.label,
            create=made,
            drop=tuple(self._dropped(number, chosen) for number in gone),
            keep=tuple(self._kept(chosen)),
            before=before,
            after=after,
            bound=after * (1.0 - choice.gap),
            gap=choice.gap,
            aside=self._wishes.least_fall,
            budget_bytes=self._wishes.budget_bytes,
            size_bytes=sum(self._matrix.items[number].size.size_bytes or 0 for number in created),
            statements=self._effects.between(today, chosen),
            curve=tuple(curve),
            candidates=sum(not item.is_there for item in self._matrix.items),
            plans=self._matrix.plans,
            considered=len(weighed.statements) - len(self._matrix.failed),
            left_out=weighed.left_out,
            nothing_because=None if created or gone else self._nothing_because(),
            doubts=tuple(self._doubts(weighed, guessed)),
            guessed=guessed,
            why=why(self._asked(chosen)),
        )

    # What is worth its place

    def worth_it(self, chosen: Set) -> Set:
        """The choice without new indexes that save next to nothing beside the others, the least one first; with those
        of today whose place is not surely taken."""
        today = self._matrix.today
        self._effects.plan([today, chosen])
        chosen = spared(self._facts, self._matrix, self._effects, chosen)
        least = max(self._wishes.least_gain * self._effects.total(today), self._least_ms())
        gains: dict[int, float] = {}
        while new := sorted(chosen - today):
            unknown = [number for number in new if number not in gains]
            self._effects.plan_changes((self._without(number, chosen), chosen) for number in unknown)
            gains |= {number: self._gain(number, chosen) for number in unknown}
            weak = (number for number in new if gains[number] < least and not self._terms.is_needed(number, chosen))
            weakest = min(weak, key=lambda number: (gains[number], number), default=None)
            if weakest is None:
                break
            chosen = self._left(weakest, chosen)
            near = self._tables_beside(self._matrix.items[weakest].table)
            gains = {each: gain for each, gain in gains.items() if self._matrix.items[each].table not in near}
        return chosen

    def _least_ms(self) -> float:
        return self._wishes.least_ms if self._is_per_day and self._terms.unit == "ms" else 0.0

    @property
    def _is_per_day(self) -> bool:
        return self._facts.window_s is not None and not self._wishes.workload_is_given

    def _left(self, number: int, chosen: Set) -> Set:
        """What is left of the choice when an index goes: where it took the place of others, those stay."""
        bare, spared = chosen - {number}, self._without(number, chosen)
        self._effects.plan_changes([(spared, bare)])
        return spared if self._effects.saved(bare, spared) > 0 or self._is_too_dear(bare) else bare

    def _is_too_dear(self, chosen: Set) -> bool:
        """Whether a statement reads dearer with the choice than the user allows."""
        changes = self._effects.between(self._matrix.today, chosen, reads=True)
        return any(each.ratio > 1.0 + self._wishes.most_worse for each in changes)

    def _tables_beside(self, table: str) -> frozenset[str]:
        """The tables that some statement reads together with it."""
        matrix = self._matrix
        return frozenset({table}).union(*(matrix.statements[at].tables for at in matrix.reading([table])))

    def _without(self, number: int, chosen: Set) -> Set:
        """The choice without an index: where it takes the place of others, those stay."""
        item = self._matrix.items[number]
        spared = () if item.is_there else self._matrix.today - chosen
        stay = frozenset(each for each in spared if self._matrix.items[each].table == item.table)
        return (chosen - {number}) | stay

    def _gain(self, number: int, chosen: Set) -> float:
        """What an index of the choice saves beside the others, upkeep taken off."""
        return self._effects.saved(self._without(number, chosen), chosen)

    # One by one

    def _advised(self, number: int, chosen: Set, weighed: Weighed) -> AdvisedIndex:
        item = self._matrix.items[number]
        candidate, table = item.candidate, self._facts.table(item.table)
        assert candidate is not None and table is not None
        plan = build(self._facts, candidate, table, self._names, item.size)
        # What it replaces would stay without it; its upkeep is told beside the others alone.
        reads = self._effects.between(self._without(number, chosen), chosen, reads=True)
        helps = tuple(each for each in reads if each.ratio < 1.0)
        paying = [
            each for each in self._effects.between(chosen - {number}, chosen) if each.is_write and each.ratio > 1.0
        ]
        slowed = [each for each in reads if each.ratio > 1.0 and not each.is_write]
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
            hurts=tuple(sorted((*slowed, *paying), key=lambda each: each.before - each.after)),
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
        return compared(self._planner, self._matrix, statement, chosen, self._of(chosen).names)

    def _of(self, chosen: Set) -> "_Shown":
        """What is shown of the choice; made once."""
        if self._shown is None or self._shown[0] != chosen:
            self._shown = (chosen, self._new_shown(chosen))
        return self._shown[1]

    def _new_shown(self, chosen: Set) -> "_Shown":
        found = _Shown({}, {}, {})
        for existing in self._terms.fixed:
            found.staying.setdefault(existing.table, []).append(existing.index)
        for number in sorted(chosen):
            item = self._matrix.items[number]
            table = self._facts.table(item.table)
            if item.index is not None:
                found.staying.setdefault(item.table, []).append(item.index)
            elif item.candidate is not None and item.made is not None and table is not None:
                name = found.names[item.made.name] = self._names.of(item.candidate, table)
                found.created.setdefault(item.table, []).append(as_index(item.candidate, name))
        return found

    def _dropped(self, number: int, chosen: Set) -> DroppedIndex:
        existing = self._terms.existing[number]
        today, shown = self._matrix.today, self._of(chosen)
        used_by = self._effects.users(number, today)
        around = Around(
            stays=tuple(shown.staying.get(existing.table, ())),
            created=tuple(shown.created.get(existing.table, ())),
            used_by=used_by,
            used_instead=self._effects.used_by_those(used_by, chosen, shown.names),
            is_given=self._wishes.workload_is_given,
        )
        gain = self._effects.saved(chosen | {number}, chosen)
        return dropped(self._facts, existing, around, gain)

    def _kept(self, chosen: Set) -> Iterable[KeptIndex]:
        """Those that might have gone first: there is something to say of them."""
        used_today = self._terms.used_today()
        for number, existing in self._terms.existing.items():
            if number not in chosen:
                continue
            unexplained = unexplained_scans(
                self._facts, existing, is_used=number in used_today, is_given=self._wishes.workload_is_given
            )
            is_last = bool(supported_keys(existing)) and self._terms.is_needed(number, chosen)
            yield kept(existing, self._effects.users(number, chosen), unexplained=unexplained, is_last=is_last)
        for existing in self._terms.fixed:
            if not existing.is_broken and existing.on.partition_of is None:
                yield kept(existing, self._effects.users_of(existing.name))

    # Around it

    def _nothing_because(self) -> str:
        if self._is_cut:
            return (
                f"The time was up ({self._wishes.time_limit_s:,.0f} seconds) before an index was found that saves more "
                "than its upkeep costs: ask again with a longer --time-limit."
            )
        if not any(not item.is_there for item in self._matrix.items):
            return "No index that is not there yet could serve a statement of the workload."
        if self._wishes.budget_bytes is not None:
            return f"No index that fits the budget saves more than its upkeep costs{self._aside()}."
        return (
            f"None of {sum(not item.is_there for item in self._matrix.items):,} indexes tried saves more than its "
            f"upkeep costs{self._aside()}."
        )

    def _aside(self) -> str:
        least = self._wishes.least_fall
        return f", gains below {least:.0%} of a statement's cost not counted" if least else ""

    def _doubts(self, weighed: Weighed, guessed: Collection[str]) -> Iterable[str]:
        """`guessed`: tables of which it is said elsewhere that all is guessed."""
        window = self._facts.window_s
        if weighed.unit == "ms" and not self._wishes.workload_is_given and window is not None and window < DAY_S:
            yield f"The counters had run for {days_text(window / DAY_S)}: times a day are that time multiplied."
        if self._is_cut:
            yield (
                f"The time was up ({self._wishes.time_limit_s:,.0f} seconds) before all was tried that is worth it: "
                "more may be found with a longer --time-limit."
            )
        unsure = sum(not each.is_sure for each in weighed.statements)
        if unsure:
            yield f"{unsure:,} statements were planned for any value, because no value of their parameters is known."
        empty = self._nearly_empty(weighed)
        if empty:
            yield f"No index is advised on {_few(empty)}: next to nothing is there yet. Ask again when rows are."
        unknown = self._unknown(name for each in weighed.statements for name in each.tables)
        if unknown := [name for name in unknown if name not in (*guessed, *empty)]:
            told = _few(unknown)
            yield f"Nothing is known of the values of {told}, so costs are guesses there: run ANALYZE, or keep values."
        if self._matrix.failed:
            yield f"{len(self._matrix.failed):,} statements were refused by the planner with the values drawn for them."

    def _nearly_empty(self, weighed: Weighed) -> list[str]:
        """Tables of the workload, `schema.table`, that are too new to advise on."""
        read = sorted({name for each in weighed.statements for name in each.tables})
        return [name for name in read if (table := self._facts.table(name)) is not None and is_nearly_empty(table)]

    def _unknown(self, tables: Iterable[str]) -> list[str]:
        """Those tables, `schema.table`, of whose values nothing is known."""
        return [name for name in sorted(set(tables)) if (table := self._facts.table(name)) is not None
                and not is_known(self._facts, table)]  # fmt: skip

    def _asked(self, chosen: Set) -> Asked:
        return Asked(
            facts=self._facts, matrix=self._matrix, terms=self._terms, effects=self._effects, wishes=self._wishes,
            chosen=chosen, names=self._of(chosen).names,
        )  # fmt: skip


def _few(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW:,} more" if len(names) > FEW else "")
