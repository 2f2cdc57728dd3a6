"""Which tool a directory of SQL files belongs to, by their names and what is in them."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from pgadvisor.gate.find.reading import SqlFile, text_of
from pgadvisor.model.migration import MigrationTool

FLYWAY = re.compile(r"(?P<kind>[VUBR])(?P<version>[\d._]*)__(?P<name>.+)\.sql$")
GOOSE = re.compile(r"^[ \t]*--[ \t]*\+goose[ \t]+up\b", re.IGNORECASE | re.MULTILINE)
DBMATE = re.compile(r"^--[ \t]*migrate:up\b[^\n]*", re.MULTILINE)
NO_TRANSACTION = re.compile(r"\A--[ \t]*no-transaction\b")
_UP = re.compile(r"\.up\.sql$", re.IGNORECASE)
_SQLX = re.compile(r"^\s*sqlx\b", re.MULTILINE)
_NEAR = 4
"""How many directories up the project of a directory of migrations may begin."""
_STAMPED = re.compile(r"\d{8,14}[_-]")
_FOLDERS = frozenset(("migration", "migrations", "migrate"))


def home_of(path: Path) -> Path:
    """The directory that holds the migrations of which the file is one."""
    folder = path.parent
    if path.name in ("up.sql", "down.sql"):
        return folder.parent
    if path.name == "migration.sql" and (_STAMPED.match(folder.name) or _is_prisma(folder.parent)):
        return folder.parent
    if FLYWAY.match(path.name):
        return next((each for each in path.parents if is_migration_folder(each)), folder)
    return folder


def is_migration_folder(folder: Path) -> bool:
    """Whether its name says that it holds migrations."""
    return folder.name.lower() in _FOLDERS


def tool_of(home: Path, files: Sequence[SqlFile]) -> MigrationTool:
    """The tool whose files these are; `sql` where nothing tells."""
    names = [each.path.name for each in files]
    found: Iterable[tuple[MigrationTool, bool]] = (
        ("prisma", "migration.sql" in names and all(each.path.parent != home for each in files)),
        ("diesel", "up.sql" in names),
        ("goose", any(GOOSE.search(each.text) for each in files)),
        ("dbmate", any(DBMATE.search(each.text) for each in files)),
        ("supabase", home.parts[-2:] == ("supabase", "migrations")),
        ("flyway", any(FLYWAY.match(name) for name in names)),
        ("sqlx", _is_sqlx(home, files)),
        ("golang-migrate", any(_UP.search(name) for name in names)),
    )
    return next((tool for tool, is_so in found if is_so), "sql")


def _is_prisma(home: Path) -> bool:
    return (home / "migration_lock.toml").exists()


def _is_sqlx(home: Path, files: Sequence[SqlFile]) -> bool:
    """A line that only sqlx knows, or a Rust project that uses it: names alone look like those of other tools."""
    if not all(re.match(r"\d+_", each.path.name) for each in files):
        return False
    if any(NO_TRANSACTION.match(each.text) for each in files):
        return True
    return any(_SQLX.search(text_of(folder / "Cargo.toml")) for folder in (home, *home.parents)[:_NEAR])
