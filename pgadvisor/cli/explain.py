"""`pgadvisor explain`: what is wrong with a plan that someone pastes; no database is asked."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pgadvisor import __version__
from pgadvisor.advise.advise import advise
from pgadvisor.advise.registry import choose
from pgadvisor.cli import options, output, redaction
from pgadvisor.cli.audit import tell
from pgadvisor.cli.baseline import read_known, with_baseline
from pgadvisor.cli.config import read_config
from pgadvisor.cli.options import FailOn
from pgadvisor.cli.source import end
from pgadvisor.errors import UsageError
from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.snapshot import FORMAT, Gap, Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.pasted.pasted import PastedPlan
from pgadvisor.pasted.reading import read_pasted
from pgadvisor.rule import Rule
from pgadvisor.sql.fingerprint import fingerprint

NO_DATABASE = Gap(
    area="catalog",
    reason="no database was asked: only what the plan itself proves is said",
    cure='for indexes and statistics give the query to `pgadvisor query "SELECT …" --source "dbname=shop"`',
)
PLANNED = "planned, not run: paste what EXPLAIN (ANALYZE, BUFFERS) prints, to see where the time goes"
ASIDE = ("select-star",)
"""What the text of a query is told of whatever its plan: whoever pastes a plan asks for its time."""
LARGEST = 256 * 1024 * 1024
"""Bytes that are read: no plan is as big, and a log is for `pgadvisor audit --log`."""


def explain(
    file: Annotated[
        str, typer.Argument(metavar="FILE | -", help="What EXPLAIN printed, as it was copied; `-` reads it from stdin.")
    ],
    path: options.OutputOption = None,
    form: options.FormatOption = None,
    also: options.AlsoOption = None,
    fail_on: options.FailOnOption = None,
    select: options.SelectOption = None,
    ignore: options.IgnoreOption = None,
    config: options.ConfigOption = None,
    baseline: options.BaselineOption = None,
    redact: redaction.RedactOption = False,
    redact_key: redaction.RedactKeyOption = None,
    plan_viewer: options.PlanViewerOption = None,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Look at a plan that EXPLAIN printed: where its time goes, what is wrong, what to change. No database is asked.

    Text, JSON, YAML or XML, of any version; with psql's borders and prompts, quoted, from a mail, a page of Markdown or
    a server's log; several plans in a file are told one after the other.

    Examples:

    - `pgadvisor explain plan.txt`

    - `pbpaste | pgadvisor explain -`

    - `psql shop -c "EXPLAIN (ANALYZE, BUFFERS) SELECT …" | pgadvisor explain - -o plan.html`

    - `pgadvisor explain plans.json --format json --fail-on warning`
    """
    output.check_writable(path)
    key = redaction.key_file(redact, redact_key, path)
    form = output.format_of(path, form, plan_viewer)
    others = output.formats_of(also or ())
    settings = read_config(config)
    chosen = choose((*settings.select, *(select or ())), (*settings.ignore, *(ignore or ())))
    known = read_known(given) if (given := baseline or settings.baseline) else None
    plans = read_pasted(_read(file))
    kinds = ("query", "plan") if any(each.query for each in plans) else ("plan",)

    def crashed(rule: Rule, crash: Exception) -> None:
        if debug:
            raise crash

    aside = () if select or settings.select else ASIDE
    rules = tuple(rule for rule in chosen if rule.kind in kinds and "logs" not in rule.needs and rule.name not in aside)
    found = with_baseline(advise(_snapshot(plans, file), rules, across=False, on_crash=crashed), known)
    report = redaction.redacted(found, key, quiet=quiet)
    fails = fail_on or settings.fail_on or FailOn.NEVER
    output.write(output.render(report, form, path, plan_viewer, fails), path)
    output.write_also(report, others, fails)
    if not quiet:
        tell(report, path)
    end(found, fails, quiet=quiet)


def _read(file: str) -> bytes:
    """What was pasted, from where the user says. Raises UsageError."""
    try:
        if file == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read ({error.strerror}): name a file with a plan, or - for stdin"
        ) from error
    if len(data) > LARGEST:
        raise UsageError("the input is too big for a plan: give a server's log to `pgadvisor audit --log FILE`")
    return data


def _snapshot(plans: tuple[PastedPlan, ...], file: str) -> Snapshot:
    """The plans, each of a statement of its own, with its text where it was pasted as well."""
    return Snapshot(
        format=FORMAT,
        pgadvisor=__version__,
        collected_at=datetime.now(UTC),
        statements=tuple(_statement(each, at, file) for at, each in enumerate(plans, start=1)),
        plans=tuple(_planned(each, at) for at, each in enumerate(plans, start=1)),
        gaps=(NO_DATABASE,),
    )


def _statement(pasted: PastedPlan, position: int, file: str) -> Statement:
    text = pasted.query or ""
    return Statement(
        key=f"#{position}",
        text=text,
        fingerprint=fingerprint(text) if text else f"plan {position}",
        position=position,
        line=pasted.line,
        file=None if file == "-" else file,
    )


def _planned(pasted: PastedPlan, position: int) -> StatementPlan:
    is_run = pasted.plan.is_analyzed
    reason = "as it was pasted" if is_run else PLANNED
    return StatementPlan(
        statement=f"#{position}", kind="analyzed" if is_run else "values", reason=reason, plan=pasted.plan
    )
