"""`pgadvisor twin`: a planner twin left up until Ctrl-C, for psql."""

import shlex
import signal
from typing import NoReturn

import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgadvisor.cli import options
from pgadvisor.cli.planning import PlannerChoice, checked
from pgadvisor.cli.source import SourceOptions, connect, snapshot_file
from pgadvisor.cli.terminal import errors, progress_bars
from pgadvisor.collect.collector import collect
from pgadvisor.collect.file import read_snapshot
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.twin import Twin

TOLD = ("host", "port", "dbname", "user")


def twin(
    source: options.SourceArgument = None,
    twin_bin: options.TwinBinOption = None,
    show_sql: options.ShowSqlOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Leave a planner twin up: a server with your schema, statistics and file sizes, and no rows, for EXPLAIN in psql.

    Its DSN is all that goes to stdout. It stays up until Ctrl-C (or SIGTERM), and then nothing of it is left. It asks
    the audited server nothing, opens no TCP port, and may be changed at will: what you try there, you try on no data.

    Examples:

    - `pgadvisor twin shop.pgsnap`, and in another terminal `psql` with the DSN that it prints

    - `pgadvisor twin "service=shop" --twin-bin /usr/lib/postgresql/16/bin`
    """
    checked(PlannerChoice(programs=twin_bin))
    found = _snapshot(source, SourceOptions(show_sql=show_sql, quiet=quiet))
    with progress_bars(quiet) as progress:
        running = Twin(found, binaries=twin_bin, progress=progress)
    with running:
        try:
            address = short_dsn(running.dsn)
            typer.echo(address)
            if not quiet:
                _tell(running, address)
            _wait()
        except KeyboardInterrupt:  # as soon as the DSN is told, this is the way to end it, and no failure
            return


def _snapshot(source: str | None, options: SourceOptions) -> Snapshot:
    """The snapshot in that file, or a new one of that server, without its statements' plans."""
    if (file := snapshot_file(source)) is not None:
        return read_snapshot(file)
    with connect(source, options) as session, progress_bars(options.quiet) as progress:
        return collect(session, progress=progress)


def short_dsn(dsn: str) -> str:
    """The connection string as a person would write it."""
    parts = conninfo_to_dict(dsn)
    return make_conninfo("", **{name: parts[name] for name in TOLD if parts.get(name)})


def _tell(running: Twin, address: str) -> None:
    lines = [f"{gap.subject}: {gap.reason}; {gap.cure}" for gap in running.gaps]
    said = f"{running.label}\n" + "".join(f"  not as on the server: {line}\n" for line in lines)
    said += f"Ask it:   psql {shlex.quote(address)}\nStop it:  Ctrl-C here"
    errors().print(said, markup=False, highlight=False, soft_wrap=True)


def _wait() -> NoReturn:
    """Until Ctrl-C or SIGTERM, which `main` makes the same."""
    while True:
        signal.pause()
