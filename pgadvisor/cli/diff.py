"""`pgadvisor diff`: what changed between two snapshots or reports of one database, and what it saved."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pgadvisor.advise.registry import choose
from pgadvisor.cli import options, output, redaction
from pgadvisor.cli.audit import THRIFTY, report_on
from pgadvisor.cli.config import read_config, waivers_of
from pgadvisor.cli.options import Format, PlannerKind
from pgadvisor.cli.planning import PlannerChoice, checked
from pgadvisor.cli.previous import Previous, compared, is_of_logs, read_previous
from pgadvisor.cli.source import SourceOptions
from pgadvisor.cli.terminal import errors
from pgadvisor.errors import UsageError
from pgadvisor.model.finding import Severity
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import json_diff, labels, markdown_changes, text_changes
from pgadvisor.sql.readings import Readings


class DiffFormat(StrEnum):
    """What `pgadvisor diff` can be written in."""

    HTML = "html"
    JSON = "json"
    MARKDOWN = "markdown"
    TEXT = "text"


class FailOnChange(StrEnum):
    """Which change makes the exit code 1."""

    NEW = "new"
    WORSE = "worse"


OldArgument = Annotated[
    Path, typer.Argument(metavar="OLD", show_default=False, help="The earlier snapshot, or JSON report.")
]
NewArgument = Annotated[
    Path, typer.Argument(metavar="NEW", show_default=False, help="The later one, of the same database.")
]
DiffFormatOption = Annotated[
    DiffFormat | None,
    typer.Option(
        "--format",
        help="How to show it; `html` is the whole report on NEW with the changes in it. Without it the ending of -o "
        "decides, then `text`.",
    ),
]
FailOnChangeOption = Annotated[
    list[FailOnChange] | None,
    typer.Option(
        "--fail-on",
        help="Exit with 1 when there is a new warning or error, or when a finding, statement or endpoint is worse (may "
        "be repeated).",
    ),
]
DiffPlannerOption = Annotated[
    PlannerKind | None,
    typer.Option(
        "--planner",
        help="Try the indexes that snapshots need on a planner twin. Without it they are not tried, which is quick; a "
        "snapshot beside a report is judged as that report was.",
    ),
]


def diff(
    old: OldArgument,
    new: NewArgument,
    path: options.OutputOption = None,
    form: DiffFormatOption = None,
    fail_on: FailOnChangeOption = None,
    select: options.SelectOption = None,
    ignore: options.IgnoreOption = None,
    config: options.ConfigOption = None,
    planner: DiffPlannerOption = None,
    twin_bin: options.TwinBinOption = None,
    redact: redaction.RedactOption = False,
    redact_key: redaction.RedactKeyOption = None,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """What changed between two runs: new, worse, better, fixed and gone; and what the indexes made since really saved.

    Examples:

    - `pgadvisor diff last-week.pgsnap this-week.pgsnap`

    - `pgadvisor diff before.pgsnap after.pgsnap --fail-on worse --format markdown -o changes.md`

    - `pgadvisor diff main.json branch.json --fail-on new --fail-on worse`
    """
    output.check_writable(path)
    key = redaction.key_file(redact, redact_key, path)
    shape = output.format_of(path, None if form is None else Format(form), among=tuple(DiffFormat))
    settings = read_config(config)
    rules = choose((*settings.select, *(select or ())), (*settings.ignore, *(ignore or ())))
    before, after = read_previous(old), read_previous(new)
    _check_pair(before, after)
    kind = planner or _planner_of(before, after)
    choice = checked(PlannerChoice(kind=kind, programs=twin_bin, source=str(new), options=SourceOptions(quiet=quiet)))
    judge = partial(report_on, rules=rules, planner=choice, wishes=THRIFTY, budgets=settings.endpoints,
                    waivers=waivers_of(settings), readings=Readings(), debug=debug)  # fmt: skip
    report = redaction.redacted(compared(after.run, before, judge), key, quiet=quiet)
    output.write(_rendered(report, shape, path), path)
    _end(report, fail_on or (), quiet=quiet)


def _check_pair(before: Previous, after: Previous) -> None:
    """Raises UsageError when these two are nothing to compare."""
    for each in (before, after):
        run = each.run
        if isinstance(run, Report) and (labels.is_of_indexes(run) or labels.is_of_migrations(run)):
            raise UsageError(f"{each.name} has no findings of a workload: give a report that `pgadvisor audit` wrote")
        if run.server is None and not is_of_logs(run):
            raise UsageError(f"{each.name} is of queries, not of a database: give a snapshot or an audit of one")
    databases = [each.run.server.database if each.run.server else None for each in (before, after)]
    if None in databases and databases != [None, None]:
        name, other = (before, after) if databases[0] is None else (after, before)
        raise UsageError(
            f"{name.name} is of logs alone, and {other.name} of a database: give two runs of the same kind"
        )
    if databases[0] != databases[1]:
        raise UsageError(
            f'{before.name} is of the database "{databases[0]}", and {after.name} of "{databases[1]}": '
            "give two runs of the same database"
        )
    at, now = before.run.collected_at, after.run.collected_at
    if at == now:
        raise UsageError(f"{before.name} and {after.name} are of the very same run: give an earlier one first")
    if at > now:
        raise UsageError(
            f"{before.name} ({numbers.moment(at)}) is later than {after.name} ({numbers.moment(now)}): "
            f"the earlier one comes first: `pgadvisor diff {after.name} {before.name}`"
        )


def _planner_of(before: Previous, after: Previous) -> PlannerKind:
    """None is asked for two snapshots; beside a report whose indexes were tried, those of a snapshot are tried too:
    what is proposed untried would seem new."""
    runs = (before.run, after.run)
    is_mixed = any(isinstance(run, Snapshot) for run in runs)
    was_tried = any(isinstance(run, Report) and run.trials is not None for run in runs)
    return PlannerKind.TWIN if is_mixed and was_tried else PlannerKind.NONE


def _rendered(report: Report, form: Format, path: Path | None) -> bytes:
    match form:
        case Format.JSON:
            return json_diff.render(report).encode()
        case Format.MARKDOWN:
            return markdown_changes.render(report).encode()
        case Format.HTML:
            return output.render(report, Format.HTML, path)
        case _ if path is None or str(path) == "-":
            width, color = output.terminal()
            return text_changes.render(report, width=width, color=color).encode()
        case _:
            return text_changes.render(report).encode()


def _end(report: Report, fail_on: "list[FailOnChange] | tuple[()]", *, quiet: bool) -> None:
    """End with 1, and say why, when something changed in a way that `--fail-on` names."""
    changes = report.changes
    if changes is None:
        return
    worse = [each for part in (changes.moved, changes.statements, changes.endpoints) for each in part
             if each.change == "worse"]  # fmt: skip
    new = sum(each.status == "new" and each.severity is not Severity.INFO for each in report.findings)
    told = [numbers.plural(new, "new finding")] if new and FailOnChange.NEW in fail_on else []
    if worse and FailOnChange.WORSE in fail_on:
        told.append(f"{len(worse):,} worse (findings, statements and endpoints)")
    if not told:
        return
    if not quiet:
        errors().print(f"Failed: {', '.join(told)} (--fail-on)", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)
