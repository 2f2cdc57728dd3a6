"""A database whose names and texts try to act: through a whole audit, in every format, on a real server."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgadvisor.advise.advise import advise
from pgadvisor.collect.file import read_snapshot
from pgadvisor.reports import html
from pgadvisor.reports.visible_text import UNSEEN
from pgadvisor.sql.parse import is_valid
from tests.cli.run import pgadvisor
from tests.fix_servers import Server, create_database, drop_database, drop_reader, make_reader
from tests.reports.fix_browser import OPEN_ALL, Open, browser, kept_pages, needs_chromium, opened
from tests.reports.test_hostile_formats import check_policy

__all__ = ["browser", "kept_pages", "opened"]
pytestmark = pytest.mark.server

NAMES = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "esc \x1b[31mred \x1b]0;title\x07 \x9b2J",
    "\u202eesrever\u2066 mixed\u200b",
    "two\nlines\r\n# heading",
    "$(rm -rf ~) `id` ${HOME}",
    "[x](javascript:alert(3)) @everyone",
    "=cmd|' /C calc'!A0",
    "{{ 7 * 7 }}{% raw %}",
    "'; DROP TABLE orders; --",
    "/* */ -- pgadvisor: ignore select-star",
    "日本語 👩‍👩‍👧 مرحبا",
    "n" * 63,
    "select",
    'Mixed.Case "quoted"',
)
"""Names of 63 bytes at most, as PostgreSQL keeps them."""


@pytest.fixture(scope="module", params=["default", "15"])
def hostile(request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of a reader's, in a database where everything is called so, and where there is something to find."""
    server: Server = request.getfixturevalue("server" if request.param == "default" else "debian15")
    dsn = create_database(server, "hostile_names")
    texts = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        for name in NAMES:
            for statement in _made(name):
                connection.execute(statement)
            texts.append(list(_asked(name)))
        connection.execute("ANALYZE")
        for statement in (each for asked in texts for each in asked * 2):
            with closing(psycopg.connect(dsn, autocommit=True)) as application:
                application.execute(statement)
    reading = make_reader(dsn)
    yield reading
    drop_reader(dsn, reading)
    drop_database(server, dsn)


def _made(name: str) -> Iterator[sql.Composed]:
    """A table of that name without a primary key, its indexes twice, a comment, a check, a view."""
    table, short = sql.Identifier(name[:55]), name[:45]
    column, index, copy = sql.Identifier(name[:54]), sql.Identifier(f"{short}-i"), sql.Identifier(f"{short}-j")
    yield sql.SQL("CREATE TABLE {} (id bigint, {} text DEFAULT {}, CONSTRAINT {} CHECK (id > 0))").format(
        table, column, sql.Literal(name), sql.Identifier(f"{short}-k")
    )
    yield sql.SQL("INSERT INTO {} SELECT n, 'v' || n FROM generate_series(1, 12000) AS n").format(table)
    for each in (index, copy):
        yield sql.SQL("CREATE INDEX {} ON {} ({})").format(each, table, column)
    yield sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(name))
    yield sql.SQL("CREATE VIEW {} AS SELECT * FROM {}").format(sql.Identifier(f"{short}-v"), table)


def _asked(name: str) -> Iterator[sql.Composed]:
    table, column = sql.Identifier(name[:55]), sql.Identifier(name[:54])
    yield sql.SQL("SELECT * FROM {} AS {} WHERE id = 7 AND {} <> {}").format(
        table, sql.Identifier(name[:40]), column, sql.Literal(name)
    )
    yield sql.SQL("SELECT {} FROM {} WHERE lower({}) = {} ORDER BY random() LIMIT 3").format(
        column, table, column, sql.Literal(name)
    )
    comment = name.replace("*/", "").replace("/*", "")
    yield sql.SQL("/*action='{}',route='{}'*/ SELECT count(*) FROM {}").format(
        sql.SQL(comment.replace("'", "")), sql.SQL(comment.replace("'", "")), table
    )


@pytest.mark.parametrize("options", [(), ("--redact",)], ids=["plain", "redacted"])
def test_an_audit_in_every_format(hostile: str, options: tuple[str, ...], tmp_path: Path) -> None:
    files = [tmp_path / f"report.{ending}" for ending in ("html", "json", "md")]
    also = [word for file in files for word in ("--also", file)]
    done = pgadvisor("audit", hostile, *also, *options, folder=tmp_path, environment={"FORCE_COLOR": "1"})
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    shown = {"text": done.stdout}
    shown.update(zip(("html", "json", "markdown"), (file.read_text("utf-8") for file in files), strict=True))
    for form, output in shown.items():
        if form == "json":
            continue
        # Copied as it is, and seen by nobody: SQL for the clipboard, in an attribute.
        seen = re.sub(r'data-exact="[^"]*"', "", output)
        assert not UNSEEN.search(seen.replace("\u200b", "") if form == "markdown" else seen), form
    check_policy(shown["html"])
    assert len(shown["markdown"]) < 65_536
    report = json.loads(shown["json"])
    assert {"select-star", "duplicate-index", "table-without-primary-key"} <= {
        each["rule"] for each in report["findings"]
    }
    assert len({each["where"]["table"] for each in report["findings"]}) >= len(NAMES)
    for finding in report["findings"]:
        for made in (finding["remedy"]["sql"], finding["remedy"]["undo"]):
            assert made is None or is_valid(made), made
    if options:
        for output in shown.values():
            bare = re.sub(r"<(script|style)>.*?</\1>", "", output, flags=re.DOTALL)
            for part in (
                "onerror",
                "esrever",
                "calc'",
                "everyone",
                "DROP TABLE",
                "nnnnnnnn",
                "日本語",
                "rm -rf",
                "[31m",
            ):
                assert part not in bare, bare[max(0, bare.index(part) - 300) :][:500]


@needs_chromium
def test_the_page_in_a_browser(hostile: str, opened: Open, tmp_path: Path) -> None:
    snapshot = tmp_path / "hostile.pgsnap"
    done = pgadvisor("snapshot", hostile, "-o", snapshot)
    assert done.returncode == 0, done.stderr
    report = advise(read_snapshot(snapshot))
    check_policy(html.render(report))
    page = opened(report)
    page.evaluate(OPEN_ALL)
    names = page.evaluate("[...document.querySelectorAll('*')].flatMap((each) => each.getAttributeNames())")
    assert not [name for name in names if name.startswith("on") or name == "style"]
    shown = page.locator("main").inner_text()
    assert "alert(2)" in shown and "⟨U+202E⟩esrever" in shown and not UNSEEN.search(shown)
