"""The audit in a sentence, before any number."""

from collections import Counter
from collections.abc import Sequence

from pgadvisor.facts import DAY_S, Facts
from pgadvisor.model.finding import Finding, Rung, Severity, first_sentence
from pgadvisor.model.report import RuleNotRun, UnreadStatement, Verdict

MOST_CHANGES = 3
"""Changes named in the headline: as many as a person starts with."""
WORTH_NAMING = 0.02
"""A change that frees less than this share of the time is no headline."""

_NUMBER_WORDS = ("no", "one", "two", "three")


def give_verdict(
    findings: Sequence[Finding], not_run: Sequence[RuleNotRun], unread: Sequence[UnreadStatement], facts: Facts
) -> Verdict:
    """What the findings come to. "Could not look" is said, never passed over."""
    worst = min((finding.severity for finding in findings), key=lambda severity: severity.rank, default=None)
    changes, freed = best_changes(findings, facts)
    if changes and freed >= WORTH_NAMING:
        count = _NUMBER_WORDS[len(changes)].capitalize()
        noun = "change" if len(changes) == 1 else "changes"
        headline = f"{count} {noun} would free about {freed:.0%} of database time"
    elif findings:
        headline = _counted(findings)
    elif not facts.queries and not facts.plans:
        headline = "No statement could be read"
    else:
        headline = "Nothing to change was found"
    return Verdict(headline=headline, text=_explained(findings, changes, not_run, unread, facts), severity=worst)


def best_changes(findings: Sequence[Finding], facts: Facts) -> tuple[list[Finding], float]:
    """The few findings that together free most, and the share of all time that they free.

    A statement's time is freed once: of two findings on the same statement only the better one counts.
    """
    per_day = facts.total_ms * DAY_S / facts.window_s if facts.window_s else 0.0
    if not per_day:
        return [], 0.0
    chosen: list[Finding] = []
    touched: set[str] = set()
    for finding in sorted(findings, key=lambda each: -(each.gain_ms_per_day or 0.0)):
        if len(chosen) < MOST_CHANGES and finding.gain_ms_per_day and touched.isdisjoint(finding.statements):
            if finding.gain_ms_per_day / per_day < WORTH_NAMING / MOST_CHANGES:
                break
            chosen.append(finding)
            touched.update(finding.statements)
    freed = sum(finding.gain_ms_per_day or 0.0 for finding in chosen) / per_day
    return chosen, min(freed, 1.0)


def _counted(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    parts = [_severity(severity, counts[severity]) for severity in Severity if counts[severity]]
    return f"{' and '.join(parts) if len(parts) < 3 else ', '.join(parts)} found"


def _severity(severity: Severity, count: int) -> str:
    return f"{count:,} info" if severity is Severity.INFO else _plural(count, severity.value)


def _as_clause(text: str) -> str:
    """The first sentence of a remedy, without its capital."""
    first = first_sentence(text)
    return first if first[:2].isupper() else first[:1].lower() + first[1:]


def _explained(
    findings: Sequence[Finding],
    changes: Sequence[Finding],
    not_run: Sequence[RuleNotRun],
    unread: Sequence[UnreadStatement],
    facts: Facts,
) -> str:
    sentences = [_looked(facts)]
    if changes:
        sentences.insert(0, f"Start here: {_as_clause(changes[0].remedy.text)}.")
        measured = sum(finding.rung is Rung.MEASURED for finding in changes)
        sentences.append(
            "The problems were measured; what a change frees is an estimate."
            if measured == len(changes)
            else "What a change frees is an estimate."
        )
    elif findings and facts.window_s is None and not _is_of_pasted_plans(facts):
        sentences.append("How long the counters have been running is not known, so no gain is given.")
    if unread:
        sentences.append(f"{_plural(len(unread), 'statement')} could not be understood.")
    if not_run:
        sentences.append(f"{_plural(len(not_run), 'rule')} could not run: see how far to trust this report.")
    return " ".join(sentences)


def _looked(facts: Facts) -> str:
    statements = _plural(len(facts.queries), "statement")
    if facts.has_catalog:
        return f"{statements} and {_plural(len(facts.tables), 'table')} were read."
    read = _plural(len(facts.plans), "plan") if _is_of_pasted_plans(facts) else statements
    return f"{read} read; no database was asked."


def _is_of_pasted_plans(facts: Facts) -> bool:
    return bool(facts.plans) and not facts.has_catalog


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
