"""Alembic: revisions in the order of their graph, as SQL by its offline mode."""

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

_REVISION = re.compile(r"^revision\b[^=\n]*=", re.MULTILINE)
_BEFORE = re.compile(r"^down_revision\b[^=\n]*=", re.MULTILINE)
_SECTION = re.compile(r"^\[tool\.alembic\]", re.MULTILINE)


def is_revision(path: Path) -> bool:
    """Whether the file is a revision of Alembic's."""
    if path.suffix != ".py" or path.name in ("env.py", "__init__.py"):
        return False
    folders = (path.parent, path.parent.parent)
    if path.parent.name != "versions" and not any((each / "env.py").is_file() for each in folders):
        return False
    text = text_of(path)
    return _REVISION.search(text) is not None and _BEFORE.search(text) is not None


def alembic_migrations(project: Project, revisions: Iterable[Path]) -> Iterator[Found]:
    """All revisions of the environments that the given ones belong to."""
    alembic = Framework(
        tool="alembic",
        file="alembic.ini",
        lacking="there is no alembic.ini above it, nor a pyproject.toml with [tool.alembic]",
        configuration_in=_configuration_in,
        read=_environment,
    )
    return framework_migrations(alembic, project, revisions)


def _configuration_in(folder: Path) -> Path | None:
    if (folder / "alembic.ini").is_file():
        return folder / "alembic.ini"
    return folder / "pyproject.toml" if _SECTION.search(text_of(folder / "pyproject.toml")) else None


def _environment(project: Project, configuration: Path, members: Sequence[Path]) -> Iterator[Found]:
    found = run_inside("alembic_run.py", [str(configuration)], configuration.parent, project.root, "alembic")
    if isinstance(found, Refused):
        known = Migration(
            file=project.name_of(configuration), tool="alembic", name=configuration.stem,
            unread=f"Alembic gives no SQL: {found.reason}",
        )  # fmt: skip
        yield Found(migration=known, sources=(configuration, *members))
        return
    heads = found["heads"]
    for each in found["revisions"]:
        yield _revision(project, each, heads)


def _revision(project: Project, entry: Mapping[str, Any], heads: Sequence[str]) -> Found:
    path = Path(entry["file"]).resolve()
    name = path.stem if entry["id"] in path.stem else f"{entry['id']} {entry['doc'] or ''}".strip()
    if len(heads) > 1 and entry["id"] in heads:
        several = f"one of {len(heads)} heads ({', '.join(sorted(heads))}), of which `alembic upgrade head` takes none"
        return unread(project, "alembic", name, path, f"it is {several}: join them with `alembic merge heads`")
    if entry["failed"]:
        reason = f"its upgrade() gives no SQL in Alembic's offline mode ({entry['failed']})"
        return unread(project, "alembic", name, path, reason)
    source = PythonSource(path)
    up, remarks = _statements(entry["up"], source)
    down = None if entry["down"] is None else _statements(entry["down"], source)[0]
    migration = Migration(file=project.name_of(path), tool="alembic", name=name, up=up, down=down, remarks=remarks)
    return Found(migration=migration, sources=(path,))


def _statements(
    events: Sequence[Mapping[str, Any]], source: PythonSource
) -> tuple[tuple[MigrationStatement, ...], tuple[str, ...]]:
    """The statements, each on the line of its operation."""
    found: list[MigrationStatement] = []
    remarks: list[str] = []
    for event in events:
        line = event["line"] or 1
        waivers, faults = source.waivers_at(line)
        read = read_statements(event["sql"], Way(is_wrapped=event["is_in_transaction"]))
        found += [replace(each, line=line, span=None, waivers=(*waivers, *each.waivers)) for each in read.statements]
        remarks += [*faults, *(re.sub(r"^line \d+", f"line {line}", each) for each in read.remarks)]
    return tuple(found), tuple(dict.fromkeys(remarks))
