"""Tools that keep up and down in one file, told apart by comments: dbmate and goose."""

import re
from collections.abc import Iterator, Sequence

from pgadvisor.gate.find.found import Found, Project, Text, made, unread
from pgadvisor.gate.find.layouts import DBMATE, GOOSE
from pgadvisor.gate.find.reading import SqlFile, natural
from pgadvisor.gate.find.transactions import Way

_GOOSE_DOWN = re.compile(r"^[ \t]*--[ \t]*\+goose[ \t]+down\b", re.IGNORECASE | re.MULTILINE)
_GOOSE_OUTSIDE = re.compile(r"^[ \t]*--[ \t]*\+goose[ \t]+no[ \t]+transaction\b", re.IGNORECASE | re.MULTILINE)
_DBMATE_DOWN = re.compile(r"^--[ \t]*migrate:down\b[^\n]*", re.MULTILINE)
_DBMATE_OUTSIDE = re.compile(r"\btransaction:[ \t]*false\b")


def read_goose(project: Project, files: Sequence[SqlFile]) -> Iterator[Found]:
    """Each statement is sent by itself; a transaction around all of them unless the file says NO TRANSACTION."""
    for path in sorted({go for each in files for go in each.path.parent.glob("[0-9]*_*.go")}):
        if not path.stem.endswith("_test"):
            yield unread(project, "goose", path.stem, path, "it is written in Go: what it does is not seen")
    for file in sorted(files, key=lambda each: natural(each.path.name)):
        way = Way(is_wrapped=_GOOSE_OUTSIDE.search(file.text) is None)
        start, down = GOOSE.search(file.text), _GOOSE_DOWN.search(file.text)
        if file.unread is None and start is None:
            reason = "goose does not run it: there is no `-- +goose Up` in it"
            yield unread(project, "goose", file.path.stem, file.path, reason)
            continue
        up = Text(file=file, text=_kept(file.text, start, down), way=way)
        back = Text(file=file, text=_kept(file.text, down, start), way=way) if down else None
        yield made(project, "goose", file.path.stem, up, back)


def read_dbmate(project: Project, files: Sequence[SqlFile]) -> Iterator[Found]:
    """Each part is sent in one message, within a transaction unless it says transaction:false."""
    for file in sorted(files, key=lambda each: natural(each.path.name)):
        start, down = DBMATE.search(file.text), _DBMATE_DOWN.search(file.text)
        if file.unread is None and start is None:
            reason = "dbmate does not run it: there is no `-- migrate:up` in it"
            yield unread(project, "dbmate", file.path.stem, file.path, reason)
            continue
        up = Text(file=file, text=_kept(file.text, start, down), way=_dbmate_way(file.text, start))
        back = None
        if down is not None:
            back = Text(file=file, text=_kept(file.text, down, start), way=_dbmate_way(file.text, down))
        yield made(project, "dbmate", file.path.stem, up, back)


def _dbmate_way(text: str, mark: re.Match[str] | None) -> Way:
    line = text[mark.start() :].split("\n", 1)[0] if mark else ""
    return Way(is_wrapped=_DBMATE_OUTSIDE.search(line) is None, is_batch=True)


def _kept(text: str, mark: re.Match[str] | None, other: re.Match[str] | None) -> str:
    """The part that the mark opens, the other part and what stands before blanked, so that lines and offsets stay."""
    if mark is None:
        return text
    end = other.start() if other is not None and other.start() > mark.start() else len(text)
    return _blank(text[: mark.end()]) + text[mark.end() : end] + _blank(text[end:])


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
