"""Options that several commands share, each with its one help text."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pgadvisor.model.finding import Severity
from pgadvisor.reports.plan_viewer import PlanViewerName


class FailOn(StrEnum):
    """From which severity on the exit code is 1."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"

    def is_reached(self, worst: Severity | None) -> bool:
        """Whether the worst severity found is at or above this one."""
        return self is not FailOn.NEVER and worst is not None and worst.rank <= Severity(self.value).rank


class PlannerKind(StrEnum):
    """Who answers what-ifs."""

    TWIN = "twin"
    HYPOPG = "hypopg"
    NONE = "none"


class Format(StrEnum):
    """What a report is written as."""

    GITHUB = "github"
    GITLAB = "gitlab"
    HTML = "html"
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    PDF = "pdf"
    SARIF = "sarif"
    TEXT = "text"


class AdviceFormat(StrEnum):
    """What index advice is written as: it has no findings for the formats of CI."""

    HTML = "html"
    JSON = "json"
    MARKDOWN = "markdown"
    PDF = "pdf"
    TEXT = "text"


SourceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]",
        show_default=False,
        help="A DSN (`dbname=shop`), a URI (`postgresql://host/shop`) or a snapshot file. Without it libpq's own ways "
        "decide: PG* variables, service file, .pgpass.",
    ),
]
SourcesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        help="A DSN (`dbname=shop`), a URI (`postgresql://host/shop`) or a snapshot file. Without it libpq's own ways "
        "decide: PG* variables, service file, .pgpass. Several: as with --inventory.",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write the report to this file; `-` or nothing: stdout."),
]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="Form of the report; without it the ending of -o decides, then `text`."),
]
AdviceFormatOption = Annotated[
    AdviceFormat | None,
    typer.Option("--format", help="Form of the report; without it the ending of -o decides, then `text`."),
]
AlsoOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--also",
        metavar="FILE",
        help="Write the same report to this file as well, in the form that its ending names (may be repeated).",
    ),
]
FailOnOption = Annotated[
    FailOn | None,
    typer.Option(
        "--fail-on",
        help="Exit with 1 when a finding that is not known is at or above this severity (default: never).",
    ),
]
SelectOption = Annotated[
    list[str] | None, typer.Option("--select", metavar="RULE", help="Run only this rule (may be repeated).")
]
IgnoreOption = Annotated[
    list[str] | None, typer.Option("--ignore", metavar="RULE", help="Leave out this rule (may be repeated).")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings: `pgadvisor.toml`, or `[tool.pgadvisor]` in `pyproject.toml`; looked for in this directory.",
    ),
]
WorkloadOption = Annotated[
    Path | None,
    typer.Option(
        "--workload",
        metavar="FILE",
        help="Look at the statements in this file instead of the source's own: SQL, each statement ended by `;`, with "
        "an optional line before it, `-- name: NAME freq: CALLS` or `-- calls: N  mean_ms: X`; without times a "
        "statement weighs calls times planner cost.",
    ),
]
PreviousOption = Annotated[
    Path | None,
    typer.Option(
        "--previous",
        metavar="FILE",
        help="An earlier snapshot, or JSON report, of the same database: says what is new, fixed, worse and better "
        "since. A snapshot's counters are taken off, so that the audit is of the time since, if 1,000 calls came since "
        "and the counters were not reset; a JSON report is compared only.",
    ),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="Findings that are known, as `pgadvisor baseline` or the HTML report writes them: those do not fail "
        "`--fail-on`.",
    ),
]
NoAnalyzeOption = Annotated[
    bool, typer.Option("--no-analyze", help="Never run a statement: plans without EXPLAIN ANALYZE only.")
]
AnalyzeLimitOption = Annotated[
    float,
    typer.Option(
        "--analyze-limit", metavar="SECONDS", min=0.0, help="Run no statement that is expected to take longer."
    ),
]
TopOption = Annotated[
    int | None,
    typer.Option(
        "--top", metavar="N", min=1, help="Plan the N most costly statements; else those of 99 % of the time."
    ),
]
TryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--try",
        metavar="DDL",
        help="Plan each statement also as if this CREATE INDEX had been run (may be repeated); needs --source, and "
        "makes nothing there.",
    ),
]
HideOption = Annotated[
    list[str] | None,
    typer.Option(
        "--hide", metavar="INDEX", help="Plan each statement also as if this index were not there (may be repeated)."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Plan each statement also with this setting: `work_mem=64MB` (may be repeated).",
    ),
]
LogOption = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Read this log of the server as well (may be repeated; a pattern such as 'log/*.csv', `-` for stdin): "
        "stderr, csvlog or jsonlog, also packed, and as RDS, Cloud SQL, Azure, Heroku, systemd, Docker and "
        "Kubernetes wrap it.",
    ),
]
LogLinePrefixOption = Annotated[
    str | None,
    typer.Option(
        "--log-line-prefix",
        metavar="TEXT",
        help="The server's log_line_prefix when the logs were written; without it their lines tell.",
    ),
]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="URL",
        help="Read logs on a Dask cluster that can reach the files: `dask://host:port`; without it by processes here.",
    ),
]
InventoryOption = Annotated[
    Path | None,
    typer.Option(
        "--inventory",
        metavar="FILE",
        help="Audit every database in this file, side by side: TOML with a `[[database]]` each (name, dsn or service "
        "or snapshot, log, planner, fail-on), or a connection string or service a line. -o names a directory: a "
        "report for each database, and index.html over all.",
    ),
]
JobsOption = Annotated[
    int,
    typer.Option("--jobs", metavar="N", min=1, max=64, help="With --inventory: so many databases at once."),
]
PlannerOption = Annotated[
    PlannerKind,
    typer.Option(
        "--planner",
        help="Who says what would be: a planner twin on this machine (your schema, statistics and file sizes, no rows),"
        " the extension hypopg on the audited server, or none: then indexes are proposed without having been tried.",
    ),
]
TwinBinOption = Annotated[
    Path | None,
    typer.Option(
        "--twin-bin",
        metavar="DIR",
        help="Run the planner twin with the PostgreSQL programs in this directory; else with those of the server's "
        "major version where this machine has them, else with those that came with pgadvisor.",
    ),
]
PlanViewerOption = Annotated[
    PlanViewerName | None,
    typer.Option(
        "--plan-viewer",
        help="An HTML report carries this viewer along, 0.35 MB more: each plan opens in it, without a request.",
    ),
]
ShowSqlOption = Annotated[
    bool,
    typer.Option(
        "--show-sql", help="Print each statement sent to the server on stderr; values of your columns are in them."
    ),
]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no summary on stderr.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="On an error show the whole traceback.")]
