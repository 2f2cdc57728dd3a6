"""Tests of splitting files into statements."""

from pgadvisor.sql.splitter import SourceStatement, split_statements


def texts(source: str) -> list[str]:
    """The texts of the statements."""
    return [each.text for each in split_statements(source)]


def test_statements_carry_what_comments_say() -> None:
    source = "-- the workload\n-- name: by_email freq: 900\nselect 1;\n\n-- calls: 12 mean_ms: 1.5\nselect\n 2 -- x\n;"
    before = ("-- the workload\n-- name: by_email freq: 900", "-- calls: 12 mean_ms: 1.5\n-- x")
    assert split_statements(source) == (
        SourceStatement(text="select 1", position=1, line=3, column=1, name="by_email", calls=900, comments=before[0]),
        SourceStatement(text="select\n 2", position=2, line=6, column=1, calls=12, mean_ms=1.5, comments=before[1]),
    )


def test_comments_do_not_carry_over() -> None:
    first, second = split_statements("-- name: a\nselect 1; select 2")
    assert (first.name, second.name) == ("a", None)


def test_numbers_that_are_none_are_left_out() -> None:
    (found,) = split_statements("-- calls: many mean_ms: -1\nselect 1")
    assert (found.calls, found.mean_ms) == (None, None)


def test_semicolons_inside_quotes_and_bodies_do_not_split() -> None:
    body = "begin atomic select 1; select case when true then 1 end; end"
    source = f"select ';', $$a;b$$, \";\" /* ; */; create function f() {body}; select 2"
    assert len(texts(source)) == 3
    assert texts(source)[2] == "select 2"
    assert texts("begin; select 1; end; select 2") == ["begin", "select 1", "end", "select 2"]


def test_psql_commands_are_passed_over() -> None:
    source = "\\set x 'it''s\nselect 1 \\gset\nselect 2 \\; select 3;\ncopy t from stdin;\n1\tit's\n\\.\nselect 4;"
    assert texts(source) == ["select 1", "select 2", "select 3", "copy t from stdin", "select 4"]
    assert [each.line for each in split_statements(source)] == [2, 3, 3, 4, 7]


def test_an_open_quote_at_the_end_loses_nothing_before_it() -> None:
    assert texts("select 1; select 'open") == ["select 1", "select 'open"]


def test_empty_statements_and_files() -> None:
    assert texts(";;  -- nothing\n;") == []
    assert texts("") == []


def test_characters_beyond_ascii() -> None:
    assert texts("select 'é'; select '日本'") == ["select 'é'", "select '日本'"]


def test_a_comment_on_the_last_line_of_a_statement_is_not_the_next_ones() -> None:
    found = split_statements("SELECT 1; -- of the first\n-- of the second\nSELECT 2; -- its own\n/* third */ SELECT 3;")
    assert [each.comments for each in found] == ["-- of the first", "-- of the second\n-- its own", "/* third */"]
