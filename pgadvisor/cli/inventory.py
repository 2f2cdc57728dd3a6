"""The inventory file: which databases to audit, in TOML or as a connection string or service a line."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from pgadvisor.cli.options import FailOn, PlannerKind
from pgadvisor.collect.connecting import read_dsn
from pgadvisor.collect.file import is_snapshot
from pgadvisor.errors import ServerError, UsageError
from pgadvisor.model.record import Record

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What may be part of a file's name everywhere."""
_STRANGE = re.compile(r"[^A-Za-z0-9_]+")
_KEYWORD = re.compile(r"\s*(\w+)\s*=\s*\S+\s*")
"""One word of a DSN, such as `host=db`."""
_TABLE = re.compile(r"\s*\[\[\s*database\s*\]\]")
_A_TABLE = re.compile(r"\s*\[")
"""No connection string begins so."""
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_IN_ENTRY = re.compile(r" - at `\$\.database\[(\d+)\](?:\.([\w-]+))?.*`$")
_UNKNOWN = re.compile(r"unknown field `(.+?)`")
EXAMPLE = "see `pgadvisor audit --help` and docs/inventory.md"


class ListedDatabase(Record):
    """One database of the inventory."""

    name: str
    """Its report's file is named after it."""
    source: str
    """As the SOURCE of a command. It may hold a password: never for output."""
    line: int
    """Of the inventory."""
    logs: tuple[str, ...] = ()
    planner: PlannerKind | None = None
    fail_on: FailOn | None = None

    @property
    def has_password(self) -> bool:
        """Whether its connection string holds a password."""
        return _is_dsn(self.source) and bool(read_dsn(self.source).get("password"))


class _Entry(Record):
    """A `[[database]]` of the file."""

    name: str | None = None
    dsn: str | None = None
    service: str | None = None
    snapshot: str | None = None
    log: str | tuple[str, ...] = ()
    planner: PlannerKind | None = None
    fail_on: FailOn | None = msgspec.field(default=None, name="fail-on")


class _File(Record):
    database: tuple[_Entry, ...] = ()


def read_inventory(path: Path) -> tuple[ListedDatabase, ...]:
    """The databases in that file, in its order. Raises UsageError, which tells file and line and no password."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the inventory {path} cannot be read ({error.strerror}): check its name") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the inventory {path} is no UTF-8 text: write TOML, or a connection a line") from error
    is_toml = path.suffix.lower() == ".toml" or any(map(_A_TABLE.match, text.splitlines()))
    found = tuple(_of_toml(path, text) if is_toml else _of_lines(path, text))
    if not found:
        raise UsageError(f"the inventory {path} names no database: {EXAMPLE}")
    _check_names(path, found)
    return found


def listed(sources: tuple[str, ...]) -> tuple[ListedDatabase, ...]:
    """The sources of a command line as an inventory, named after what they name. Raises UsageError, quoting nothing,
    where they may be the words of one DSN, of which one may be a password."""
    keywords = [found[1] for each in sources if (found := _KEYWORD.fullmatch(each))]
    is_one = len(keywords) == len(sources) == len(set(keywords))
    if is_one or not all(_is_dsn(each) or is_snapshot(Path(each)) for each in sources):
        raise UsageError(
            "several sources are DSNs, URIs and snapshot files: put a DSN of several words into quotes, and write "
            "dbname=NAME for a database's name"
        )
    return tuple(_with_names([ListedDatabase(name="", source=each, line=0) for each in sources]))


def _of_toml(path: Path, text: str) -> Iterator[ListedDatabase]:
    entries, lines = _entries(path, text), _lines_of_entries(text)
    if len(lines) != len(entries):
        lines = [(1, {})] * len(entries)  # written in another way, `database = [{…}]`: then nothing tells the line
    unnamed = []
    for entry, (line, _) in zip(entries, lines, strict=True):
        if entry.name is not None and not _NAME.fullmatch(entry.name):
            _refuse(path, line, "a database's name may have letters, digits, `-`, `_` and `.`: its report is named so")
        unnamed.append(
            ListedDatabase(
                name=entry.name or "",
                source=_source(path, line, entry),
                line=line,
                logs=tuple(_beside(path, each) for each in _several(entry.log)),
                planner=entry.planner,
                fail_on=entry.fail_on,
            )
        )
    yield from _with_names(unnamed)


def _several(log: str | tuple[str, ...]) -> tuple[str, ...]:
    return (log,) if isinstance(log, str) else log


def _entries(path: Path, text: str) -> tuple[_Entry, ...]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = _AT_LINE.search(str(error))
        line = int(where[1]) if where else len(text.splitlines()) or 1
        _refuse(path, line, f"no valid TOML ({_AT_LINE.sub('', str(error))}): {EXAMPLE}")
    try:
        return msgspec.convert(_dashed(content), _File).database
    except msgspec.ValidationError as error:
        where, unknown = _IN_ENTRY.search(str(error)), _UNKNOWN.search(str(error))
        key = unknown[1] if unknown else None
        line = _line_of(text, int(where[1]), key or where[2]) if where else _line_of_key(text, key)
        said = str(error).partition(" - at `")[0]
        _refuse(path, line, f"{said[:1].lower()}{said[1:]}: a [[database]] has name, dsn or service or snapshot, log, "
                            "planner and fail-on")  # fmt: skip


def _dashed(content: dict[str, Any]) -> dict[str, Any]:
    """With `fail-on` for `fail_on`: both are written."""
    entries = content.get("database")
    if not isinstance(entries, list):
        return content
    return {
        **content,
        "database": [
            {key.replace("_", "-"): value for key, value in entry.items()} if isinstance(entry, dict) else entry
            for entry in entries
        ],
    }


def _lines_of_entries(text: str) -> list[tuple[int, dict[str, int]]]:
    """The line of each `[[database]]`, and of its keys."""
    found: list[tuple[int, dict[str, int]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if _TABLE.match(line):
            found.append((number, {}))
        elif found and "=" in line:
            found[-1][1].setdefault(line.partition("=")[0].strip().strip("\"'").replace("_", "-"), number)
    return found


def _line_of_key(text: str, key: str | None) -> int:
    """The line of a key, or of a table, that is of no `[[database]]`."""
    told = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}\b") if key else None
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if told and told.match(line)), 1)


def _line_of(text: str, entry: int, key: str | None) -> int:
    lines = _lines_of_entries(text)
    if entry >= len(lines):
        return 1
    line, keys = lines[entry]
    return keys.get(key or "", line)


def _source(path: Path, line: int, entry: _Entry) -> str:
    given = [each for each in (entry.dsn, entry.service, entry.snapshot) if each is not None]
    if len(given) != 1 or not given[0].strip():
        _refuse(path, line, "a [[database]] needs one of dsn, service and snapshot")
    if entry.service is not None:
        return _service(path, line, entry.service)
    if entry.snapshot is not None:
        return _snapshot(path, line, entry.snapshot)
    return _dsn(path, line, given[0])


def _service(path: Path, line: int, name: str) -> str:
    if not _NAME.fullmatch(name):
        _refuse(path, line, "this is no name of a service: give that of a section of ~/.pg_service.conf")
    return f"service={name}"


def _snapshot(path: Path, line: int, name: str) -> str:
    file = _beside(path, name)
    if not Path(file).is_file():
        _refuse(path, line, f"there is no snapshot file {name}: make it with `pgadvisor snapshot DSN -o FILE`")
    return file


def _dsn(path: Path, line: int, text: str) -> str:
    try:
        read_dsn(text)
    except ServerError as error:
        raise UsageError(f"{path}:{line}: {error}") from None
    return text if _is_dsn(text) else f"dbname={text.strip()}"


def _of_lines(path: Path, text: str) -> Iterator[ListedDatabase]:
    """A connection string, the name of a service or a snapshot file a line; `#` begins a comment."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        if _is_dsn(words):
            source = _dsn(path, number, words)
        elif "/" in words or Path(_beside(path, words)).is_file():
            source = _snapshot(path, number, words)
        else:
            source = _service(path, number, words)
        found.append(ListedDatabase(name="", source=source, line=number))
    yield from _with_names(found)


def _is_dsn(text: str) -> bool:
    return "=" in text or "://" in text


def _beside(path: Path, name: str) -> str:
    """A file's name counts from the inventory."""
    return str(path.parent / name)


def _with_names(databases: list[ListedDatabase]) -> Iterator[ListedDatabase]:
    """Those without a name get one from what they name, with a number where several would be called alike."""
    taken = {"index", *(each.name.lower() for each in databases if each.name)}
    for each in databases:
        if each.name:
            yield each
            continue
        name = base = _name_of(each.source)
        number = 1
        while name.lower() in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name.lower())
        yield msgspec.structs.replace(each, name=name)


def _name_of(source: str) -> str:
    keywords = read_dsn(source) if _is_dsn(source) else {"dbname": Path(source).stem}
    named = (str(keywords.get(key) or "") for key in ("service", "dbname", "host"))
    return next((name for each in named if (name := _STRANGE.sub("-", each).strip("-")[:60])), "database")


def _check_names(path: Path, databases: tuple[ListedDatabase, ...]) -> None:
    seen: dict[str, int] = {"index": 0}
    for each in databases:
        name = each.name.lower()  # file systems may not tell them apart
        if name in seen:
            where = f"line {seen[name]} has it" if seen[name] else "the overview is called so"
            _refuse(path, each.line, f'the name "{each.name}" is taken ({where}): give each database its own')
        seen[name] = each.line


def _refuse(path: Path, line: int, what: str) -> NoReturn:
    raise UsageError(f"{path}:{line}: {what}") from None
