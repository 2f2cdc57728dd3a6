"""`pgadvisor endpoints`: which endpoints take the database's time, and the story of one."""

from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from pgadvisor.advise.registry import choose
from pgadvisor.cli import options, output, redaction
from pgadvisor.cli.audit import report_on
from pgadvisor.cli.budgets import tell_unused_budgets
from pgadvisor.cli.config import read_config, waivers_of
from pgadvisor.cli.logs import LogOptions, snapshot_with_logs
from pgadvisor.cli.options import FailOn, Format, PlannerKind
from pgadvisor.cli.planning import PlannerChoice, checked
from pgadvisor.cli.source import SourceOptions, end, snapshot_of
from pgadvisor.errors import UsageError
from pgadvisor.model.report import Report
from pgadvisor.reports import markdown_endpoints, report_words, text_endpoints


class EndpointsFormat(StrEnum):
    """What `pgadvisor endpoints` can be written in."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint", metavar="NAME", help="Tell the story of this one: `GET /orders`, or a pattern with `*`."
    ),
]
EndpointsFormatOption = Annotated[
    EndpointsFormat | None,
    typer.Option("--format", help="How to show it; without it the ending of FILE decides, else text.",
                 show_default=False),
]  # fmt: skip


def endpoints(
    source: options.SourceArgument = None,
    log: options.LogOption = None,
    log_line_prefix: options.LogLinePrefixOption = None,
    executor: options.ExecutorOption = None,
    endpoint: EndpointOption = None,
    path: options.OutputOption = None,
    form: EndpointsFormatOption = None,
    fail_on: options.FailOnOption = None,
    config: options.ConfigOption = None,
    planner: options.PlannerOption = PlannerKind.TWIN,
    twin_bin: options.TwinBinOption = None,
    redact: redaction.RedactOption = False,
    redact_key: redaction.RedactKeyOption = None,
    show_sql: options.ShowSqlOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Why an endpoint is slow: its requests as the logs tell of them, their queries, and what each remedy saves.

    Examples:

    - `pgadvisor endpoints "dbname=shop" --log postgresql.log`

    - `pgadvisor endpoints shop.pgsnap --log "log/*.json" --endpoint "GET /orders/{id}"`

    - `pgadvisor endpoints shop.pgsnap --endpoint "GET /orders*" --format markdown -o orders.md`
    """
    output.check_writable(path)
    key = redaction.key_file(redact, redact_key, path)
    shape = output.format_of(path, None if form is None else Format(form), among=tuple(EndpointsFormat))
    settings = read_config(config)
    asked = SourceOptions(no_analyze=True, show_sql=show_sql, quiet=quiet)
    choice = checked(PlannerChoice(kind=planner, programs=twin_bin, source=source, options=asked))
    logs = LogOptions(files=tuple(log or ()), prefix=log_line_prefix, executor=executor)
    snapshot = snapshot_with_logs(source, asked, logs) if log else snapshot_of(source, asked)
    if snapshot.logs is None:
        raise UsageError("no log tells of requests: give the server's log files with --log FILE")
    rules = choose(settings.select, settings.ignore)
    waivers = waivers_of(settings)
    whole = report_on(snapshot, rules, planner=choice, budgets=settings.endpoints, waivers=waivers, debug=debug)
    if not quiet:
        tell_unused_budgets(whole, settings.endpoints)
    report = _about(whole, endpoint)
    shown = redaction.redacted(report, key, quiet=quiet)
    name = shown.endpoints[0].name if endpoint is not None and len(shown.endpoints) == 1 else None
    output.write(_rendered(shown, name, shape, path), path)
    end(report, fail_on or settings.fail_on or FailOn.NEVER, quiet=quiet)


def _about(report: Report, pattern: str | None) -> Report:
    """The report with the endpoints of that name or pattern, and the findings about them or their statements.

    Raises UsageError when there is none.
    """
    seen = [line for line in report_words.endpoint_lines(report) if line.endpoint.seen is not None]
    if not seen:
        for gap in report.gaps:
            if gap.area == "logs" and gap.subject is None:
                raise UsageError(f"the logs tell of no request ({gap.reason}): {gap.cure}")
        raise UsageError(
            "the logs tell of no request: have the application tag its statements (sqlcommenter), and log all of them "
            "for a while with log_min_duration_statement = 0"
        )
    wanted = [line for line in seen if pattern is None or _is_meant(line.endpoint.name, pattern)]
    if not wanted:
        names = ", ".join(line.endpoint.name for line in seen[:5])
        raise UsageError(f'no endpoint is called "{pattern}": the logs have {names}{", …" if len(seen) > 5 else ""}')
    numbers = sorted({number for line in wanted for number in line.findings})
    return msgspec.structs.replace(
        report,
        endpoints=tuple(line.endpoint for line in wanted),
        findings=tuple(report.findings[number - 1] for number in numbers),
    )


def _is_meant(name: str, pattern: str) -> bool:
    """Brackets are no pattern: `GET /pages/[slug]`."""
    return name == pattern or fnmatchcase(name, pattern.replace("[", "[[]"))


def _rendered(report: Report, name: str | None, form: Format, path: Path | None) -> bytes:
    match form:
        case Format.MARKDOWN:
            return markdown_endpoints.render(report, name).encode()
        case Format.JSON:
            return output.render(report, Format.JSON, path)
        case _ if path is None or str(path) == "-":
            width, color = output.terminal()
            return text_endpoints.render(report, name, width=width, color=color).encode()
        case _:
            return text_endpoints.render(report, name).encode()
