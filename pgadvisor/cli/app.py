"""The command's sub-commands and what they share."""

from typing import Annotated

import typer

from pgadvisor import __version__
from pgadvisor.cli import audit, demo, query, rules, snapshot

app = typer.Typer(
    name="pgadvisor",
    help="Audits the queries of a PostgreSQL database and says what to change, with proof. It changes nothing itself.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("audit")(audit.audit)
app.command("snapshot")(snapshot.snapshot)
app.command("query")(query.query)
app.command("rules")(rules.rules)


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
