"""The command: its sub-commands, and the last wall before the user.

Exit codes: 0, nothing at or above `--fail-on`. 1, something. 2, the work could not be done.
"""

import os
import signal
import sys
from types import FrameType
from typing import Annotated, Never

import click
import typer

from pgadvisor import __version__
from pgadvisor.cli import audit, demo, query, rules, snapshot
from pgadvisor.cli.terminal import errors
from pgadvisor.errors import PgAdvisorError

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


def main() -> Never:
    """Run the command and exit with its code; Python itself would exit with 1 on a crash, and 1 means findings."""
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        _fail("stopped: nothing was written")
    except PgAdvisorError as error:
        _fail(str(error), error)
    except click.exceptions.Abort:
        _fail("stopped: nothing was written")
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout once more at exit
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - the last wall: a crash must not look like exit code 1
        _fail(f"internal error: {type(error).__name__}: run again with --debug and report the traceback", error)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, error: BaseException | None = None) -> Never:
    if error is not None and "--debug" in sys.argv:
        raise error
    errors().print(f"pgadvisor: {message}", markup=False, highlight=False, soft_wrap=True)
    sys.exit(2)


def _interrupted(number: int, frame: FrameType | None) -> Never:
    """SIGTERM ends as Ctrl-C does, so that servers are stopped and half-written files removed."""
    raise KeyboardInterrupt
