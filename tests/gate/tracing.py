"""Migrations in a few words, and scratch databases on the servers that tests share."""

from pgadvisor.gate.migration_needs import needs_of
from pgadvisor.gate.scratch_named import named_scratch
from pgadvisor.gate.trace import trace
from pgadvisor.model.finding import Span
from pgadvisor.model.migration import Migration, MigrationStatement
from pgadvisor.model.trace import Trace
from pgadvisor.sql.splitter import split_statements
from tests.fix_servers import Server


def statements(text: str, *, in_transaction: bool = True) -> tuple[MigrationStatement, ...]:
    """Those of a file."""
    return tuple(
        MigrationStatement(text=each.text, line=each.line, span=Span(start=0, end=1), is_in_transaction=in_transaction)
        for each in split_statements(text)
    )


def migration(
    up: str, down: str | None = None, *, name: str = "0002", judged: bool = True, in_transaction: bool = True
) -> Migration:
    """A migration of plain SQL."""
    return Migration(
        file=f"migrations/{name}.sql",
        tool="sql",
        name=name,
        up=statements(up, in_transaction=in_transaction),
        down=None if down is None else statements(down, in_transaction=in_transaction),
        is_judged=judged,
    )


def past(text: str) -> Migration:
    """What stood before the pull request."""
    return migration(text, name="0001", judged=False)


def traced(server: Server, *migrations: Migration, time_zone: str | None = "UTC") -> Trace:
    """The trace in a database of its own on the server."""
    with named_scratch(server.dsn(), needs_of(migrations)) as scratch:
        return trace(scratch, migrations, time_zone)
