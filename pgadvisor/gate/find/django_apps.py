"""Django: the migrations of a project in the order of its plan, as SQL like sqlmigrate's."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pgadvisor.gate.find.configuration import Framework, framework_migrations
from pgadvisor.gate.find.found import Found, Project, unread
from pgadvisor.gate.find.project_python import Refused, run_inside
from pgadvisor.gate.find.python_source import PythonSource
from pgadvisor.gate.find.reading import text_of
from pgadvisor.gate.find.statements import read_statements
from pgadvisor.gate.find.transactions import Way
from pgadvisor.model.migration import Migration, MigrationStatement

_CLASS = re.compile(r"^class Migration\(.*Migration\)", re.MULTILINE)
_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE[\"']\s*,\s*[\"']([\w.]+)[\"']")


def is_django(path: Path) -> bool:
    """Whether the file is a migration of Django's."""
    if path.suffix != ".py" or path.parent.name != "migrations" or path.name == "__init__.py":
        return False
    return _CLASS.search(text_of(path)) is not None


def django_migrations(project: Project, files: Iterable[Path]) -> Iterator[Found]:
    """All migrations of the projects that the given ones belong to."""
    django = Framework(
        tool="django",
        file="manage.py",
        lacking="there is no manage.py that names the project's settings",
        configuration_in=_manager_in,
        read=_project,
    )
    return framework_migrations(django, project, files)


def _manager_in(folder: Path) -> Path | None:
    manager = folder / "manage.py"
    return manager if manager.is_file() else None


def _project(project: Project, manager: Path, members: Sequence[Path]) -> Iterator[Found]:
    settings = _SETTINGS.search(text_of(manager))
    arguments = [str(manager.parent), settings[1] if settings else ""]
    found = run_inside("django_run.py", arguments, manager.parent, project.root, "django")
    if isinstance(found, Refused):
        migration = Migration(
            file=project.name_of(manager), tool="django", name=manager.parent.name,
            unread=f"Django gives no SQL: {found.reason}",
        )  # fmt: skip
        yield Found(migration=migration, sources=(manager, *members))
        return
    seen = set()
    for each in found["migrations"]:
        made = _migration(project, each, found["conflicts"])
        seen.add(made.sources[0])
        yield made
    for path in members:
        if path not in seen:
            reason = "it is not in Django's plan: its app is not installed, or a squashed migration replaces it"
            yield unread(project, "django", path.stem, path, reason)


def _migration(project: Project, entry: Mapping[str, Any], conflicts: Mapping[str, Sequence[str]]) -> Found:
    path = Path(entry["file"]).resolve()
    name = f"{entry['app']}.{entry['name']}"
    leaves = conflicts.get(entry["app"], ())
    if entry["name"] in leaves:
        reason = f"{entry['app']} has {len(leaves)} last migrations ({', '.join(leaves)}): join them with "
        return unread(project, "django", name, path, f"{reason}`manage.py makemigrations --merge`")
    if entry["failed"]:
        return unread(
            project, "django", name, path, f"Django gives no SQL for it without a database ({entry['failed']})"
        )
    source = PythonSource(path)
    lines = source.operations if len(source.operations) == entry["operations"] else ()
    up, remarks = _statements(entry["up"], lines, source)
    told = [f"line {_line(lines, number)}: what {kind} does is not seen" for number, kind in entry["remarks"]]
    down = None if entry["down"] is None else _statements(entry["down"], lines, source)[0]
    migration = Migration(
        file=project.name_of(path), tool="django", name=name, up=up, down=down, remarks=(*told, *remarks)
    )
    return Found(migration=migration, sources=(path,))


def _line(lines: Sequence[int], operation: int | None) -> int:
    return lines[operation] if operation is not None and operation < len(lines) else 1


def _statements(
    made: Sequence[Mapping[str, Any]], lines: Sequence[int], source: PythonSource
) -> tuple[tuple[MigrationStatement, ...], tuple[str, ...]]:
    """The statements, each on the line of its operation."""
    found: list[MigrationStatement] = []
    remarks: list[str] = []
    for each in made:
        line = _line(lines, each["operation"])
        waivers, faults = source.waivers_at(line)
        read = read_statements(each["sql"], Way(is_wrapped=each["is_in_transaction"]))
        found += [replace(one, line=line, span=None, waivers=(*waivers, *one.waivers)) for one in read.statements]
        remarks += [*faults, *(re.sub(r"^line \d+", f"line {line}", one) for one in read.remarks)]
    return tuple(found), tuple(dict.fromkeys(remarks))
