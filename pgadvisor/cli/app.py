"""The command's sub-commands and what they share."""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from pgadvisor import __version__
from pgadvisor.cli import audit, baseline, demo, diff, endpoints, explain, gate, indexes, query, rules, snapshot, twin
from pgadvisor.errors import UsageError


class Command(TyperCommand):
    """A command that does not repeat arguments it has no use for: one of them may be a password."""

    allow_extra_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises UsageError, quoting nothing, when arguments are left over."""
        rest: list[str] = super().parse_args(ctx, args)
        if ctx.args:
            raise UsageError("too many arguments: put a DSN of several words, a pattern, or a query into quotes")
        return rest


app = typer.Typer(
    name="pgadvisor",
    help="Audits the queries of a PostgreSQL database and says what to change, with proof. It changes nothing itself.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo", cls=Command)(demo.demo)
app.command("audit", cls=Command)(audit.audit)
app.command("snapshot", cls=Command)(snapshot.snapshot)
app.command("query", cls=Command)(query.query)
app.command("explain", cls=Command)(explain.explain)
app.command("indexes", cls=Command)(indexes.indexes)
app.command("endpoints", cls=Command)(endpoints.endpoints)
app.command("diff", cls=Command)(diff.diff)
app.command("gate", cls=Command)(gate.gate)
app.command("baseline", cls=Command)(baseline.baseline)
app.command("rules", cls=Command)(rules.rules)
app.command("twin", cls=Command)(twin.twin)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"pgadvisor {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options that come before the command."""
