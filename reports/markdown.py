"""The report in Markdown: a comment on a pull request, of GitHub or GitLab, never longer than they take."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.report import ENDPOINTS_NOTE, Report, TriedChange
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import labels, markdown_changes
from pgadvisor.reports import report_words as words
from pgadvisor.reports.endpoint_words import LOGS_NOTE, is_seen
from pgadvisor.reports.finding_words import gain_text, places
from pgadvisor.reports.fix_first import Fix, first_fixes, gain
from pgadvisor.reports.log_words import NOTE as LOG_NOTE
from pgadvisor.reports.log_words import event_rows, read_sentence
from pgadvisor.reports.lookup import Lookup, lookup_of
from pgadvisor.reports.markdown_blocks import SECTION_BYTES, disclosed, fitting, listed, size, table
from pgadvisor.reports.markdown_endpoints import ENDPOINT_TITLES, endpoint_rows
from pgadvisor.reports.markdown_finding import finding_blocks
from pgadvisor.reports.markdown_indexes import index_blocks
from pgadvisor.reports.markdown_text import LONGEST, code, fenced, in_html, inline, line
from pgadvisor.reports.migration_lines import migration_lines, statements_text
from pgadvisor.reports.plan_comparison import compared
from pgadvisor.reports.visible_text import visible

MOST_BYTES = 65_000
"""GitHub takes 65,536 characters, other places count bytes; what a bot puts around the text needs a little room."""
FIXES_BYTES = 10_000
TABLE_BYTES = 18_000
"""Of the findings; index advice takes up to two thirds of it."""
UNPLANNED_BYTES = 1_500
"""Of the statements without a plan: few reasons, again and again."""
NOTE_BYTES = 500
"""Kept for saying what was left out."""
MESSAGE = 160
"""Characters of a message in a table; its finding tells the whole of it."""
NAME = 120
SHORT_SQL = 1_500


def render(report: Report) -> str:
    """The report as a comment: verdict, what to fix first, a table of findings, then each of them folded away."""
    lookup = lookup_of(report)
    indexes = list(index_blocks(lookup))
    findings = _findings_table(lookup, TABLE_BYTES - sum(map(size, indexes)))
    first = _migrations(report) if labels.is_of_migrations(report) else _fixes(lookup)
    head = [*_verdict(report), *_tried(report), *first, *indexes, *findings]
    tail = [*_endpoints(report), *_log(report), *_tables(report), *_changes(report), *_trust(report)]
    room = MOST_BYTES - NOTE_BYTES - sum(size(block) for block in (*head, *tail))
    details = list(fitting(_details(lookup), room))
    return "\n\n".join((*head, *details, *_left_out(report, len(details)), *tail)) + "\n"


def _verdict(report: Report) -> Iterator[str]:
    yield f"## {inline(report.verdict.headline)}"
    if report.verdict.text and not labels.is_of_indexes(report):
        yield line(report.verdict.text)
    counts = words.counts(report)
    yield " · ".join(part for part in (f"**{counts}**" if counts else "", _source(report)) if part)


def _source(report: Report) -> str:
    source = inline(labels.source_label(report), NAME)
    read_at = labels.read_at(report)
    parts = [source, *([numbers.moment(read_at)] if read_at is not None else [])]
    if report.window_s is not None:
        parts.append(f"counters of {numbers.duration(report.window_s)}")
    return " · ".join(parts)


def _tried(report: Report) -> Iterator[str]:
    """What the user wanted tried: an answer to a question comes before all that nobody asked."""
    if report.tried:
        yield "### What if"
        yield from fitting((_trial(each) for each in report.tried), SECTION_BYTES)


def _trial(tried: TriedChange) -> str:
    if tried.comparison is None:
        return f"- {code(tried.change, NAME)} was not tried: {inline(tried.error or '', MESSAGE)}"
    plans = compared(tried.comparison)
    told = [inline(plans.sentence, LONGEST), *(inline(words.tried_index(each), MESSAGE) for each in tried.indexes)]
    told += [f"cost {inline(tried.spread, MESSAGE)}"] if tried.spread is not None else []
    told += [f"a guess: {inline(each, MESSAGE)}" for each in tried.doubts]
    return f"- {code(tried.change, NAME)} on the {inline(tried.tried_on, NAME)}: {'; '.join(told)}"


def _fixes(lookup: Lookup) -> Iterator[str]:
    fixes = first_fixes(lookup)
    if fixes:
        yield "### Fix first"
        yield from fitting((_fix(lookup, fix) for fix in fixes), FIXES_BYTES)


def _fix(lookup: Lookup, fix: Fix) -> str:
    """What to do, what it frees, and the SQL where it is short."""
    freed = gain_text(lookup, fix.finding)
    told = f"**{fix.number}.** {inline(fix.finding.remedy.text)}" + (f" — {inline(freed)}" if freed else "")
    change, language = fix.finding.remedy.change, "python" if fix.finding.remedy.code else "sql"
    return f"{told}\n\n{fenced(change, language)}" if change and len(change) <= SHORT_SQL else told


def _migrations(report: Report) -> Iterator[str]:
    """The files that were judged, with the findings in each; those without are folded away."""
    lines = migration_lines(report)
    rows = {
        line: f"| {code(line.migration.file, NAME)} | {inline(statements_text(line.migration), MESSAGE)} "
        f"| {words.number_list(line.findings, '') or 'none'} |"
        for line in lines
    }
    titles = ("File", "Statements", "Findings")
    if found := [row for line, row in rows.items() if line.findings or line.migration.unread]:
        yield "### Migrations"
        shown = list(fitting(found, SECTION_BYTES))
        yield table(titles, shown)
        if len(shown) < len(found):
            yield f"And {len(found) - len(shown):,} more."
    rest = [row for line, row in rows.items() if not (line.findings or line.migration.unread)]
    yield from _section(f"{numbers.plural(len(rest), 'migration')} without a finding", titles, rest)


def _findings_table(lookup: Lookup, room: int) -> Iterator[str]:
    report = lookup.report
    if labels.is_of_indexes(report):
        return
    yield "### Findings"
    if not report.findings:
        yield words.nothing_found(report)
        return
    has_gain = any(gain(lookup, finding) is not None for finding in report.findings)
    status, frees = (["Status"] if lookup.has_status else []), (["Frees"] if has_gain else [])
    titles = ("No.", "Severity", *status, "Finding", "Where", *frees)
    rows = (_row(lookup, finding, number, has_gain=has_gain) for number, finding in enumerate(report.findings, start=1))
    shown = list(fitting(rows, room))
    yield table(titles, shown, right=("No.", "Frees"))
    if rest := report.findings[len(shown) :]:
        yield f"And {numbers.plural(len(rest), 'more finding')}: {_counted(rest)}."


def _row(lookup: Lookup, finding: Finding, number: int, *, has_gain: bool) -> str:
    freed = gain(lookup, finding)
    frees = ""
    if freed is not None:
        is_share = freed.is_extrapolated and freed.share is not None
        frees = f"{numbers.share(freed.share)} of time" if is_share else f"{numbers.time(freed.freed_ms_per_day)} a day"
    severity = finding.severity.value
    where = next(iter(places(lookup, finding)), "")
    cells = (
        f"{number}",
        f"**{severity}**" if finding.severity is Severity.ERROR else severity,
        *([finding.status or ""] if lookup.has_status else []),
        inline(finding.message, MESSAGE),
        code(where, NAME),
        *([frees] if has_gain else []),
    )
    return f"| {' | '.join(cells)} |"


def _counted(findings: Sequence[Finding]) -> str:
    severities = Counter(finding.severity for finding in findings)
    return ", ".join(f"{severities[each]:,} {each.value}" for each in Severity if severities[each])


def _details(lookup: Lookup) -> Iterator[str]:
    """Each finding folded away; the reason of a rule stands with its first."""
    told: set[str] = set()
    for number, finding in enumerate(lookup.report.findings, start=1):
        title = f"<b>{number}</b> · {finding.severity.value} · {in_html(finding.message, MESSAGE)}"
        blocks = finding_blocks(lookup, finding, reason=finding.rule not in told)
        told.add(finding.rule)
        yield disclosed(title, blocks)


def _left_out(report: Report, told: int) -> Iterator[str]:
    if left := len(report.findings) - told:
        which = f"{numbers.plural(left, 'finding')}{f' from number {told + 1:,} on' if told else ''}"
        yield f"Details of {which} are left out, since a comment takes no more: the HTML and JSON reports have them."


def _endpoints(report: Report) -> Iterator[str]:
    if is_seen(report):
        yield from _section("Endpoints", ENDPOINT_TITLES, endpoint_rows(report), right=ENDPOINT_TITLES[1:6],
                            note=LOGS_NOTE)  # fmt: skip
        return
    rows = [
        f"| {code(endpoint.name, NAME)} | {numbers.share(endpoint.share)} | {numbers.time(endpoint.total_ms)} "
        f"| {numbers.count(endpoint.calls)} | {words.number_list(found, '')} |"
        for endpoint, found in words.endpoint_lines(report)
    ]
    titles = ("Endpoint", "Of time", "In all", "Calls", "Findings")
    yield from _section("Endpoints", titles, rows, right=titles[1:4], note=ENDPOINTS_NOTE)


def _log(report: Report) -> Iterator[str]:
    rows = [
        f"| {row.kind} | {code(row.what, NAME) if row.what else ''} | {numbers.count(row.times)} | {row.amount} |"
        for row in event_rows(report)
    ]
    titles = ("In the log", "What", "Count", "In all")
    yield from _section("Log", titles, rows, right=titles[2:], note=f"{read_sentence(report)} {LOG_NOTE}")


def _tables(report: Report) -> Iterator[str]:
    rows = [
        f"| {code(each.table.label, NAME)} | {numbers.share(each.share)} | {numbers.count(each.table.rows)} "
        f"| {numbers.size(each.table.total_bytes)} | {numbers.size(each.table.index_bytes)} "
        f"| {words.number_list(each.findings, '')} |"
        for each in words.table_lines(report)
    ]
    titles = ("Table", "Of time", "Rows", "Size", "Indexes", "Findings")
    yield from _section("Tables", titles, rows, right=titles[1:5])


def _changes(report: Report) -> Iterator[str]:
    if report.changes is None:
        return
    yield f"### Changes since {numbers.moment(report.changes.previous_at)}"
    yield words.changes_sentence(report.changes)
    if gone := markdown_changes.gone_lines(report.changes):
        yield listed(gone, "finding")
    yield from markdown_changes.moved(report, report.changes)
    yield from markdown_changes.beside(report.changes)
    rows = markdown_changes.statement_rows(report.changes)
    yield from _section("Statements whose time changed", ("Change", "Before → now", "Statement"), rows)
    if notes := [f"- {inline(each, 2 * LONGEST)}" for each in report.changes.notes]:
        yield listed(notes, "note")


def _trust(report: Report) -> Iterator[str]:
    yield "### How far to trust this"
    if not labels.is_of_indexes(report):
        yield words.trust_sentence(report)
    if report.trials is not None:
        yield inline(words.trials_sentence(report.trials), 2 * LONGEST)
        if tried := [f"- {inline(words.rejected_label(each))}" for each in report.trials.rejected]:
            yield disclosed("What was tried and does not help", [listed(tried, "change")])
    if different := [f"- {inline(each)}" for each in words.different_labels(report)]:
        yield disclosed("What the server plans otherwise", [listed(different, "statement", room=UNPLANNED_BYTES)])
    if unplanned := [f"- {inline(each)}" for each in words.unplanned_labels(report)]:
        yield disclosed(
            "What the planner made no plan of, and why", [listed(unplanned, "statement", room=UNPLANNED_BYTES)]
        )
    told = [
        f"- {line(each.text)}" + (f"<br>Cure: {inline(each.cure)}" if each.cure else "")
        for each in words.missing(report)
    ]
    if told:
        yield disclosed("What was not looked at, and why", [listed(told, "thing")])
    yield f"<sub>Made by pgadvisor {visible(report.pgadvisor)}, which changes nothing in a database.</sub>"


def _section(
    title: str, titles: Sequence[str], rows: Sequence[str], *, right: Sequence[str] = (), note: str | None = None
) -> Iterator[str]:
    """A table folded away; as much of it as there is room for."""
    if not rows:
        return
    shown = list(fitting(rows, SECTION_BYTES))
    more = [f"And {len(rows) - len(shown):,} more."] if len(shown) < len(rows) else []
    yield disclosed(title, [table(titles, shown, right=right), *more, *([note] if note else [])])
