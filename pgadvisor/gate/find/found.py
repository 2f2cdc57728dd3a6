"""What the search hands on: a migration and the files that it is made of."""

from pathlib import Path

from pgadvisor.gate.find.reading import SqlFile
from pgadvisor.gate.find.statements import read_statements
from pgadvisor.gate.find.transactions import Way
from pgadvisor.model.migration import Migration, MigrationTool
from pgadvisor.model.record import Record


class Found(Record):
    """A migration, and the files whose change makes it one to judge."""

    migration: Migration
    sources: tuple[Path, ...]


class Project(Record):
    """Where the files are named from."""

    root: Path

    def name_of(self, path: Path) -> str:
        """The file as the user would name it; of an installed package as it is imported; of others the whole path."""
        if "site-packages" in path.parts:
            return "/".join(path.parts[path.parts.index("site-packages") + 1 :])
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()


class Text(Record):
    """One way of a migration: a file, or a part of one with the rest blanked."""

    file: SqlFile
    text: str
    way: Way


def made(
    project: Project, tool: MigrationTool, name: str, up: Text, down: Text | None, extra: tuple[Path, ...] = ()
) -> Found:
    """The migration of these texts. `extra`: files besides that say how it is run."""
    read = read_statements(up.text, up.way)
    back = None if down is None or down.file.unread else read_statements(down.text, down.way)
    is_apart = down is not None and down.file.path != up.file.path
    remarks = list(read.remarks)
    if back is not None:
        remarks += [f"on the way back: {each}" for each in back.remarks if is_apart or each not in remarks]
    elif down is not None and not up.file.unread:
        remarks.append(f"its way back cannot be read: {down.file.unread}")
    return Found(
        migration=Migration(
            file=project.name_of(up.file.path),
            tool=tool,
            name=name,
            up=read.statements,
            down=None if back is None else back.statements,
            down_file=project.name_of(down.file.path) if is_apart and down is not None else None,
            is_wrapped=up.way.is_wrapped,
            unread=up.file.unread,
            remarks=tuple(remarks),
        ),
        sources=(up.file.path, *((down.file.path,) if down is not None else ()), *extra),
    )


def unread(project: Project, tool: MigrationTool, name: str, path: Path, reason: str) -> Found:
    """A migration that could not be read."""
    return Found(migration=Migration(file=project.name_of(path), tool=tool, name=name, unread=reason), sources=(path,))
