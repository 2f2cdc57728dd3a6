"""Flyway: `V2.1__name.sql`, `U2.1__name.sql`, `R__name.sql`."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from pgadvisor.gate.find.found import Found, Project, Text, made, unread
from pgadvisor.gate.find.layouts import FLYWAY
from pgadvisor.gate.find.reading import SqlFile, text_of
from pgadvisor.gate.find.transactions import ALONE, Way, in_transactions

_SWITCHED_OFF = re.compile(r"^\s*(?:flyway\.)?executeInTransaction\s*=\s*false\b", re.IGNORECASE | re.MULTILINE)
_MISNAMED = re.compile(r"[VU]\d[\d._]*_?[^_\d].*\.sql$")


def read_flyway(project: Project, files: Sequence[SqlFile]) -> Iterator[Found]:
    """Versions in their order, then what is repeated."""
    named = [(name, each) for each in files if (name := FLYWAY.match(each.path.name))]
    back = {_version(name["version"]): file for name, file in named if name["kind"] == "U"}
    versions = [(_version(name["version"]), file) for name, file in named if name["kind"] in "VB"]
    for version, file in sorted(versions, key=lambda each: each[0]):
        yield _migration(project, file, back.get(version))
    repeated = [(name["name"], file) for name, file in named if name["kind"] == "R"]
    for _, file in sorted(repeated, key=lambda each: each[0]):
        yield _migration(project, file, None)
    for file in files:
        if _MISNAMED.match(file.path.name) and not FLYWAY.match(file.path.name):
            reason = "Flyway does not run it: its name needs two underscores behind the version"
            yield unread(project, "flyway", file.path.stem, file.path, reason)


def _version(text: str) -> tuple[int, ...]:
    """`2.1`, `2_1` and `2.1.0` are one version."""
    numbers = [int(each) for each in re.split(r"[._]", text) if each]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _migration(project: Project, file: SqlFile, back: SqlFile | None) -> Found:
    settings = Path(f"{file.path}.conf")
    way = Way(is_wrapped=not _is_switched_off(settings))
    down = Text(file=back, text=back.text, way=Way(is_wrapped=True)) if back is not None else None
    found = made(project, "flyway", file.path.stem, Text(file=file, text=file.text, way=way), down, (settings,))
    up = found.migration.up
    if way.is_wrapped and up and all(ALONE.match(each.text) for each in up):
        outside = in_transactions([each.text for each in up], Way(is_wrapped=False))
        up = tuple(replace(each, is_in_transaction=is_in) for each, is_in in zip(up, outside, strict=True))
        return replace(found, migration=replace(found.migration, up=up))
    return found


def _is_switched_off(settings: Path) -> bool:
    return _SWITCHED_OFF.search(text_of(settings)) is not None
