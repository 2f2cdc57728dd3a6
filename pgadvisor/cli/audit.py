"""`pgadvisor audit`: collect, advise, report."""

from pathlib import Path

from pgadvisor.advise.advise import advise
from pgadvisor.advise.registry import choose
from pgadvisor.cli import options, output
from pgadvisor.cli.config import read_config
from pgadvisor.cli.options import FailOn
from pgadvisor.cli.source import SourceOptions, exit_code, snapshot_of
from pgadvisor.cli.terminal import errors
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.reports import text
from pgadvisor.rule import Rule


def audit(
    source: options.SourceArgument = None,
    path: options.OutputOption = None,
    form: options.FormatOption = None,
    fail_on: options.FailOnOption = None,
    select: options.SelectOption = None,
    ignore: options.IgnoreOption = None,
    config: options.ConfigOption = None,
    no_analyze: options.NoAnalyzeOption = False,
    analyze_limit: options.AnalyzeLimitOption = 5.0,
    top: options.TopOption = None,
    show_sql: options.ShowSqlOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Audit a database: what is slow, why, what to change, and how sure that is.

    Examples:

    - `pgadvisor audit "dbname=shop" -o report.html`

    - `PGSERVICE=shop pgadvisor audit -o report.html`

    - `pgadvisor audit shop.pgsnap --format json --fail-on warning`
    """
    output.check_writable(path)
    form = output.format_of(path, form)
    settings = read_config(config)
    rules = choose((*settings.select, *(select or ())), (*settings.ignore, *(ignore or ())))
    snapshot = snapshot_of(
        source,
        SourceOptions(no_analyze=no_analyze, analyze_limit_s=analyze_limit, top=top, show_sql=show_sql, quiet=quiet),
    )
    report = report_on(snapshot, rules, debug=debug)
    output.write(output.render(report, form), path)
    if not quiet:
        tell(report, path)
    exit_code((fail_on or settings.fail_on or FailOn.NEVER).is_reached(report.verdict.severity))


def report_on(
    snapshot: Snapshot, rules: tuple[Rule, ...] | None = None, *, across: bool = True, debug: bool = False
) -> Report:
    """The report (`across`: see `advise`); with `debug` a rule's crash is raised instead of listed."""

    def crashed(rule: Rule, crash: Exception) -> None:
        if debug:
            raise crash

    return advise(snapshot, rules, across=across, on_crash=crashed)


def tell(report: Report, path: Path | None) -> None:
    """The summary on stderr, when the report itself went to a file."""
    if path is None or str(path) == "-":
        return
    console = errors()
    console.print(text.summary(report))
    console.print(f"\nReport: {path}", markup=False, highlight=False, soft_wrap=True)
