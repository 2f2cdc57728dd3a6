"""`pgadvisor audit`: collect, advise, report."""

from functools import partial
from pathlib import Path

import msgspec
import psycopg

from pgadvisor.advise.advise import advise
from pgadvisor.advise.registry import choose
from pgadvisor.cli import options, output, redaction
from pgadvisor.cli.baseline import read_known, tell_unused, tell_unused_waivers, with_baseline
from pgadvisor.cli.budgets import tell_unused_budgets
from pgadvisor.cli.config import read_config, waivers_of
from pgadvisor.cli.inventory_audit import ForAll, Job, audit_all, databases_of
from pgadvisor.cli.logs import LogOptions, snapshot_with_logs
from pgadvisor.cli.options import FailOn, Format, PlannerKind
from pgadvisor.cli.planning import PlannerChoice, Ready, checked, drawn_for, without_planner
from pgadvisor.cli.previous import compared, read_previous
from pgadvisor.cli.source import SourceOptions, end, snapshot_of
from pgadvisor.cli.terminal import errors, progress_bars
from pgadvisor.cli.workload import snapshot_for, with_workload, workload_of
from pgadvisor.errors import UsageError
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.waiver import Waivers
from pgadvisor.reports import text
from pgadvisor.rule import Rule
from pgadvisor.selection.wishes import Wishes
from pgadvisor.sql.readings import Readings

THRIFTY = Wishes(room_price=0.05, least_fall=0.4, least_gain=0.005, least_ms=1000.0, least_units_served=5000.0)
"""An audit proposes what clearly pays, where `pgadvisor indexes` finds the best whatever room it takes. Shares are of
what is left to save, so absolute floors keep the next audit quiet when this one was followed: less than a second a day
is not worth the words, and an index that serves is not swapped for one that saves a call less than about 15 ms."""


def audit(
    sources: options.SourcesArgument = None,
    path: options.OutputOption = None,
    form: options.FormatOption = None,
    also: options.AlsoOption = None,
    fail_on: options.FailOnOption = None,
    select: options.SelectOption = None,
    ignore: options.IgnoreOption = None,
    config: options.ConfigOption = None,
    workload: options.WorkloadOption = None,
    log: options.LogOption = None,
    log_line_prefix: options.LogLinePrefixOption = None,
    executor: options.ExecutorOption = None,
    inventory: options.InventoryOption = None,
    jobs: options.JobsOption = 2,
    previous: options.PreviousOption = None,
    baseline: options.BaselineOption = None,
    no_analyze: options.NoAnalyzeOption = False,
    analyze_limit: options.AnalyzeLimitOption = 5.0,
    top: options.TopOption = None,
    planner: options.PlannerOption = PlannerKind.TWIN,
    twin_bin: options.TwinBinOption = None,
    redact: redaction.RedactOption = False,
    redact_key: redaction.RedactKeyOption = None,
    plan_viewer: options.PlanViewerOption = None,
    show_sql: options.ShowSqlOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Audit a database: what is slow, why, what to change, and how sure that is.

    Examples:

    - `pgadvisor audit "dbname=shop" -o report.html`

    - `PGSERVICE=shop pgadvisor audit -o report.html`

    - `pgadvisor audit shop.pgsnap --format json --fail-on warning`

    - `pgadvisor audit "dbname=shop" --previous last-week.pgsnap -o report.html`

    - `pgadvisor audit "dbname=shop" --log "/var/log/postgresql/*.log*" -o report.html`

    - `pgadvisor audit --inventory databases.toml -o reports`
    """
    settings = read_config(config)
    asked = SourceOptions(no_analyze=no_analyze, analyze_limit_s=analyze_limit, top=top, show_sql=show_sql, quiet=quiet)
    chosen = (*settings.select, *(select or ())), (*settings.ignore, *(ignore or ()))
    fails = fail_on or settings.fail_on or FailOn.NEVER
    if databases := databases_of(sources, inventory, (workload, log, previous, also, executor, redact or redact_key)):
        common = ForAll(
            form=form or Format.HTML,
            plan_viewer=plan_viewer,
            select=chosen[0],
            ignore=chosen[1],
            planner=planner,
            programs=twin_bin,
            source=msgspec.structs.replace(asked, quiet=True),
            prefix=log_line_prefix,
            baseline=baseline or settings.baseline,
            budgets=settings.endpoints,
            waivers=waivers_of(settings),
            fail_on=fails,
            debug=debug,
        )
        audit_all(databases, common, path, report_of, at_once=jobs, quiet=quiet)
        return
    source = next(iter(sources or ()), None)
    output.check_writable(path)
    key = redaction.key_file(redact, redact_key, path)
    form = output.format_of(path, form, plan_viewer)
    others = output.formats_of(also or ())
    rules = choose(*chosen)
    known = read_known(file) if (file := baseline or settings.baseline) else None
    choice = checked(PlannerChoice(kind=planner, programs=twin_bin, source=source, options=asked))
    wishes = msgspec.structs.replace(THRIFTY, workload_is_given=workload is not None)
    judge = partial(
        report_on, rules=rules, planner=choice, wishes=wishes, budgets=settings.endpoints,
        waivers=waivers_of(settings), readings=Readings() if previous else None, debug=debug,
    )  # fmt: skip
    if workload is not None and previous is not None:
        raise UsageError("statements of a file have no counters to compare: leave out --previous, or --workload")
    if workload is not None and log:
        raise UsageError("the statements are the logs' or the file's: leave out --log, or --workload")
    earlier = read_previous(previous) if previous else None
    logs = LogOptions(files=tuple(log or ()), prefix=log_line_prefix, executor=executor, keep_values=True)
    snapshot = snapshot_with_logs(source, asked, logs) if log else _snapshot(source, asked, workload)
    found = with_baseline(compared(snapshot, earlier, judge) if earlier else judge(snapshot), known)
    report = redaction.redacted(found, key, quiet=quiet)
    output.write(output.render(report, form, path, plan_viewer, fails), path)
    output.write_also(report, others, fails)
    if not quiet:
        tell(report, path)
        tell_unused(found, known)
        tell_unused_waivers(report)
        tell_unused_budgets(found, settings.endpoints)
    end(report, fails, quiet=quiet)


def report_of(job: Job) -> Report:
    """The report on one database of many."""
    common, source = job.common, job.database.source
    choice = checked(PlannerChoice(kind=job.planner, programs=common.programs, source=source, options=common.source))
    logs = LogOptions(files=job.database.logs, prefix=common.prefix, keep_values=True)
    snapshot = snapshot_with_logs(source, common.source, logs) if logs.files else snapshot_of(source, common.source)
    rules = choose(common.select, common.ignore)
    found = report_on(
        snapshot, rules, planner=choice, wishes=THRIFTY, budgets=common.budgets, waivers=common.waivers,
        debug=common.debug,
    )  # fmt: skip
    return with_baseline(found, read_known(common.baseline) if common.baseline else None)


def _snapshot(source: str | None, asked: SourceOptions, workload: Path | None) -> Snapshot:
    """The source, its statements those of the file where one is given."""
    if workload is None:
        return snapshot_of(source, asked)
    statements = workload_of(workload)
    return snapshot_for(source, asked, statements, partial(with_workload, statements=statements))


def report_on(
    snapshot: Snapshot,
    rules: tuple[Rule, ...] | None = None,
    *,
    planner: PlannerChoice,
    ready: Ready | None = None,
    across: bool = True,
    wishes: Wishes | None = None,
    budgets: tuple[EndpointBudget, ...] = (),
    waivers: Waivers | None = None,
    readings: Readings | None = None,
    debug: bool = False,
) -> Report:
    """The report (`across`: see `advise`), its indexes tried on the chosen planner, which may be up and `ready`; with
    `wishes` indexes are chosen for the whole workload; with `debug` a rule's crash is raised instead of listed."""

    def crashed(rule: Rule, crash: Exception) -> None:
        if debug:
            raise crash

    with drawn_for(snapshot, planner, ready) as drawn:
        try:
            with progress_bars(planner.options.quiet, planner.options.progress) as progress:
                return advise(
                    drawn.snapshot,
                    rules,
                    across=across,
                    on_crash=crashed,
                    planner=drawn.planner,
                    drawn=drawn.statements,
                    wishes=wishes,
                    progress=progress,
                    budgets=budgets,
                    waivers=waivers,
                    readings=readings,
                )
        except psycopg.Error as error:
            if debug or drawn.planner is None:
                raise
            told = without_planner(snapshot, error)
    return advise(told, rules, across=across, on_crash=crashed, budgets=budgets, waivers=waivers, readings=readings)


def tell(report: Report, path: Path | None) -> None:
    """The summary on stderr, when the report itself went to a file."""
    if path is None or str(path) == "-":
        return
    console = errors()
    console.print(text.summary(report), crop=False)
    console.print(f"\nReport: {path}", markup=False, highlight=False, soft_wrap=True)
