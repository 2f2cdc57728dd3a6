"""Tools that keep up and down in files of their own: golang-migrate, sqlx, diesel; and those with no way back."""

import re
from collections.abc import Iterator, Sequence

from pgadvisor.gate.find.found import Found, Project, Text, made, unread
from pgadvisor.gate.find.layouts import NO_TRANSACTION
from pgadvisor.gate.find.reading import SqlFile, natural, text_of
from pgadvisor.gate.find.transactions import Way
from pgadvisor.model.migration import MigrationTool

_DIRECTION = re.compile(r"[._-](?P<way>up|down|rollback|undo|revert)(?=\.sql$)", re.IGNORECASE)
_OUTSIDE = re.compile(r"^\s*run_in_transaction\s*=\s*false\b", re.MULTILINE)
_WAYS: dict[MigrationTool, Way] = {
    "golang-migrate": Way(is_wrapped=False, is_batch=True),
    "sqlx": Way(is_wrapped=True, is_batch=True),
    "supabase": Way(is_wrapped=True, is_batch=True, lets_out=True),
    "prisma": Way(is_wrapped=False, is_batch=True),
    "sql": Way(is_wrapped=False),
}
"""golang-migrate and Prisma send a file as one message; Supabase sends it with its own bookkeeping in one pipeline,
but what can run in no transaction apart (since 2.109: github.com/supabase/cli, issue 5139); psql sends each alone."""


def read_pairs(project: Project, files: Sequence[SqlFile], tool: MigrationTool) -> Iterator[Found]:
    """`1_name.up.sql` with `1_name.down.sql`, or `1_name.sql` alone, in the order of their numbers."""
    ups: dict[str, SqlFile] = {}
    downs: dict[str, SqlFile] = {}
    for file in sorted(files, key=lambda each: natural(each.path.name)):
        mark = _DIRECTION.search(file.path.name)
        name = _DIRECTION.sub("", file.path.name).removesuffix(".sql")
        (ups if mark is None or mark["way"].lower() == "up" else downs)[name] = file
    for name, file in ups.items():
        yield made(project, tool, name, _text(file, tool), _text(downs[name], tool) if name in downs else None)
    for name, file in downs.items():
        if name not in ups:
            yield unread(project, tool, name, file.path, "there is a way back and no way up beside it")


def read_prisma(project: Project, files: Sequence[SqlFile]) -> Iterator[Found]:
    """`20240131120000_name/migration.sql`, with a `down.sql` where someone wrote one."""
    for file in sorted((each for each in files if each.path.name == "migration.sql"), key=_folder):
        down = next((each for each in files if each.path == file.path.with_name("down.sql")), None)
        yield made(project, "prisma", _folder(file), _text(file, "prisma"), _text(down, "prisma") if down else None)


def read_diesel(project: Project, files: Sequence[SqlFile]) -> Iterator[Found]:
    """`2024-01-31-120000_name/up.sql` and `down.sql`; `metadata.toml` may say that no transaction is wanted."""
    for file in sorted((each for each in files if each.path.name == "up.sql"), key=_folder):
        settings = file.path.with_name("metadata.toml")
        way = Way(is_wrapped=not _OUTSIDE.search(text_of(settings)), is_batch=True)
        down = next((each for each in files if each.path == file.path.with_name("down.sql")), None)
        back = Text(file=down, text=down.text, way=way) if down is not None else None
        yield made(project, "diesel", _folder(file), Text(file=file, text=file.text, way=way), back, (settings,))


def _folder(file: SqlFile) -> str:
    return file.path.parent.name


def _text(file: SqlFile, tool: MigrationTool) -> Text:
    way = _WAYS[tool]
    if tool == "sqlx" and NO_TRANSACTION.match(file.text):
        way = Way(is_wrapped=False, is_batch=True)
    return Text(file=file, text=file.text, way=way)
