"""Changed migrations as files, each as its tool wants it: markers, files of their own, and the patch of them all."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pgadvisor.gate.find.layouts import DBMATE, GOOSE
from pgadvisor.gate.find.reading import read_sql
from pgadvisor.gate.fix import FixedMigration, FixedStatement
from pgadvisor.model.finding import Span
from pgadvisor.model.record import Record

OUTSIDE = re.compile(r"\bCONCURRENTLY\b|\A\s*VACUUM\b|\A\s*DO\b.*\bCOMMIT\b", re.IGNORECASE | re.DOTALL)
"""Statements of safe forms that PostgreSQL runs in no transaction."""
_GOOSE_OUTSIDE = "-- +goose NO TRANSACTION\n"
_DBMATE_DOWN = re.compile(r"^--[ \t]*migrate:down\b", re.MULTILINE)
_NUMBERED = re.compile(r"(?P<before>[\d-]*?)(?P<number>\d+)(?P<after>[_.].*)\Z")
_SETTING = re.compile(r"\A(?:SET|RESET)\b", re.IGNORECASE)
_VALIDATES = re.compile(r"\bVALIDATE\s+CONSTRAINT\b", re.IGNORECASE)
_CONTROL = ("BEGIN", "COMMIT")
_IN_FOLDERS = ("diesel", "prisma")
_NOTHING = "SELECT 1; -- the way back of the migration before takes this one back as well\n"


class ChangedFile(Record):
    """A file as it is to be."""

    name: str
    """From the project's root."""
    new: str
    old: str | None = None
    """None: there is none yet."""


class _Chunk(NamedTuple):
    """What one file is to hold, where a tool sends a file in one message."""

    text: str
    is_outside: bool = False


def changed_files(fixed: FixedMigration, root: Path) -> tuple[ChangedFile, ...]:
    """The files of a changed migration; none where its tool leaves no way to write it."""
    migration = fixed.before
    file = read_sql(root / migration.file)
    text = file.text
    if (
        file.unread is not None
        or Path(migration.file).is_absolute()
        or (root / migration.file).read_bytes()[:3] == b"\xef\xbb\xbf"
    ):
        return ()
    if any(each.span is None or text[each.span.start : each.span.end] != each.text for each in migration.up):
        return ()
    is_apart = any(each.is_apart for each in fixed.changes)
    if not is_apart or migration.tool == "sql":
        return (ChangedFile(name=migration.file, old=text, new=_spliced(fixed, text)),)
    if migration.tool == "goose":
        return _goose(fixed, text)
    if migration.tool == "flyway":
        return _flyway(fixed, text, root)
    return _apart(fixed, text, root)


def _spliced(fixed: FixedMigration, text: str, *, marks_blocks: bool = False) -> str:
    """The text with each changed statement replaced."""
    for change in sorted(fixed.changes, key=lambda each: each.origin, reverse=True):
        span = _with_end(text, fixed, change)
        new = "\n".join(_goose_block(each) if marks_blocks and "$" in each else f"{each};" for each in change.lines)
        rest = text[span.end :]
        text = text[: span.start] + new + (rest if new else rest.lstrip(" \t").removeprefix("\n"))
    return text


def _with_end(text: str, fixed: FixedMigration, change: FixedStatement) -> Span:
    """Where the old statement stands, with its semicolon."""
    span = fixed.before.up[change.origin].span
    assert span is not None
    end = re.compile(r"\s*;").match(text, span.end)
    return Span(start=span.start, end=end.end() if end else span.end)


def _goose_block(statement: str) -> str:
    return f"-- +goose StatementBegin\n{statement};\n-- +goose StatementEnd"


def _goose(fixed: FixedMigration, text: str) -> tuple[ChangedFile, ...]:
    """goose sends each statement by itself; a mark says that it opens no transaction."""
    for change in fixed.changes:
        before = text[: _with_end(text, fixed, change).start]
        if before.count("StatementBegin") > before.count("StatementEnd"):
            return ()
    new = _spliced(fixed, text, marks_blocks=True)
    start = GOOSE.search(new)
    if start is not None and _GOOSE_OUTSIDE.strip() not in new:
        new = new[: start.start()] + _GOOSE_OUTSIDE + new[start.start() :]
    return (ChangedFile(name=fixed.before.file, old=text, new=new),)


def _flyway(fixed: FixedMigration, text: str, root: Path) -> tuple[ChangedFile, ...]:
    """Flyway sends each statement by itself; a file beside it says that it opens no transaction."""
    changed = ChangedFile(name=fixed.before.file, old=text, new=_spliced(fixed, text))
    name = f"{fixed.before.file}.conf"
    old = (root / name).read_text("utf-8") if (root / name).exists() else None
    if not fixed.before.is_wrapped:
        return (changed,)
    return changed, ChangedFile(name=name, old=old, new=f"{old or ''}executeInTransaction=false\n")


def _apart(fixed: FixedMigration, text: str, root: Path) -> tuple[ChangedFile, ...]:
    """A tool that sends a file in one message, which is one transaction: what runs apart gets files of its own."""
    tool, name = fixed.before.tool, fixed.before.file
    start, end = _up_part(tool, text)
    chunks = _chunks(fixed, text, start, end)
    if any(each.is_outside for each in chunks) and tool == "supabase" and any("COMMIT" in each.text for each in chunks):
        return ()
    names = _names(name, len(chunks), root, tool)
    if not chunks or not names or any(_ends_its_own(each) for each in fixed.changes):
        return ()
    found = [ChangedFile(name=name, old=text, new=_written(tool, chunks[0], text[:start], text[end:]))]
    for made, chunk in zip(names, chunks[1:], strict=True):
        found.append(ChangedFile(name=made, new=_written(tool, chunk, "", "")))
        back = fixed.before.down_file
        if back is not None:
            found.append(ChangedFile(name=_way_back(made, name, back), new=_NOTHING))
    return (*found, *_metadata(tool, (name, *names), chunks, root))


def _ends_its_own(change: FixedStatement) -> bool:
    """Whether the migration has a transaction of its own, which the change ends or begins."""
    words = [each for each in change.lines if each in _CONTROL]
    return bool(words) and (words[0], words[-1]) != ("BEGIN", "COMMIT")


def _up_part(tool: str, text: str) -> tuple[int, int]:
    """Where the statements of the way up stand."""
    start = DBMATE.search(text) if tool == "dbmate" else None
    if start is None:
        return 0, len(text)
    down = _DBMATE_DOWN.search(text, start.end())
    return start.end(), down.start() if down else len(text)


def _chunks(fixed: FixedMigration, text: str, start: int, end: int) -> list[_Chunk]:
    """The parts in their order; statements that stay together stand as they stood."""
    found: list[_Chunk] = []
    together: list[FixedStatement] = []
    settings: list[str] = []
    at = start
    for change in fixed.changes:
        if not change.is_apart:
            together.append(change)
            continue
        span = _with_end(text, fixed, change)
        settings += _settings(fixed, at, span.start)
        found += _kept(fixed, text, Span(start=at, end=span.start), together)
        found += _grouped(change.lines, settings)
        at, together = span.end, []
    return [*found, *_kept(fixed, text, Span(start=at, end=end), together)]


def _settings(fixed: FixedMigration, start: int, end: int) -> list[str]:
    """The settings that a part of the migration makes: each later file needs them again."""
    changed = {each.origin for each in fixed.changes}
    return [
        each.text
        for number, each in enumerate(fixed.before.up)
        if each.span and start <= each.span.start < end and number not in changed and _SETTING.match(each.text)
    ]


def _kept(fixed: FixedMigration, text: str, part: Span, changes: Iterable[FixedStatement]) -> Iterator[_Chunk]:
    """A part with the changes that stay in it; none where no statement is left."""
    if not any(each.span and part.start <= each.span.start < part.end for each in fixed.before.up):
        return
    inside = FixedMigration(before=fixed.before, after=fixed.after, changes=tuple(changes))
    yield _Chunk(_spliced(inside, text[: part.end])[part.start :].strip("\n"))


def _grouped(lines: Sequence[str], settings: list[str]) -> Iterator[_Chunk]:
    """The statements, as many together as may share a transaction: rows are not read under a lock taken before.

    `settings`: made so far in the migration; each file makes them again.
    """
    together: list[str] = []
    for line in lines:
        is_outside = OUTSIDE.search(line) is not None
        if together and (is_outside or _VALIDATES.search(line)):
            yield _Chunk("".join(f"{each};\n" for each in (*settings, *together)))
            together = []
        if _SETTING.match(line):
            settings[:] = [] if line.upper().startswith("RESET") else [*settings, line]
        elif is_outside:
            yield _Chunk(f"{line};", is_outside=True)
        elif line not in _CONTROL:
            together.append(line)
    if together:
        yield _Chunk("".join(f"{each};\n" for each in (*settings, *together)))


def _written(tool: str, chunk: _Chunk, before: str, after: str) -> str:
    """A file of the tool with these statements."""
    body = chunk.text.strip("\n")
    if tool == "dbmate":
        mark = "-- migrate:up transaction:false" if chunk.is_outside else "-- migrate:up"
        head = DBMATE.sub("", before)
        return f"{head}{mark}\n{body}\n\n{after or '-- migrate:down' + chr(10)}"
    mark = "-- no-transaction\n" if tool == "sqlx" and chunk.is_outside else ""
    return f"{mark}{body}\n"


def _names(name: str, count: int, root: Path, tool: str) -> tuple[str, ...]:
    """The files that follow the first: the next numbers, where nothing has them yet."""
    path = Path(name)
    numbered = path.parent if tool in _IN_FOLDERS else path
    found = _NUMBERED.match(numbered.name)
    if found is None:
        return ()
    width, first = len(found["number"]), int(found["number"])
    wanted = [f"{found['before']}{first + each:0{width}d}" for each in range(1, count)]
    held = [each.name for each in (root / numbered.parent).iterdir()]
    if any(each.startswith(number) for each in held for number in wanted):
        return ()
    made = [numbered.with_name(f"{number}{found['after']}") for number in wanted]
    return tuple((each / path.name if tool in _IN_FOLDERS else each).as_posix() for each in made)


def _way_back(made: str, up: str, down: str) -> str:
    """The name of the way back beside a new file, made as that of the old one is."""
    if Path(up).parent == Path(down).parent and Path(up).name == "up.sql":
        return Path(made).with_name(Path(down).name).as_posix()
    ending = re.compile(r"[._-](?:up|migrate)\.sql\Z|\.sql\Z")
    stem = ending.sub("", Path(up).name)
    return Path(made).with_name(ending.sub("", Path(made).name) + Path(down).name.removeprefix(stem)).as_posix()


def _metadata(tool: str, names: Sequence[str], chunks: Sequence[_Chunk], root: Path) -> Iterator[ChangedFile]:
    """diesel's file that says that no transaction is wanted."""
    for name, chunk in zip(names, chunks, strict=True):
        path = Path(name).with_name("metadata.toml")
        if tool == "diesel" and chunk.is_outside:
            old = (root / path).read_text("utf-8") if (root / path).exists() else None
            yield ChangedFile(name=path.as_posix(), old=old, new=f"{old or ''}run_in_transaction = false\n")


def patch_of(files: Iterable[ChangedFile]) -> str:
    """The files as a patch that `git apply` takes."""
    return "".join(_one_patch(each) for each in files if each.new != each.old)


def _one_patch(file: ChangedFile) -> str:
    head = f"diff --git a/{file.name} b/{file.name}\n" + ("new file mode 100644\n" if file.old is None else "")
    old, new = _split(file.old or ""), _split(file.new)
    origin = "/dev/null" if file.old is None else f"a/{file.name}"
    lines = difflib.unified_diff(old, new, origin, f"b/{file.name}", lineterm="\n")
    return head + "".join(each if each.endswith("\n") else f"{each}\n\\ No newline at end of file\n" for each in lines)


def _split(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one."""
    return [f"{each}\n" for each in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])
