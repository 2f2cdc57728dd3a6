"""Files that are hard to read: encodings, psql, templates, size, and anything at all."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgadvisor.gate.find.find import find_migrations
from pgadvisor.gate.find.reading import natural
from pgadvisor.gate.find.statements import Read, read_statements
from pgadvisor.gate.find.transactions import Way, in_transactions
from pgadvisor.model.migration import Migration

ALONE = Way(is_wrapped=False)


def read(text: str) -> Read:
    """The statements of a file that psql would run."""
    return read_statements(text, ALONE)


def found_in(folder: Path, content: bytes) -> Migration:
    """The migration of a file with that content."""
    (folder / "1.sql").write_bytes(content)
    (found,) = find_migrations([folder], base=None, root=folder)
    return found


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"SELECT 1;\n-- caf\xe9\n", "it is not UTF-8 (line 2): save it as UTF-8"),
        ("SELECT 1".encode("utf-16"), "it is UTF-16: save it as UTF-8"),
        (b"SELECT\n\0", "it holds a zero byte (line 2), so it is not text"),
    ],
)
def test_what_is_no_text_says_why(content: bytes, reason: str, tmp_path: Path) -> None:
    found = found_in(tmp_path, content)
    assert (found.unread, found.up) == (reason, ())


def test_a_byte_order_mark_and_other_line_ends_change_no_line(tmp_path: Path) -> None:
    found = found_in(tmp_path, b"\xef\xbb\xbf-- caf\xc3\xa9\r\nSELECT 1;\r\n\r\nSELECT '\xc3\xa9';\r\nSELECT 2")
    assert [(each.line, each.text) for each in found.up] == [(2, "SELECT 1"), (4, "SELECT 'é'"), (5, "SELECT 2")]


def test_copy_data_of_windows_ends_where_it_ends() -> None:
    found = read("COPY t FROM stdin;\r\n1\t;\r\n\\.\r\nSELECT 1;\r\n")
    assert [(each.line, each.text) for each in found.statements] == [(1, "COPY t FROM stdin"), (4, "SELECT 1")]
    assert found.remarks == ("line 2: the rows of COPY are passed over",)


def test_bodies_comments_and_quotes_do_not_split() -> None:
    bodies = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END"
    text = f"/* a /* ; */ ; */ DO $x$ BEGIN; $$;$$ END $x$;\n{bodies};\nSELECT ';' -- ;\n, 2 /* end */ ;;;\n-- last;"
    assert [(each.line, each.text) for each in read(text).statements] == [
        (1, "DO $x$ BEGIN; $$;$$ END $x$"),
        (2, bodies),
        (3, "SELECT ';' -- ;\n, 2"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TABLE t (id int", ["CREATE TABLE t (id int"]),
        ("CREATE TABLE t (id int;\nDROP TABLE u;\n", ["CREATE TABLE t (id int", "DROP TABLE u"]),
        ("SELECT 1; SELECT (2 -- x\n", ["SELECT 1", "SELECT (2"]),
        ("SELECT 1;\n-- the end\n;;\n", ["SELECT 1"]),
    ],
)
def test_what_is_never_closed_is_a_statement_all_the_same(text: str, expected: list[str]) -> None:
    assert [each.text for each in read_statements(text, ALONE).statements] == expected


def test_psql_commands_within_a_line_end_a_statement() -> None:
    found = read("SELECT 'DROP TABLE t' \\gexec\nSELECT 1;")
    assert [each.text for each in found.statements] == ["SELECT 'DROP TABLE t'", "SELECT 1"]
    assert found.remarks == ("line 1: psql's \\gexec is passed over",)


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("DROP TABLE {{ schema }}.t", "DROP TABLE ___schema___.t"),
        ("DROP TABLE ${t}", "DROP TABLE __t_"),
        ("DROP TABLE %(t)s", "DROP TABLE __t_s"),
        ("DROP TABLE :t", "DROP TABLE  t"),
        ("SELECT :'t'", "SELECT  't'"),
        ("ALTER TABLE t ADD c interval DEFAULT interval ${i}", "ALTER TABLE t ADD c interval DEFAULT interval '_i'"),
        ("{% if x %} SELECT 1 {% endif %}", "SELECT 1"),
        ("SELECT a[1:n], '${x}', '{{1,2},{3,4}}'::int[], ':y'", None),
    ],
)
def test_templates_are_read_with_something_neutral(text: str, statement: str | None) -> None:
    found = read(text)
    assert [each.text for each in found.statements] == [statement or text]


def test_what_a_template_hides_stays_as_it_is_and_is_told() -> None:
    found = read("SELECT 1;\nALTER ${whatever} x;")
    assert [each.text for each in found.statements] == ["SELECT 1", "ALTER ${whatever} x"]
    assert found.remarks == ("line 2: what the template's ${whatever} stands for is not known",)


def test_a_waiver_belongs_to_the_statement_beside_it() -> None:
    text = "SELECT 1; -- pgadvisor: ignore a (x)\nSELECT\n -- pgadvisor: ignore b\n 2;\n"
    text += "-- pgadvisor: ignore c\n\nSELECT 3;"
    rules = [[waiver.rules for waiver in each.waivers] for each in read(text).statements]
    assert rules == [[("a",)], [("b",)], [("c",)]]


def test_waivers_that_do_nothing_are_told() -> None:
    found = read("-- pgadvisor: ignore a until 2027-02-30\nSELECT 1;\n\n-- pgadvisor: ignore b")
    assert found.statements[0].waivers == ()
    assert found.remarks == (
        "line 1: the date of the waiver is no date, so it does not hold",
        "line 4: the waiver has no statement behind it, so it silences nothing",
    )


@pytest.mark.parametrize(
    ("way", "texts", "expected"),
    [
        (Way(is_wrapped=True), ["x", "commit", "y", "begin", "z"], [True, True, False, True, True]),
        (Way(is_wrapped=False), ["x", "START  TRANSACTION", "y", "END", "z"], [False, True, True, True, False]),
        (Way(is_wrapped=False), ["begin", "rollback to savepoint a", "x"], [True, True, True]),
        (Way(is_wrapped=False), ["begin", "commit and chain", "x", "abort", "y"], [True, True, True, True, False]),
        (Way(is_wrapped=False, is_batch=True), ["x"], [False]),
        (Way(is_wrapped=True, lets_out=True), ["x", "drop index concurrently i", "y"], [True, False, True]),
        (Way(is_wrapped=True, lets_out=True), ["begin", "vacuum", "commit", "vacuum"], [True, True, True, False]),
        (Way(is_wrapped=False, is_batch=True), ["x", "commit", "y"], [True, True, True]),
    ],
)
def test_transactions(way: Way, texts: list[str], expected: list[bool]) -> None:
    assert list(in_transactions(texts, way)) == expected


def test_numbers_sort_as_numbers() -> None:
    assert sorted(["10_a", "2_b", "1_c", "a10", "a9"], key=natural) == ["1_c", "2_b", "10_a", "a9", "a10"]


def test_five_megabytes_take_seconds() -> None:
    text = "INSERT INTO t (a, b) VALUES (1, 'hello world, it is long'), (2, 'and another of them');\n" * 58_000
    start = time.process_time()
    assert len(read(text).statements) == 58_000
    assert time.process_time() - start < 10


PIECES = st.sampled_from(
    ["SELECT 1", ";", "\n", "\r\n", "'", '"', "$$", "$a$", "/*", "*/", "--", "{{", "}}", "${x}", ":v", "%(a)s",
     "{%", "%}", "\\i x", "\n\\.\n", "COPY t FROM stdin;\n", "BEGIN ATOMIC", "END", "é", "\ufeff", "(",
     "-- pgadvisor: ignore a until 2027-99-99\n",
     "-- +goose Up\n", "-- +goose Down\n", "-- migrate:up\n", "CASE", " ", "\\gexec", "BEGIN", "COMMIT", "E'\\'"]
)  # fmt: skip


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=80)))
def test_whatever_is_in_a_file_spans_are_in_order_and_lines_are_true(text: str) -> None:
    text = text.replace("\0", "")
    at = 0
    for each in read(text).statements:
        assert each.span is not None
        assert at <= each.span.start < each.span.end <= len(text)
        assert text.count("\n", 0, each.span.start) + 1 == each.line
        assert len(each.text) == each.span.end - each.span.start
        at = each.span.end


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=12).map(lambda each: "".join(each).encode())),
    name=st.sampled_from(
        ["1.sql", "V1__a.sql", "1_a.up.sql", "1_a.down.sql", "R__x.sql", "x/up.sql", "x/migration.sql"]
    ),
)
def test_whatever_a_file_holds_and_is_called_it_is_read_or_says_why(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    try:
        for each in find_migrations([path], base=None, root=tmp_path):
            assert each.unread is None or not each.up
    finally:
        path.unlink()
