"""`pgadvisor demo`: a server, a shop with known problems, its workload, and a real audit of it."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from pgadvisor.cli import options, output, redaction
from pgadvisor.cli.audit import THRIFTY, report_on, tell
from pgadvisor.cli.planning import PlannerChoice
from pgadvisor.cli.source import SourceOptions, snapshot_of
from pgadvisor.cli.terminal import errors, progress_bars
from pgadvisor.demo.problems import Check, check
from pgadvisor.demo.server import KeptServer, Server, kept_server, passing_server, short_dsn
from pgadvisor.demo.shop import AUDITOR, DATABASE, OWNER, make_shop
from pgadvisor.demo.workload import run_workload
from pgadvisor.model.report import Report

DEFAULT_OUTPUT = Path("pgadvisor-demo.html")


def demo(
    path: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write the report to this file (.html, .json, .md, .pdf, .txt)."
        ),
    ] = DEFAULT_OUTPUT,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the server up, and say how to reach it and how to stop it.")
    ] = False,
    redact: redaction.RedactOption = False,
    redact_key: redaction.RedactKeyOption = None,
    plan_viewer: options.PlanViewerOption = None,
    show_sql: options.ShowSqlOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Try it in a minute: a throw-away server with a shop that has known problems, audited for real.

    Nothing has to be set up, and nothing is left behind but the report.

    Examples:

    - `pgadvisor demo`

    - `pgadvisor demo --keep -o /tmp/demo.html`
    """
    output.check_writable(path)
    key = redaction.key_file(redact, redact_key, path)
    form = output.format_of(path, None, plan_viewer)
    place: AbstractContextManager[Server] = kept_server() if keep else passing_server()
    with place as server:
        report = _audit(server, SourceOptions(show_sql=show_sql, quiet=quiet), debug=debug)
        shown = redaction.redacted(report, key, quiet=quiet)
        output.write(output.render(shown, form, path, plan_viewer), path)
        if not quiet:
            tell(shown, path)
            errors().print(_sentence(check(report)), markup=False, highlight=False, soft_wrap=True)
        if isinstance(server, KeptServer):
            errors().print(_address(server), markup=False, highlight=False, soft_wrap=True)


def _audit(server: Server, options: SourceOptions, *, debug: bool) -> Report:
    """Makes the shop, runs its workload, and audits it as a role that has only the two grants."""
    with progress_bars(options.quiet) as progress:
        made_at = make_shop(server, progress)
        run_workload(server, made_at, progress)
    source = server.dsn(DATABASE, AUDITOR)
    planner = PlannerChoice(source=source, options=options)
    return report_on(snapshot_of(source, options), planner=planner, wishes=THRIFTY, debug=debug)


def _sentence(checked: Check) -> str:
    """How the report compares with what was put into the shop."""
    total = len(checked.found) + len(checked.missed)
    words = f"Of {total} problems made on purpose {len(checked.found)} were found"
    words += f", with {len(checked.false_alarms)} false alarms." if checked.false_alarms else ", and nothing else."
    if checked.missed:
        words += f" Missed: {', '.join(sorted({problem.rule for problem in checked.missed}))}."
    if checked.too_early:
        rules = ", ".join(sorted({problem.rule for problem in checked.too_early}))
        words += f" {rules}: can be told only when the counters have run for days."
    return words


def _address(server: KeptServer) -> str:
    return (
        f"\nThe server stays up:  psql {short_dsn(server, DATABASE, OWNER)!r}"
        f"\nAudit it again:       pgadvisor audit {short_dsn(server, DATABASE, AUDITOR)!r}"
        f"\nStop it:              kill {server.pid}"
    )
