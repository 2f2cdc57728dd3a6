"""`pgadvisor indexes`: which indexes to create and to drop, for the whole workload."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import psycopg
import typer

from pgadvisor.advise.advise import observed
from pgadvisor.advise.queries import read_queries
from pgadvisor.cli import options, output, redaction
from pgadvisor.cli.audit import tell
from pgadvisor.cli.measuring import Copy, copy_at, measured
from pgadvisor.cli.options import AdviceFormat, Format, PlannerKind
from pgadvisor.cli.planning import PlannerChoice, checked, planner_on
from pgadvisor.cli.source import SourceOptions, connect, snapshot_file
from pgadvisor.cli.terminal import errors, progress_bars
from pgadvisor.cli.wishes import Asked, asked_about, budget_of, most_worse_of, wishes_of
from pgadvisor.cli.workload import places, with_workload, workload_of
from pgadvisor.collect.collector import collect
from pgadvisor.collect.file import read_snapshot
from pgadvisor.errors import ServerError, UsageError
from pgadvisor.facts import Facts
from pgadvisor.migrations.migration import migration as migration_of
from pgadvisor.model.advice import IndexAdvice
from pgadvisor.model.report import Report, Verdict
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.planner.twin_statements import draw_statements
from pgadvisor.reports import index_words, labels
from pgadvisor.selection.advise import advise_indexes
from pgadvisor.selection.wishes import TIME_LIMIT_S, Wishes

NO_VALUES = (
    "The snapshot holds no values of columns, so all values of a column are taken for equally frequent and parameters "
    "for any value: make it with --keep-values, or name the server itself"
)
OF_HYPOPG = (
    "hypopg tries B-tree, hash and BRIN indexes alone: GIN, GiST and SP-GiST ones, as for jsonb, arrays and text "
    "search, were refused there; --planner twin tries them all"
)


class IndexPlanner(StrEnum):
    """On what indexes are tried."""

    TWIN = "twin"
    HYPOPG = "hypopg"


class MigrationKind(StrEnum):
    """What a migration is written for."""

    SQL = "sql"
    ALEMBIC = "alembic"
    DJANGO = "django"


BudgetOption = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="10%|2GB",
        help="Room for all new indexes together: a share of the tables' size, or a size (1 GB is 1,024 MB).",
    ),
]
MaxIndexesOption = Annotated[
    int | None, typer.Option("--max-indexes", metavar="N", min=0, help="Create at most so many indexes.")
]
MaxRegressionOption = Annotated[
    str,
    typer.Option(
        "--max-regression",
        metavar="10%",
        help="No statement's plan may get dearer by more than this share; what writes pay for indexes is weighed.",
    ),
]
WhyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--why",
        metavar="DDL|INDEX",
        help="Say what this CREATE INDEX, or this index that is there, changes, and why it is advised or not (may be "
        "repeated).",
    ),
]
MigrationOption = Annotated[
    MigrationKind | None,
    typer.Option("--migration", help="Write the advice as a migration, and nothing else."),
]
IndexPlannerOption = Annotated[
    IndexPlanner,
    typer.Option(
        "--planner",
        help="On what indexes are tried: a planner twin on this machine (your schema, statistics and file sizes, no "
        "rows), or the extension hypopg on the audited server.",
    ),
]
TimeLimitOption = Annotated[
    float,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        min=1.0,
        help="After so many seconds of search take the best set found; what is proved of it is said.",
    ),
]
MeasureOption = Annotated[
    str | None,
    typer.Option(
        "--measure",
        metavar="DSN",
        help="Try the advice for real on this copy of the database: it is built there in one transaction, the "
        "statements are timed without and with it, and all is rolled back. Never name a database that is in use.",
    ),
]


def indexes(
    source: options.SourceArgument = None,
    workload: options.WorkloadOption = None,
    budget: BudgetOption = None,
    most_new: MaxIndexesOption = None,
    most_worse: MaxRegressionOption = "10%",
    why: WhyOption = None,
    migration: MigrationOption = None,
    measure: MeasureOption = None,
    planner: IndexPlannerOption = IndexPlanner.TWIN,
    twin_bin: options.TwinBinOption = None,
    time_limit: TimeLimitOption = TIME_LIMIT_S,
    path: options.OutputOption = None,
    form: options.AdviceFormatOption = None,
    redact: redaction.RedactOption = False,
    redact_key: redaction.RedactKeyOption = None,
    show_sql: options.ShowSqlOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Which indexes to create and to drop for the whole workload, tried on PostgreSQL's planner, writes counted.

    Nothing is made or dropped: you get the SQL, its undo, what each index saves, and a proof of how near it is to the
    best.

    Examples:

    - `pgadvisor indexes "dbname=shop"`

    - `pgadvisor indexes shop.pgsnap --budget 10% --max-indexes 5 -o indexes.html`

    - `pgadvisor indexes "dbname=shop" --workload queries.sql --format json`

    - `pgadvisor indexes "dbname=shop" --why "CREATE INDEX ON orders (status)" --why orders_note_idx`

    - `pgadvisor indexes "dbname=shop" --migration alembic -o 0042_indexes.py`
    """
    output.check_writable(path)
    key = redaction.key_file(redact, redact_key, path)
    shape = _form(path, form, migration, is_redacted=key is not None)
    asked = Asked(
        budget=None if budget is None else budget_of(budget),
        most_new=most_new,
        most_worse=most_worse_of(most_worse),
        why=asked_about(why or ()),
        time_limit_s=time_limit,
        workload_is_given=workload is not None,
    )
    from_server = SourceOptions(no_analyze=True, show_sql=show_sql, quiet=quiet)
    choice = checked(PlannerChoice(kind=PlannerKind(planner), programs=twin_bin, source=source, options=from_server))
    snapshot = _snapshot(source, from_server, None if workload is None else workload_of(workload))
    wishes = wishes_of(asked, snapshot)
    queries, unread = read_queries(snapshot)
    facts = Facts(snapshot, queries)
    copy = None if measure is None else copy_at(measure, source, facts)
    report = _report(facts, choice, wishes, copy, debug=debug)
    report = msgspec.structs.replace(report, unread=tuple(unread))
    if migration is not None and report.advice is not None:
        output.write(migration_of(migration.value, report.advice.create, report.advice.drop).encode(), path)
        _tell_of_migration(report, quiet=quiet)
        return
    shown = redaction.redacted(report, key, quiet=quiet)
    output.write(output.render(shown, shape, path), path)
    if not quiet:
        tell(shown, path)
        _tell_of_unread(shown)


def _form(
    path: Path | None, form: AdviceFormat | None, migration: MigrationKind | None, *, is_redacted: bool
) -> Format:
    """The form of the report. Raises UsageError where a migration is asked for and a form of it makes no sense."""
    if migration is None:
        return output.format_of(path, None if form is None else Format(form), among=tuple(AdviceFormat))
    if form is not None:
        raise UsageError("--migration writes the migration alone: leave out --format, or --migration")
    if is_redacted:
        raise UsageError("a migration needs the real names: leave out --redact, or --migration")
    return Format.TEXT


def _snapshot(source: str | None, asked: SourceOptions, statements: Sequence[Statement] | None) -> Snapshot:
    """The source without plans, for every statement is planned anew. Raises UsageError when it holds no statement."""
    if (file := snapshot_file(source)) is not None:
        snapshot = read_snapshot(file)
    else:
        with connect(source, asked) as session, progress_bars(asked.quiet) as progress:
            snapshot = collect(session, progress=progress)
    if statements is not None:
        return with_workload(snapshot, statements)
    if not snapshot.statements:
        gap = next((each for each in snapshot.gaps if each.area == "statements" and each.subject is None), None)
        reason = gap.reason if gap else "pg_stat_statements holds none for this database"
        cure = f"{gap.cure}, or " if gap else ""
        raise UsageError(f"there are no statements to advise on ({reason}): {cure}give them with --workload FILE")
    gaps = tuple(gap for gap in snapshot.gaps if gap.area not in ("plans", "analyze"))
    return msgspec.structs.replace(snapshot, plans=(), gaps=gaps)


def _report(facts: Facts, choice: PlannerChoice, wishes: Wishes, copy: Copy | None, *, debug: bool) -> Report:
    """The report that holds the advice alone."""
    snapshot = facts.snapshot
    try:
        with planner_on(snapshot, choice) as ready, progress_bars(choice.options.quiet) as progress:
            drawn = draw_statements(ready.prepare, ready.planner, snapshot, progress)
            advice = advise_indexes(facts, ready.planner, drawn, wishes, progress)
    except psycopg.Error as error:
        if debug:
            raise
        raise ServerError(
            f"the planner failed ({type(error).__name__}): see the error with --debug, or name other programs with "
            "--twin-bin DIR"
        ) from error
    if copy is not None:
        with progress_bars(choice.options.quiet) as progress:
            advice = measured(advice, copy, snapshot, drawn, progress)
    advice = msgspec.structs.replace(advice, doubts=(*advice.doubts, *_doubts(snapshot, choice)))
    found = observed(facts, _verdict(advice))
    return msgspec.structs.replace(
        found,
        window_s=None if wishes.workload_is_given else found.window_s,
        gaps=(*found.gaps, *ready.gaps),
        advice=advice,
    )


def _verdict(advice: IndexAdvice) -> Verdict:
    """What it comes to, in a sentence, and how sure that is."""
    headline = index_words.in_a_line(advice)
    parts = (index_words.low_confidence(advice), index_words.saving(advice), index_words.helped(advice),
             index_words.proof(advice), index_words.price(advice), index_words.measured(advice))  # fmt: skip
    return Verdict(headline=f"{headline[:1].upper()}{headline[1:]}", text=" ".join(part for part in parts if part))


def _doubts(snapshot: Snapshot, choice: PlannerChoice) -> tuple[str, ...]:
    """What makes this run less sure than another one could be."""
    has_parameters = any("$" in statement.text for statement in snapshot.statements)
    without_values = not snapshot.keeps_values and has_parameters
    return (
        *([NO_VALUES] if without_values else []),
        *([OF_HYPOPG] if choice.kind is PlannerKind.HYPOPG else []),
    )


def _tell_of_unread(report: Report) -> None:
    """What is wrong in a file that the user gave is said where the user looks, and the rest goes on."""
    if report.unread and labels.is_of_files(report):
        told = f"Left out: {places(report.statements, report.unread)}"
        errors().print(told, markup=False, highlight=False, soft_wrap=True)


def _tell_of_migration(report: Report, *, quiet: bool) -> None:
    if not quiet:
        errors().print(report.verdict.headline, markup=False, highlight=False, soft_wrap=True)
