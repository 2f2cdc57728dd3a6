"""Migrations of which nothing can be judged: files that hold no SQL at all."""

from collections.abc import Iterable

from msgspec.structs import replace

from pgadvisor.model.migration import Migration
from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.parse import Unread


def with_unreadable(migrations: Iterable[Migration]) -> tuple[Migration, ...]:
    """The migrations, those to be judged that hold no statement of PostgreSQL's marked as not read."""
    return tuple(_marked(each) if each.is_judged and each.unread is None else each for each in migrations)


def _marked(migration: Migration) -> Migration:
    reason = ""
    for statement in migration.up:
        found = read_ddl(statement.text)
        if not isinstance(found, Unread):
            return migration
        reason = reason or found.reason
    return replace(migration, up=(), unread=f"it holds no SQL of PostgreSQL's: {reason}") if reason else migration
