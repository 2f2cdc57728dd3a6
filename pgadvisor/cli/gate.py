"""`pgadvisor gate`: the migrations of a pull request, before they lock or break production."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pgadvisor.advise.registry import choose, gate_rules
from pgadvisor.advise.suppress import terms_for
from pgadvisor.cli import options, output, redaction
from pgadvisor.cli.audit import tell
from pgadvisor.cli.baseline import read_known, tell_unused, with_baseline
from pgadvisor.cli.config import Config, read_config, waivers_of
from pgadvisor.cli.gate_fix import check_fix, coded, patched, write_patch
from pgadvisor.cli.gate_plans import added_queries, planned
from pgadvisor.cli.gate_trace import traced
from pgadvisor.cli.options import FailOn
from pgadvisor.cli.planning import PlannerChoice, checked
from pgadvisor.cli.source import SourceOptions, end
from pgadvisor.collect.file import read_snapshot
from pgadvisor.errors import UsageError
from pgadvisor.gate.find.find import find_migrations
from pgadvisor.gate.judge import judge
from pgadvisor.gate.readable import with_unreadable
from pgadvisor.model.migration import Migration
from pgadvisor.rule import Rule

PathsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="PATH…", show_default=False, help="Migration files, or directories of them."),
]
SnapshotOption = Annotated[
    Path | None,
    typer.Option(
        "--snapshot",
        metavar="FILE",
        help="What `pgadvisor snapshot` wrote of production: table sizes, traffic and plans count then.",
    ),
]
BaseOption = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="REF|DIR",
        help="Judge only what is new or changed since this git commit or branch, or against this directory.",
    ),
]
QueriesOption = Annotated[
    Path | None,
    typer.Option(
        "--queries",
        metavar="FILE|DIR",
        help="Queries that come with the pull request: those that lack an index on production's statistics are told.",
    ),
]
FailOnOption = Annotated[
    FailOn | None,
    typer.Option(
        "--fail-on",
        help="Exit with 1 when a finding that is not known is at or above this severity (default: error).",
    ),
]
ScratchOption = Annotated[
    str | None,
    typer.Option(
        "--scratch",
        metavar="DSN",
        help="Try the migrations in this empty database, never one in use; else on a server of our own, for a moment.",
    ),
]
NoTraceOption = Annotated[
    bool, typer.Option("--no-trace", help="Do not run the migrations on a scratch server: judge their text alone.")
]
NoPlansOption = Annotated[
    bool, typer.Option("--no-plans", help="Do not plan the snapshot's workload before and after the migrations.")
]
FixOption = Annotated[
    bool,
    typer.Option(
        "--fix",
        help="Write a patch for `git apply` instead of the report: the safe form of each hazard, in SQL files and in "
        "migrations of Alembic and Django; code that is to be put in by hand goes to stderr.",
    ),
]


def gate(
    paths: PathsArgument,
    snapshot: SnapshotOption = None,
    base: BaseOption = None,
    queries: QueriesOption = None,
    no_plans: NoPlansOption = False,
    scratch: ScratchOption = None,
    no_trace: NoTraceOption = False,
    fix: FixOption = False,
    twin_bin: options.TwinBinOption = None,
    path: options.OutputOption = None,
    form: options.FormatOption = None,
    also: options.AlsoOption = None,
    fail_on: FailOnOption = None,
    select: options.SelectOption = None,
    ignore: options.IgnoreOption = None,
    config: options.ConfigOption = None,
    baseline: options.BaselineOption = None,
    redact: redaction.RedactOption = False,
    redact_key: redaction.RedactKeyOption = None,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Judge migrations: what locks or rewrites a table, what breaks running code, and how to do it safely.

    Examples:

    - `pgadvisor gate migrations/`

    - `pgadvisor gate migrations/ --base origin/main --snapshot prod.pgsnap`

    - `pgadvisor gate migrations/ --snapshot prod.pgsnap --queries new_queries.sql`

    - `pgadvisor gate db/migrate/0042_email.sql --format github`

    - `pgadvisor gate migrations/ --fix | git apply`
    """
    output.check_writable(path)
    if fix:
        check_fix(redact=redact, has_form=form is not None or bool(also))
    key = redaction.key_file(redact, redact_key, path)
    form = options.Format.TEXT if fix else output.format_of(path, form)
    others = output.formats_of(also or ())
    settings = read_config(config)
    rules = _rules(settings, select, ignore)
    known = read_known(given) if (given := baseline or settings.baseline) else None
    catalog = read_snapshot(snapshot) if snapshot else None
    migrations = find_migrations(paths, base=base, root=None)
    readable = with_unreadable(migrations)
    added = added_queries(queries, catalog) if queries else ()
    _check_readable(readable, has_queries=bool(added))
    choice = checked(PlannerChoice(programs=twin_bin, options=SourceOptions(quiet=quiet)))
    if scratch is not None and no_trace:
        raise UsageError("--scratch names where to run the migrations, and --no-trace says not to: leave one out")
    tried = None if no_trace or fix else traced(migrations, catalog, scratch, choice)
    if tried is None or tried.trace is None:
        migrations = readable  # else the server says what is no SQL, on which line
    plans = None if no_plans or fix or catalog is None else planned(catalog, readable, added, choice)
    now = datetime.now(UTC)
    terms = terms_for(rules, waivers_of(settings))

    def crashed(rule: Rule, crash: Exception) -> None:
        if debug:
            raise crash

    found = with_baseline(
        judge(migrations, rules, terms, snapshot=catalog, now=now, plans=plans, tried=tried, on_crash=crashed), known
    )
    threshold = fail_on or settings.fail_on or FailOn.ERROR
    if fix:
        made = patched(migrations, rules, found, catalog, paths)
        left = with_baseline(judge(made.after, rules, terms, snapshot=catalog, now=now, on_crash=crashed), known)
        write_patch(made, left, path, quiet=quiet)
        end(left, threshold, quiet=quiet)
        return
    found = found if redact else coded(found, migrations, rules, catalog, paths)
    report = redaction.redacted(found, key, quiet=quiet)
    output.write(output.render(report, form, path, fail_on=threshold), path)
    output.write_also(report, others, threshold)
    if not quiet:
        tell(report, path)
        tell_unused(found, known)
    end(report, threshold, quiet=quiet)


def _rules(settings: Config, select: list[str] | None, ignore: list[str] | None) -> tuple[Rule, ...]:
    wanted = (*settings.select, *(select or ())), (*settings.ignore, *(ignore or ()))
    return choose(*wanted, among=gate_rules())


def _check_readable(migrations: tuple[Migration, ...], *, has_queries: bool) -> None:
    """Raises UsageError when nothing at all can be judged."""
    if not migrations and not has_queries:
        raise UsageError("there is no migration in what was given: name the directory of your migrations")
    judged = [each for each in migrations if each.is_judged]
    if judged and all(each.unread is not None for each in judged):
        first = judged[0]
        raise UsageError(f"no migration could be read; {first.file}: {first.unread}")
