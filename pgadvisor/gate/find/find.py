"""From the paths that were given to the migrations there, whichever tool they are for."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from pgadvisor.errors import UsageError
from pgadvisor.gate.find.alembic_revisions import alembic_migrations, is_revision
from pgadvisor.gate.find.base import Changes, changes_since
from pgadvisor.gate.find.django_apps import django_migrations, is_django
from pgadvisor.gate.find.found import Found, Project, unread
from pgadvisor.gate.find.layouts import home_of
from pgadvisor.gate.find.reading import walk
from pgadvisor.gate.find.sql_files import sql_migrations
from pgadvisor.model.migration import Migration


def find_migrations(paths: Sequence[Path], *, base: str | None, root: Path | None) -> tuple[Migration, ...]:
    """The migrations at these files and directories, in the order in which their tools would run them.

    `base`: a commit or a directory; only what is new or changed since is judged, and without it all that was given.
    `root`: the project's directory; None: the one that holds `.git`, or else the present one.
    Of a file that a tool numbers, its siblings come as well, not judged, so that history is known. Raises UsageError
    when a path or the base is not there.
    """
    given = tuple(_existing(each) for each in paths)
    home = root.resolve() if root is not None else _root_of(given)
    changes = changes_since(base, home)
    project = Project(root=home)
    files = _files(given, changes.old)
    found = [*sql_migrations(project, files, given), *_python(project, files, given)]
    return tuple(replace(each.migration, is_judged=_is_judged(each, given, changes)) for each in found)


def project_root(paths: Sequence[Path]) -> Path:
    """The directory that migrations found at these paths are named from."""
    return _root_of(tuple(_existing(each) for each in paths)).resolve()


def _existing(path: Path) -> Path:
    try:
        if not path.exists():
            raise UsageError(f'there is no "{path}": give a migration file or a directory of them')
        if path.is_dir():
            os.scandir(path).close()
    except OSError as error:
        raise UsageError(f'"{path}" cannot be opened ({error.strerror}): let this user read it') from error
    return path.resolve()


def _root_of(given: Sequence[Path]) -> Path:
    """The directory that holds `.git`; else the present one where everything is below it."""
    for each in given:
        for folder in (each, *each.parents):
            if (folder / ".git").exists():
                return folder
    here = Path.cwd().resolve()
    if all(each.is_relative_to(here) for each in given) or not given:
        return here
    return given[0] if given[0].is_dir() else given[0].parent


def _files(given: Sequence[Path], leave_out: Path | None) -> tuple[Path, ...]:
    """All files below the directories given; of a file given, those of its home."""
    found: dict[Path, None] = {}
    for each in given:
        home = each if each.is_dir() else home_of(each)
        beside = walk(home, leave_out) if each.is_dir() or home != each.parent else home.iterdir()
        found |= dict.fromkeys(path for path in sorted(beside) if path.is_file() or _is_broken(path))
    return tuple(found)


def _is_broken(path: Path) -> bool:
    """Whether it is a link to nothing: told when it is read."""
    return path.is_symlink() and not path.exists()


def _python(project: Project, files: Sequence[Path], given: Sequence[Path]) -> Iterator[Found]:
    """Of frameworks; of Python files given that are no migrations, that they are none."""
    revisions = [each for each in files if is_revision(each)]
    apps = [each for each in files if each not in revisions and is_django(each)]
    yield from alembic_migrations(project, revisions)
    yield from django_migrations(project, apps)
    for each in given:
        if each.suffix == ".py" and each not in revisions and each not in apps and each.is_file():
            reason = "it is no migration of Alembic's or Django's"
            yield unread(project, "sql", each.stem, each, reason)


def _is_judged(found: Found, given: Sequence[Path], changes: Changes) -> bool:
    """Whether one of its files was given, itself or with its directory, and is new or changed."""
    return any(any(each.is_relative_to(one) for one in given) and changes.has(each) for each in found.sources)
