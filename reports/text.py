"""The report in a terminal: whole, in a few lines, or for one statement. Words carry the meaning, colour only helps."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from pgadvisor.model.report import Report
from pgadvisor.reports import (
    change_words,
    endpoint_words,
    index_words,
    labels,
    text_changes,
    text_endpoints,
    text_sections,
)
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import report_words as words
from pgadvisor.reports.lookup import Lookup, lookup_of
from pgadvisor.reports.migration_lines import migration_lines, outside
from pgadvisor.reports.plan_rows import plan_table
from pgadvisor.reports.text_console import printed
from pgadvisor.reports.text_finding import Told, finding_view, headline, short_view
from pgadvisor.reports.text_indexes import advice_sections, doubts, first_steps
from pgadvisor.reports.text_plan import plan_view
from pgadvisor.reports.text_sql import MarkedSql
from pgadvisor.reports.text_trial import tried_views
from pgadvisor.reports.visible_text import visible

TOP = 3
"""Findings in the summary: it stands under a shell's prompt, not in a document."""
WIDTH = 80
WHOLE = 30
"""Findings told in full; of the rest a line each: nobody reads thousands of lines, but anybody may search them."""
FEW = 5
"""Given statements of which each is shown, also where nothing was found; of more only those with findings."""


def render(report: Report, *, width: int = WIDTH, color: bool = False) -> str:
    """The whole report as text: by rank, or by statement where the user gave them. SQL to copy is never wrapped."""
    return printed(_parts(report), width=width, color=color)


def summary(report: Report) -> RenderableType:
    """The verdict, the top findings and what was not looked at: what a person sees when the report went to a file.

    Print it with `crop=False`: SQL to copy is never wrapped.
    """
    lookup = lookup_of(report)
    parts: list[RenderableType] = [_verdict(report), Text()]
    if report.changes is not None:
        since = f"Since {numbers.moment(report.changes.previous_at)}: {change_words.headline(report, report.changes)}"
        parts += [Text(visible(since)), Text()]
    if report.advice is not None and labels.is_of_indexes(report):
        return Group(*parts, *first_steps(report.advice, TOP))
    # New ones before those that are known: they are what a check fails on.
    numbered = sorted(enumerate(report.findings, start=1), key=lambda each: each[1].status == "known")
    for number, _ in numbered[:TOP]:
        parts += [short_view(lookup, number), Text()]
    if len(report.findings) > TOP:
        more = numbers.plural(len(report.findings) - TOP, "more finding")
        parts.append(Text(f"and {more} in the report", style="dim"))
    parts.append(Text(words.trust_sentence(report), style="dim"))
    return Group(*parts)


def statement_view(report: Report, key: str) -> RenderableType:
    """One statement: its text, guilty parts marked, its plan, its findings. Raises KeyError for a strange key.

    Print it with `crop=False`: SQL to copy is never wrapped.
    """
    return _statement(lookup_of(report), key, Told())


def _parts(report: Report) -> Iterable[RenderableType]:
    lookup = lookup_of(report)
    yield _verdict(report)
    yield Text(visible(words.source(report)), style="dim")
    if labels.is_of_indexes(report):
        yield from _of_indexes(lookup)
        return
    if labels.is_of_migrations(report):
        yield from _by_file(lookup)
    elif labels.is_of_files(report):
        yield from _by_statement(lookup)
    else:
        yield from _by_rank(lookup)
    yield from advice_sections(lookup)
    yield from _endpoints(report)
    yield from text_endpoints.log_section(report)
    if not labels.is_of_files(report):
        yield from text_sections.tables(report)
    yield from text_changes.section(report)
    yield from text_sections.trust(report)
    yield from doubts(lookup)


def _endpoints(report: Report) -> Iterable[RenderableType]:
    if endpoint_words.is_seen(report):
        return text_endpoints.section(report)
    return text_sections.endpoints(report)


def _of_indexes(lookup: Lookup) -> Iterable[RenderableType]:
    """For index advice alone: the advice, and what it rests on."""
    yield from advice_sections(lookup)
    yield text_sections.heading("How far to trust this")
    if lookup.report.advice is not None:
        yield Text(index_words.trial(lookup.report.advice))
    yield from doubts(lookup)
    yield from text_sections.missing(lookup.report)


def _verdict(report: Report) -> RenderableType:
    told = words.counts(report)
    return Group(
        Text(visible(report.verdict.headline), style="bold"),
        Text(visible(report.verdict.text)),
        *([Text(told)] if told else []),
    )


def _by_rank(lookup: Lookup) -> Iterable[RenderableType]:
    """For a database's workload: where its time goes, what to fix first, then every finding in the report's order."""
    report = lookup.report
    yield from text_sections.time(report)
    yield from text_sections.fix_first(lookup)
    yield text_sections.heading("Findings")
    if not report.findings:
        yield Text(words.nothing_found(report))
    yield from _findings(lookup, range(1, len(report.findings) + 1), Told())


def _by_file(lookup: Lookup) -> Iterable[RenderableType]:
    """For migrations: what was found in each file, in the order in which they run."""
    report = lookup.report
    yield from text_sections.migrations(report)
    told = Told()
    for line in migration_lines(report):
        if line.findings:
            yield text_sections.heading(visible(line.migration.file))
            yield from _findings(lookup, line.findings, told)
    if rest := outside(report):
        yield text_sections.heading("In no migration")
        yield from _findings(lookup, rest, told)


def _findings(lookup: Lookup, found: Iterable[int], told: Told) -> Iterable[RenderableType]:
    """Those findings in full until `WHOLE` are told, the rest in a line each."""
    are_folded, is_first = False, True
    for number in found:
        if len(told.findings) < WHOLE:
            if not is_first:
                yield Text()
            is_first = False
            yield finding_view(lookup, number, told)
            continue
        if not are_folded:
            are_folded = True
            yield Text("\nThe rest in a line each; the HTML and JSON reports tell them whole.\n", style="dim")
        yield headline(lookup, lookup.finding(number), number)


def _by_statement(lookup: Lookup) -> Iterable[RenderableType]:
    """For statements that the user gave: each in the order given, with its plan and findings, then the rest."""
    report = lookup.report
    told = Told()
    quiet: list[str] = []
    for statement in report.statements:
        if len(report.statements) > FEW and statement.key not in lookup.concerning:
            quiet.append(f"{statement.position:,}")
            continue
        yield Text()
        yield _statement(lookup, statement.key, told)
    if quiet:
        noun = "statement" if len(quiet) == 1 else "statements"
        yield Text(f"\nNothing to change was found in {noun} {', '.join(quiet)}.")
    others = [number for number in range(1, len(report.findings) + 1) if number not in told.findings]
    if others:
        yield text_sections.heading("Findings about no statement")
        yield from _findings(lookup, others, told)


def _statement(lookup: Lookup, key: str, told: Told) -> RenderableType:
    """A statement with its findings; of those told before, and they are told once, only the headline."""
    statement = lookup.statements[key]
    found = lookup.concerning.get(key, ())
    own = [number for number in found if labels.statements_of(lookup.finding(number))[0] == key]
    spans = tuple(span for number in own for span in lookup.finding(number).spans)
    title = (labels.statement_place(statement) or f"queryid {key}", statement.name)
    parts: list[RenderableType] = [
        Text(visible(" · ".join(part for part in title if part)), style="bold underline"),
        *((MarkedSql(statement.text, spans), Text()) if statement.text else ()),
        _plan(lookup, key, own),
        *tried_views(lookup.report, key),
    ]
    for number in found:
        is_told = number in told.findings or len(told.findings) >= WHOLE
        parts.append(Text())
        parts.append(
            headline(lookup, lookup.finding(number), number)
            if is_told
            else finding_view(lookup, number, told, below_query=True)
        )
    if not found:
        parts += [Text(), Text(words.nothing_found(lookup.report))]
    return Group(*parts)


def _plan(lookup: Lookup, key: str, findings: list[int]) -> RenderableType:
    planned = lookup.plans.get(key)
    if planned is None or planned.plan is None:
        unknown = "no database was asked" if lookup.report.server is None else "none was asked for"
        reason = planned.reason if planned and planned.reason else unknown
        return Text(f"No plan: {visible(reason)}")
    guilty: dict[int, list[int]] = {}
    for number in findings:
        node = lookup.finding(number).node
        if node is not None:
            guilty.setdefault(node, []).append(number)
    title = f"Plan: {visible(labels.plan_origin(planned))}"
    return Group(Text(title), plan_view(plan_table(planned.plan), guilty))
