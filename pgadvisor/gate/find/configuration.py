"""Files of a framework by the configuration that they belong to: the nearest above them, or the project's only one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from pgadvisor.gate.find.found import Found, Project, unread
from pgadvisor.gate.find.reading import walk
from pgadvisor.model.migration import MigrationTool
from pgadvisor.model.record import Record


class Framework(Record):
    """How a framework is known."""

    tool: MigrationTool
    file: str
    """The configuration's name where it is looked for in all of the project."""
    lacking: str
    """What is said where there is none."""
    configuration_in: Callable[[Path], Path | None]
    """The configuration in a directory itself."""
    read: Callable[[Project, Path, Sequence[Path]], Iterator[Found]]
    """The migrations of a configuration; the last argument: those that were given."""


def framework_migrations(framework: Framework, project: Project, files: Iterable[Path]) -> Iterator[Found]:
    """All migrations of the configurations that the given files belong to."""
    homes: dict[Path, list[Path]] = {}
    for path in files:
        homes.setdefault(path.parent, []).append(path)
    groups: dict[Path | None, list[Path]] = {}
    for home, members in homes.items():
        groups.setdefault(_configuration(framework, home, project.root), []).extend(members)
    for configuration, members in groups.items():
        if configuration is None:
            yield from (unread(project, framework.tool, each.stem, each, framework.lacking) for each in members)
        else:
            yield from framework.read(project, configuration, members)


def _configuration(framework: Framework, home: Path, root: Path) -> Path | None:
    for folder in (home, *home.parents):
        if not folder.is_relative_to(root):
            break
        if (found := framework.configuration_in(folder)) is not None:
            return found
    others = [each for each in walk(root) if each.name == framework.file]
    return others[0] if len(others) == 1 else None
