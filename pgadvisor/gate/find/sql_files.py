"""Files of SQL as migrations: by directory, each read as its tool would."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pgadvisor.gate.find.flyway import read_flyway
from pgadvisor.gate.find.found import Found, Project
from pgadvisor.gate.find.layouts import home_of, is_migration_folder, tool_of
from pgadvisor.gate.find.pairs import read_diesel, read_pairs, read_prisma
from pgadvisor.gate.find.reading import SqlFile, natural, read_sql
from pgadvisor.gate.find.sections import read_dbmate, read_goose
from pgadvisor.model.migration import MigrationTool
from pgadvisor.model.record import Record


class _Home(Record):
    """A directory of migrations and its files."""

    path: Path
    files: tuple[SqlFile, ...]
    tool: MigrationTool


def sql_migrations(project: Project, paths: Iterable[Path], given: Sequence[Path]) -> Iterator[Found]:
    """The migrations among the files, directory by directory.

    A plain file counts where it was given itself. Below a directory given, plain files count when nothing better is
    there: files of a tool, or directories called `migrations`.
    """
    homes = list(_homes(paths, given))
    for home in sorted(homes, key=lambda each: natural(each.path.as_posix())):
        if home.tool != "sql":
            yield from _read(project, home.files, home.tool)
        else:
            yield from _read(project, tuple(each for each in home.files if _is_meant(each.path, given, homes)), "sql")


def _homes(paths: Iterable[Path], given: Sequence[Path]) -> Iterator[_Home]:
    members: dict[Path, list[Path]] = {}
    for path in paths:
        if path.suffix.lower() == ".sql" or (path in given and path.suffix != ".py"):
            members.setdefault(home_of(path), []).append(path)
    for home, each in members.items():
        files = tuple(read_sql(path) for path in each)
        yield _Home(path=home, files=files, tool=tool_of(home, files))


def _is_meant(path: Path, given: Sequence[Path], homes: Sequence[_Home]) -> bool:
    """Whether a plain file is a migration, as far as what was given says."""
    for each in given:
        if path == each:
            return True
        if each.is_dir() and path.is_relative_to(each):
            better = [home for home in homes if home.path.is_relative_to(each) and home.path != each]
            if not any(home.tool != "sql" or _is_in_migrations(home.path, each) for home in better):
                return True
            if _is_in_migrations(path.parent, each) or is_migration_folder(each):
                return True
    return False


def _is_in_migrations(folder: Path, top: Path) -> bool:
    return any(is_migration_folder(each) for each in (folder, *folder.parents) if each.is_relative_to(top))


def _read(project: Project, files: Sequence[SqlFile], tool: MigrationTool) -> Iterator[Found]:
    if tool == "flyway":
        return read_flyway(project, files)
    if tool == "goose":
        return read_goose(project, files)
    if tool == "dbmate":
        return read_dbmate(project, files)
    if tool == "prisma":
        return read_prisma(project, files)
    if tool == "diesel":
        return read_diesel(project, files)
    return read_pairs(project, files, tool)
