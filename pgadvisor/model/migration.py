"""A migration: statements that change a schema, as a tool would run them."""

from datetime import date
from typing import Literal

from pgadvisor.model.finding import Span
from pgadvisor.model.record import Record

MigrationTool = Literal[
    "sql",
    "flyway",
    "golang-migrate",
    "dbmate",
    "sqlx",
    "diesel",
    "goose",
    "prisma",
    "supabase",
    "alembic",
    "django",
]


class Waiver(Record):
    """What a comment silences: `-- pgadvisor: ignore index-not-concurrent until 2027-01-31 (the table is empty)`."""

    rules: tuple[str, ...]
    """Names; empty: all."""
    reason: str | None = None
    until: date | None = None
    """The last day on which it holds; None: it holds for ever."""
    line: int | None = None


class MigrationStatement(Record):
    """One statement of a migration."""

    text: str
    """Without its `;`."""
    line: int
    """Where it begins, from 1: in the SQL file, or of the operation in the Python file."""
    span: Span | None = None
    """In the text of its file, without its `;`; None: a framework made the text."""
    is_in_transaction: bool = True
    """Whether the tool, or a BEGIN before it, runs it in a transaction with its neighbours."""
    is_template: bool = False
    """Whether the text has names or constants for marks of a template (`{{ x }}`, `:x`) that the file has there."""
    waivers: tuple[Waiver, ...] = ()


class Migration(Record):
    """One migration file, or one revision of a framework."""

    file: str
    """As the user would name it: from the project's root."""
    tool: MigrationTool
    name: str
    """The version or revision, and what it is called: `0042_add_email`."""
    up: tuple[MigrationStatement, ...] = ()
    down: tuple[MigrationStatement, ...] | None = None
    """None: it cannot be taken back."""
    down_file: str | None = None
    """Where the way back stands in a file of its own."""
    is_judged: bool = True
    """New or changed in this pull request; the others are only applied, so that history is known."""
    is_wrapped: bool = False
    """Whether the tool opens a transaction around its statements."""
    unread: str | None = None
    """Why it could not be read, as a clause; then there are no statements."""
    remarks: tuple[str, ...] = ()
    """What was passed over in it (psql commands, COPY data, templates): clauses."""
