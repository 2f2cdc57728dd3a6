"""The baseline: findings that are known, so that only new ones fail. One finding a line, for readable differences."""

import json
from collections.abc import Collection, Iterable, Mapping

import msgspec

from pgadvisor.errors import UsageError
from pgadvisor.model.finding import Finding
from pgadvisor.model.record import Record
from pgadvisor.model.report import Report

FORMAT = 1
"""Number of the baseline's form."""


class KnownFinding(Record):
    """A finding that someone has looked at."""

    key: str
    rule: str
    message: str
    """As it read then: for the person who reads the file."""
    note: str | None = None
    """Why it may stay."""


class Baseline(Record):
    """All known findings."""

    pgadvisor_baseline: int
    known: tuple[KnownFinding, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The identities of all of them."""
        return frozenset(finding.key for finding in self.known)


def write_baseline(findings: Iterable[Finding], notes: Mapping[str, str | None] | None = None) -> str:
    """The text of a baseline of those findings, sorted by key, with the notes by key: same findings, same bytes."""
    by_key = {finding.key: finding for finding in findings}
    lines = [
        _line(KnownFinding(key=key, rule=finding.rule, message=finding.message, note=(notes or {}).get(key)))
        for key, finding in sorted(by_key.items())
    ]
    head = f'{{"pgadvisor_baseline": {FORMAT}, "known": ['
    return "\n".join([head, ",\n".join(lines), "]}"]) + "\n" if lines else f"{head}]}}\n"


def _line(finding: KnownFinding) -> str:
    written = json.dumps(msgspec.to_builtins(finding), ensure_ascii=False)
    # Half of a surrogate pair, as a damaged file may hold, can be written in no encoding.
    return written.encode("utf-8", "replace").decode()


def read_baseline(text: str, name: str) -> Baseline:
    """The baseline in a text; `name` is the file's, for the error. Raises UsageError."""
    make = f"make one with `pgadvisor baseline REPORT.json -o {name}`"
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not a baseline: {make}") from error
    if isinstance(content, dict) and "findings" in content and "pgadvisor" in content:
        raise UsageError(f"{name} is a report: make a baseline of it with `pgadvisor baseline {name} -o FILE`")
    number = content.get("pgadvisor_baseline") if isinstance(content, dict) else None
    if not isinstance(number, int):
        raise UsageError(f"{name} is not a baseline: {make}")
    if number > FORMAT:
        raise UsageError(f"{name} was made by a newer pgadvisor than this one: upgrade pgadvisor")
    try:
        return msgspec.convert(content, Baseline)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name} is not sound: {error}: mend that line, or {make}") from error


def mark(report: Report, known: Collection[str]) -> Report:
    """The report with each finding marked: known, if its key is one of those or it was known before; else new. What it
    counts as new and known beside a previous run is counted again."""
    findings = tuple(
        msgspec.structs.replace(finding, status="known" if finding.key in known or finding.status == "known" else "new")
        for finding in report.findings
    )
    changes, new = report.changes, sum(finding.status == "new" for finding in findings)
    if changes is not None:
        changes = msgspec.structs.replace(changes, new=new, known=len(findings) - new)
    return msgspec.structs.replace(report, findings=findings, changes=changes)


def with_known_told(report: Report) -> Report:
    """The report whose verdict says how many of its findings are known, where something tells."""
    count, known = len(report.findings), sum(finding.status == "known" for finding in report.findings)
    if not count or any(finding.status is None for finding in report.findings):
        return report
    if known == count:
        told = "The finding is known." if count == 1 else f"All {count:,} findings are known."
    else:
        told = f"{known:,} of {count:,} findings are known." if known else "None of the findings is known."
    return with_told(report, told)


def with_told(report: Report, sentence: str) -> Report:
    """The report with one more sentence in its verdict."""
    verdict = msgspec.structs.replace(report.verdict, text=f"{report.verdict.text} {sentence}".strip())
    return msgspec.structs.replace(report, verdict=verdict)


def unused(report: Report, baseline: Baseline) -> tuple[KnownFinding, ...]:
    """What of the baseline was not found, though its rule ran: it can go."""
    found = {finding.key for finding in report.findings}
    return tuple(each for each in baseline.known if each.key not in found and each.rule in report.rules_run)
