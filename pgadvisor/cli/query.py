"""`pgadvisor query`: one query, or a file of many: plan, findings, what to change."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from pgadvisor import __version__
from pgadvisor.advise.registry import choose
from pgadvisor.cli import options, output, redaction
from pgadvisor.cli.audit import report_on, tell
from pgadvisor.cli.baseline import read_known, tell_unused_waivers, with_baseline
from pgadvisor.cli.config import read_config, waivers_of
from pgadvisor.cli.options import FailOn, PlannerKind
from pgadvisor.cli.planning import PlannerChoice, checked, planner_on
from pgadvisor.cli.source import SourceOptions, end
from pgadvisor.cli.what_if import Wanted, configuration_of, try_out, wanted_of
from pgadvisor.cli.workload import places, read_file, read_statements, snapshot_for
from pgadvisor.errors import UsageError
from pgadvisor.model.report import Report, UnreadStatement
from pgadvisor.model.snapshot import FORMAT, Gap, Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.sql.reader import UTILITY

NO_SOURCE = Gap(
    area="catalog",
    reason="no database was asked: only what the text itself proves is said",
    cure='give --source "dbname=shop" or --source shop.pgsnap',
)


def query(
    sql: Annotated[
        str | None, typer.Argument(metavar="[SQL | -]", show_default=False, help="The query; `-` reads it from stdin.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("-f", "--file", metavar="FILE", help="A file of statements, each ended by `;`.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source", metavar="SOURCE", help="A DSN, a URI or a snapshot file; without it text alone speaks."
        ),
    ] = None,
    tries: options.TryOption = None,
    hides: options.HideOption = None,
    sets: options.SetOption = None,
    planner: options.PlannerOption = PlannerKind.TWIN,
    twin_bin: options.TwinBinOption = None,
    path: options.OutputOption = None,
    form: options.FormatOption = None,
    also: options.AlsoOption = None,
    fail_on: options.FailOnOption = None,
    select: options.SelectOption = None,
    ignore: options.IgnoreOption = None,
    config: options.ConfigOption = None,
    baseline: options.BaselineOption = None,
    no_analyze: options.NoAnalyzeOption = False,
    analyze_limit: options.AnalyzeLimitOption = 5.0,
    redact: redaction.RedactOption = False,
    redact_key: redaction.RedactKeyOption = None,
    plan_viewer: options.PlanViewerOption = None,
    show_sql: options.ShowSqlOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Look at one query, or at a file of many: the plan, what is wrong, what to change.

    Examples:

    - `pgadvisor query "SELECT * FROM orders WHERE lower(email) = 'a@example.com'" --source dbname=shop`

    - `pgadvisor query -f queries.sql --source shop.pgsnap --fail-on warning`

    - `pgadvisor query "SELECT * FROM o WHERE email = $1" --source dbname=shop --try "CREATE INDEX ON o (email)"`

    - `pbpaste | pgadvisor query -`
    """
    output.check_writable(path)
    key = redaction.key_file(redact, redact_key, path)
    form = output.format_of(path, form, plan_viewer)
    others = output.formats_of(also or ())
    settings = read_config(config)
    chosen = choose((*settings.select, *(select or ())), (*settings.ignore, *(ignore or ())))
    rules = tuple(rule for rule in chosen if rule.kind in ("query", "plan"))  # the others look beyond the query
    known = read_known(given) if (given := baseline or settings.baseline) else None
    asked = SourceOptions(no_analyze=no_analyze, analyze_limit_s=analyze_limit, show_sql=show_sql, quiet=quiet)
    choice = checked(PlannerChoice(kind=planner, programs=twin_bin, source=source, options=asked))
    wanted = wanted_of(tries, hides, sets, choice)
    snapshot = _snapshot(_statements(sql, file), source, asked)
    judge = partial(report_on, snapshot, rules, planner=choice, across=False, waivers=waivers_of(settings), debug=debug)
    found = with_baseline(_judged(snapshot, judge, choice, wanted), known)
    report = redaction.redacted(found, key, quiet=quiet)
    if len(report.unread) == len(report.statements):
        raise UsageError(f"no statement could be judged: {places(report.statements, report.unread)}")
    fails = fail_on or settings.fail_on or FailOn.NEVER
    output.write(output.render(report, form, path, plan_viewer, fails), path)
    output.write_also(report, others, fails)
    if not quiet:
        tell(report, path)
        tell_unused_waivers(report)
    if faulty := _faulty(found, report):
        raise UsageError(f"not all statements could be judged: {places(report.statements, faulty)}")
    end(found, fails, quiet=quiet)


def _judged(snapshot: Snapshot, judge: Callable[..., Report], choice: PlannerChoice, wanted: Wanted) -> Report:
    """The report on the statements, and what came of what is wanted tried: on one planner."""
    if not wanted.is_something:
        return _of_queries(judge())
    configuration = configuration_of(snapshot, wanted)
    with planner_on(snapshot, choice) as ready:
        tried = try_out(snapshot, configuration, ready)
        return _of_queries(msgspec.structs.replace(judge(ready=ready), tried=tried))


def _of_queries(report: Report) -> Report:
    """The report without what nobody asked for: where the source's own workload spends its time, and tables that no
    query reads. Statements that the server refuses are among those that are not understood."""
    known = {each.statement for each in report.unread}
    refused = (
        UnreadStatement(statement=each.statement, reason=each.reason)
        for each in report.plans
        if each.is_refused and each.statement not in known
    )
    read = {finding.where.table for finding in report.findings}
    read |= {f"{node.schema}.{node.table}" for each in report.plans if each.plan for node in each.plan.root.walk()}
    return msgspec.structs.replace(
        report,
        unread=(*report.unread, *refused),
        time=(),
        time_by_table=(),
        tables=tuple(table for table in report.tables if table.qualified in read),
    )


def _faulty(found: Report, shown: Report) -> list[UnreadStatement]:
    """The statements that are not understood, as they are shown; utility statements need no judging."""
    both = zip(found.unread, shown.unread, strict=True)
    return [each for unread, each in both if not unread.reason.startswith(UTILITY)]


def _read(sql: str | None, file: Path | None) -> str:
    """The text to look at, from where the user says. Raises UsageError."""
    if (sql is None) == (file is None):
        raise UsageError("give a query, or -f FILE, or - for stdin: one of them")
    if file is not None:
        return read_file(file)
    try:
        return sys.stdin.read() if sql == "-" else str(sql)
    except UnicodeDecodeError as error:
        raise UsageError("the input is not text in UTF-8: is it SQL?") from error


def _statements(sql: str | None, file: Path | None) -> list[Statement]:
    """The statements of the input. Raises UsageError when there is none."""
    statements = read_statements(_read(sql, file), file)
    if not statements:
        raise UsageError("there is no statement in the input: give a query, -f FILE, or - for stdin")
    return statements


def _snapshot(statements: list[Statement], source: str | None, asked: SourceOptions) -> Snapshot:
    """The statements in place of the source's own workload, on its catalog, with plans where there is a server."""
    if source is None:
        return Snapshot(format=FORMAT, pgadvisor=__version__, collected_at=datetime.now(UTC),
                        statements=tuple(statements), gaps=(NO_SOURCE,))  # fmt: skip
    return snapshot_for(source, asked, statements, partial(_with_statements, statements=statements))


def _with_statements(snapshot: Snapshot, statements: list[Statement]) -> Snapshot:
    """The given statements, each with the counters of the observed one that has its fingerprint."""
    observed = {statement.fingerprint: statement for statement in snapshot.statements}
    known = tuple(
        msgspec.structs.replace(
            seen,
            key=each.key,
            text=each.text,
            position=each.position,
            line=each.line,
            column=each.column,
            file=each.file,
            name=each.name,
            tags=each.tags,
            ignores=each.ignores,
        )
        if (seen := observed.get(each.fingerprint)) is not None and each.total_ms is None
        else each
        for each in statements
    )
    return msgspec.structs.replace(snapshot, statements=known)
