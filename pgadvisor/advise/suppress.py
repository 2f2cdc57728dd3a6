"""Findings that someone took upon himself: by a comment in their statement, or by a waiver of the settings file."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec.structs import replace

from pgadvisor.advise.merge import merge
from pgadvisor.advise.registry import all_rules
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Evidence, Finding, Rung
from pgadvisor.model.report import Waived
from pgadvisor.model.waiver import ListedWaiver, Terms, Waivers
from pgadvisor.model.workload import Statement
from pgadvisor.rule import Rule
from pgadvisor.sql.remarks import ignored_in


def terms_for(rules: Iterable[Rule], waivers: Waivers) -> Terms:
    """By what waivers are judged, when those rules run."""
    return Terms(
        today=waivers.today,
        rules={name: rule.name for rule in all_rules() for name in (rule.name, *rule.aliases)},
        listed=waivers.listed,
        needs_reason=waivers.needs_reason,
        rules_run=frozenset(rule.name for rule in rules),
    )


class Suppression:
    """What silences findings of one audit, and which of it silenced something.

    Findings go through it before they are merged, when each knows its own statement, and after, when each has its key.
    """

    def __init__(self, facts: Facts, terms: Terms) -> None:
        self._facts = facts
        self._terms = terms
        self.by_comment = 0
        """Findings that comments silenced."""
        self._waived: list[Waived] = []
        """Of waivers of the settings file."""
        self._commented: set[tuple[str, str]] = set()
        """(statement, rule) of the comments that silenced something."""
        self._faults: dict[ListedWaiver, str | None] = {}
        """Of the waivers that met a finding: why they do not hold."""

    def kept(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings that nothing silences; those whose waiver does not hold say why among their evidence."""
        return [one for each in findings if (one := self._judged(each)) is not None]

    def _judged(self, finding: Finding) -> Finding | None:
        if self._is_commented(finding):
            self.by_comment += 1
            return None
        faults, also = [], finding.also
        for each in self._terms.listed:
            rule = each.rule and self._terms.rules.get(each.rule, each.rule)
            if not each.covers(finding) or rule not in (None, finding.rule, *finding.also):
                continue
            fault = self._faults[each] = self._terms.fault(each.until, each.reason)
            if fault is not None:
                faults.append(f"the waiver of {each.rule or 'all rules'} {fault}")
            elif rule in (None, finding.rule):
                self._waived.append(Waived(finding=finding, reason=each.reason, until=each.until, is_in_source=False))
                return None
            else:
                also = tuple(other for other in also if other != rule)
        told = (Evidence(rung=Rung.INFERRED, text=fault) for fault in faults)
        return replace(finding, also=also, evidence=tuple(dict.fromkeys((*finding.evidence, *told))))

    def _is_commented(self, finding: Finding) -> bool:
        """Whether all statements of the finding ask for silence."""
        statements = [self._facts.statement(key) for key in finding.statements]
        rules = {finding.rule, *finding.also}
        asked = [self._ignored(each) & rules if each else set() for each in statements]
        for each, names in zip(statements, asked, strict=True):
            self._commented.update((each.key, name) for name in names if each)
        return bool(asked) and all(asked)

    def _ignored(self, statement: Statement) -> set[str]:
        names = ignored_in(statement.text).union(statement.ignores)
        return {self._terms.rules.get(name, name) for name in names}

    def waived(self, *, across: bool) -> tuple[Waived, ...]:
        """Findings that waivers of the settings file silenced, each once and with its key; `across`: as in `merge`."""
        found: dict[str, Waived] = {}
        for each in self._waived:
            keyed = merge([each.finding], self._facts, across=across)[0]
            found.setdefault(keyed.key, replace(each, finding=keyed))
        return tuple(found.values())

    def unused(self) -> Iterator[str]:
        """Comments and waivers that silence nothing, ended, lack a reason or name no rule: a sentence each."""
        for statement in self._facts.snapshot.statements:
            for name in sorted(self._ignored(statement)):
                if (statement.key, name) not in self._commented:
                    yield from self._unused_comment(statement, name)
        for each in self._terms.listed:
            yield from self._unused_waiver(each)

    def _unused_comment(self, statement: Statement, name: str) -> Iterator[str]:
        place = f"{statement.file}:{statement.line}" if statement.file and statement.line else ""
        place = place or f"statement {statement.name or statement.key}"
        if name not in self._terms.rules:
            yield f'{place}: there is no rule "{name}": `pgadvisor rules` lists them'
        elif name in self._terms.rules_run and self._was_looked_at(statement, name):
            yield f"{place}: the comment that ignores {name} silences nothing and can go"

    def _was_looked_at(self, statement: Statement, name: str) -> bool:
        """Whether the rule saw all of the statement that it asks for."""
        rule = next(each for each in all_rules() if each.name == name)
        planned = self._facts.plan(statement.key)
        if "analyze" in rule.needs:
            return planned is not None and planned.is_analyzed
        return (planned is not None or "plans" not in rule.needs) and statement.key in self._facts.queries

    def _unused_waiver(self, waiver: ListedWaiver) -> Iterator[str]:
        name = f"the waiver of {waiver.rule or 'all rules'} for {waiver.place}"
        rule = waiver.rule and self._terms.rules.get(waiver.rule)
        if waiver.rule and rule is None:
            yield f'{name}: there is no rule "{waiver.rule}": `pgadvisor rules` lists them'
        elif waiver in self._faults:
            if (fault := self._faults[waiver]) is not None:
                yield f"{name} {fault}"
        elif rule in self._terms.rules_run and self._is_seen(waiver):
            yield f"{name} silences nothing and can go"

    def _is_seen(self, waiver: ListedWaiver) -> bool:
        """Whether what it is about may be among what was looked at: settings are shared by other runs."""
        if waiver.file is not None:
            return any(each.file and fnmatchcase(each.file, waiver.file) for each in self._facts.snapshot.statements)
        return self._facts.has_catalog
