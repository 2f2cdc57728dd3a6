"""Proposed indexes are tried before they are shown: those that help carry both plans, the others are dropped."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import msgspec

from pgadvisor.advise.trial_change import Change, change_of
from pgadvisor.advise.trial_outcome import NotTried, Outcome, outcome_of, percent, shown
from pgadvisor.advise.trial_trust import fault_of, unanalyzed
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Evidence, Finding, Rung, Severity
from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.plan_shape import difference
from pgadvisor.model.report import Disagreement, RejectedRemedy, Trials, UnplannedStatement
from pgadvisor.model.whatif import Answer, Configuration, HypotheticalIndex, Planner
from pgadvisor.parameters.draws import DrawnStatement

REFUSED = "the planner refused it with the values drawn for it"
"""The server's own words may quote them."""


class Trial:
    """Tries the indexes that findings propose, on the statements that they speak of."""

    def __init__(self, facts: Facts, planner: Planner, drawn: Sequence[DrawnStatement]) -> None:
        self._facts = facts
        self._planner = planner
        self._drawn = {each.statement: each for each in drawn}
        self._before: dict[str, list[Answer]] = {}
        self._outcomes: dict[tuple[str, HypotheticalIndex], Outcome | NotTried] = {}
        self._rejected: dict[str, RejectedRemedy] = {}
        self._helpful: set[str] = set()

    def sifted(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings without those whose index does not help their statement, each with the gain that was tried."""
        kept = []
        for finding in findings:
            # What the advice for the whole workload proposes has its plans already.
            change = None if finding.comparison else change_of(finding, self._facts)
            outcome = self._outcome(finding.where.statement, change) if change else None
            if change is None or outcome is None:
                kept.append(finding)
            elif isinstance(outcome, NotTried):
                if outcome.is_impossible:
                    self._reject(finding, change, outcome.reason)
                else:
                    kept.append(finding)
            elif outcome.holds:
                self._helpful.add(change.told)
                kept.append(self._weighed(finding, outcome))
            elif finding.where.statement in self.different:
                kept.append(finding)  # who plans it otherwise today is no judge of what would be
            else:
                self._reject(finding, change, outcome.refusal)
        return kept

    def told(self, finding: Finding) -> Finding:
        """The finding with what trying its index gave, for its own statement and for the others."""
        change = None if finding.comparison else change_of(finding, self._facts)
        own = self._outcome(finding.where.statement, change) if change else None
        if change is None or own is None:
            return finding
        first, *others = finding.evidence
        guesses = self._guesses(change, own)
        if isinstance(own, NotTried):
            pieces = [Evidence(rung=Rung.ESTIMATED, text=f"not tried: {own.reason}")]
        else:
            pieces = [self._piece(change, own), *self._of_others(finding, change), *self._doubts(finding, own)]
        pieces += [_low_confidence(each) for each in guesses]
        is_doubtful = bool(guesses) or finding.where.statement in self.different
        severity = Severity.WARNING if is_doubtful and finding.severity is Severity.ERROR else finding.severity
        return msgspec.structs.replace(finding, evidence=(first, *pieces, *others), severity=severity)

    def summary(self) -> Trials:
        """On what was tried, what came of it, and how far it can be trusted."""
        answered = {key: self._answers(key) for key, each in self._drawn.items() if each.draws}
        failed = {key: REFUSED for key, each in answered.items() if each[0].plan is None}
        lacking = {key: each.reason or "" for key, each in self._drawn.items() if not each.draws}
        return Trials(
            planner=self._planner.label,
            planned=len(answered) - len(failed),
            not_planned=tuple(
                UnplannedStatement(statement=key, reason=reason) for key, reason in {**lacking, **failed}.items()
            ),
            compared=sum(self._is_comparable(key) for key in answered),
            different=tuple(sorted(self.different)),
            disagreements=tuple(
                Disagreement(statement=key, what=self.different[key]) for key in sorted(self.different)
            ),
            remedies=len(self._helpful),
            rejected=tuple(each for told, each in self._rejected.items() if told not in self._helpful),
        )

    @cached_property
    def different(self) -> Mapping[str, str]:
        """The statements that the planner plans otherwise than the audited server did, each with in what."""
        found = {}
        for key in self._drawn:
            plan = self._facts.plan(key) if self._is_comparable(key) else None
            answers = [each.plan for each in self._answers(key) if each.plan] if plan else []
            # The audited server may have planned other values than the likeliest: any draw's plan will do.
            differences = [difference(plan.plan, each) for each in answers] if plan else []
            if differences and differences[0] is not None and None not in differences:
                found[key] = differences[0]
        return found

    def _is_comparable(self, key: str) -> bool:
        """Whether the audited server planned the statement with values, as the planner here does."""
        plan, drawn = self._facts.plan(key), self._drawn[key]
        if plan is None or plan.kind not in ("values", "analyzed") or not drawn.is_sure:
            return False
        # A role that may not write has writes planned as the SELECT in them, which may read an index alone.
        is_reading = plan.query is not None and plan.query.kind != "select" and plan.root.operation is None
        return not is_reading

    def _answers(self, key: str) -> list[Answer]:
        """The statement's draws planned as things are."""
        if key not in self._before:
            texts = [draw.text for draw in self._drawn[key].draws]
            self._before[key] = self._planner.plan_all(texts) if texts else []
        return self._before[key]

    def _outcome(self, statement: str | None, change: Change) -> Outcome | NotTried | None:
        """What the index does for the statement; None: nothing is known of the statement."""
        drawn = self._drawn.get(statement or "")
        if drawn is None:
            return None
        key = drawn.statement, change.made
        if key not in self._outcomes:
            self._outcomes[key] = self._tried(drawn, change)
        return self._outcomes[key]

    def _tried(self, drawn: DrawnStatement, change: Change) -> Outcome | NotTried:
        if not drawn.draws:
            return NotTried(drawn.reason or "the statement cannot be planned")
        supposed = Configuration(create=(change.made,))
        before = self._answers(drawn.statement)
        after = self._planner.plan_all([draw.text for draw in drawn.draws], supposed)
        if any(each.error for each in after) and (error := self._planner.plan("SELECT 1", supposed).error) is not None:
            fault = fault_of(error)
            return NotTried(fault or f"the index could not be made on {self._planner.label}", fault is not None)
        if any(each.error for each in (*before, *after)):
            return NotTried(REFUSED)
        found = outcome_of(drawn.draws, before, after)
        if drawn.unknown and not found.holds:
            # The rule saw a plan; that an index shows no gain for values of which nothing is known tells less.
            return NotTried(f"no value of {', '.join(drawn.unknown)} is known")
        return found

    def _weighed(self, finding: Finding, outcome: Outcome) -> Finding:
        """The finding with the gain that the planner's ratio promises, and no worse than that makes it."""
        day = self._facts.ms_per_day(finding.where.statement)
        saved = max(1.0 - outcome.ratio, 0.0)
        severity = max((finding.severity, self._facts.severity(finding.where.statement, saved)), key=_rank)
        gain = finding.gain_ms_per_day if day is None else day * saved
        return msgspec.structs.replace(finding, gain_ms_per_day=gain, severity=severity)

    def _reject(self, finding: Finding, change: Change, reason: str) -> None:
        known = self._rejected.get(change.told)
        statements = dict.fromkeys((*(known.statements if known else ()), *finding.statements))
        self._rejected[change.told] = RejectedRemedy(
            rule=known.rule if known else finding.rule,
            change=change.told,
            reason=known.reason if known else reason,
            statements=tuple(statements),
        )

    def _piece(self, change: Change, outcome: Outcome) -> Evidence:
        first = outcome.first
        comparison = None
        if first.before.plan is not None and first.after.plan is not None:
            comparison = PlanComparison(
                change=change.told,
                before=shown(first.before.plan, first.draw),
                after=shown(first.after.plan, first.draw),
                tried_on=self._planner.label,
            )
        doubts = f" ({'; '.join(first.after.doubts)})" if first.after.doubts else ""
        text = f"tried on {self._planner.label}: {outcome.told}{doubts}"
        return Evidence(rung=Rung.ESTIMATED, text=text, comparison=comparison)

    def _of_others(self, finding: Finding, change: Change) -> list[Evidence]:
        """How the finding's other statements fare."""
        others = [key for key in finding.statements if key != finding.where.statement]
        found = [each for key in others if isinstance(each := self._outcome(key, change), Outcome)]
        if not found:
            return []
        helped = [each.ratio for each in found if each.holds]
        noun = "statement" if len(found) == 1 else "statements"
        text = f"it helps {len(helped)} of {len(found)} other {noun}"
        if helped:
            text += f", whose cost falls to {percent(min(helped))}"
            text += f" to {percent(max(helped))}" if len(helped) > 1 else ""
        return [Evidence(rung=Rung.ESTIMATED, text=text)]

    def _doubts(self, finding: Finding, outcome: Outcome) -> list[Evidence]:
        """Why the trial is to be trusted less."""
        drawn = self._drawn[finding.where.statement or ""]
        doubts = []
        if finding.where.statement in self.different:
            doubts.append(
                "the audited server plans this statement otherwise than the planner that it was tried on: "
                + self.different[drawn.statement]
            )
        if drawn.unknown:
            doubts.append(f"no value of {', '.join(drawn.unknown)} is known: tried for any value")
        return [_low_confidence(each) for each in (*doubts, *outcome.remarks)]

    def _guesses(self, change: Change, outcome: Outcome | NotTried) -> tuple[str, ...]:
        """What is known of no table that the trial concerns."""
        plan = outcome.first.before.plan if isinstance(outcome, Outcome) else None
        return unanalyzed(self._facts.tables, {change.made.table}, plan)


def _low_confidence(doubt: str) -> Evidence:
    return Evidence(rung=Rung.ESTIMATED, text=f"low confidence: {doubt}")


def _rank(severity: Severity) -> int:
    return severity.rank
