"""`pgadvisor snapshot`: collect only; later work needs no server."""

from pathlib import Path
from typing import Annotated

import typer

from pgadvisor.cli import options, output
from pgadvisor.cli.logs import LogOptions, snapshot_with_logs
from pgadvisor.cli.source import SourceOptions, snapshot_of
from pgadvisor.cli.terminal import errors
from pgadvisor.collect.file import write_snapshot
from pgadvisor.errors import UsageError


def snapshot(
    path: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE", help="The snapshot file to write, for example shop.pgsnap."),
    ],
    dsn: Annotated[
        str | None,
        typer.Argument(metavar="[DSN]", show_default=False, help="A DSN or URI; without it libpq's own ways decide."),
    ] = None,
    keep_values: Annotated[
        bool,
        typer.Option(
            "--keep-values",
            help="Keep the values of the column statistics (most common values, histograms) and of the statements in "
            "logs: data of your users.",
        ),
    ] = False,
    log: options.LogOption = None,
    log_line_prefix: options.LogLinePrefixOption = None,
    executor: options.ExecutorOption = None,
    no_analyze: options.NoAnalyzeOption = False,
    analyze_limit: options.AnalyzeLimitOption = 5.0,
    top: options.TopOption = None,
    show_sql: options.ShowSqlOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Collect all that an audit needs into one file; no literal of your data goes in unless you ask for it.

    Examples:

    - `pgadvisor snapshot "service=shop" -o shop.pgsnap`

    - `pgadvisor audit shop.pgsnap -o report.html`
    """
    if str(path) == "-":
        raise UsageError("a snapshot is not text: name a file with -o")
    output.check_writable(path)
    asked = SourceOptions(no_analyze=no_analyze, analyze_limit_s=analyze_limit, top=top, show_sql=show_sql, quiet=quiet)
    logs = LogOptions(files=tuple(log or ()), prefix=log_line_prefix, executor=executor, keep_values=keep_values)
    found = snapshot_with_logs(dsn, asked, logs) if log else snapshot_of(dsn, asked)
    write_snapshot(path, found, keep_values=keep_values)
    if not quiet:
        errors().print(
            f"{len(found.tables):,} tables, {len(found.statements):,} statements, {len(found.gaps):,} gaps: {path}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
