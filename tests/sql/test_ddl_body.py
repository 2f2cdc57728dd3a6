"""DO blocks and bodies of functions read as steps."""

import pytest

from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.parse import Unread


def steps(text: str) -> tuple[DdlStep, ...]:
    found = read_ddl(text)
    assert not isinstance(found, Unread), found.reason
    return found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("DROP TABLE a;", [("drop table", False)]),
        ("IF x THEN DROP TABLE a; ELSE DROP INDEX i; END IF; TRUNCATE b;",
         [("drop table", True), ("drop index", True), ("truncate", False)]),
        ("IF x = CASE WHEN y THEN 1 END THEN DROP TABLE a; END IF;", [("drop table", True)]),
        ("CASE x WHEN 1 THEN DROP TABLE a; ELSE NULL; END CASE; DROP TABLE b;",
         [("drop table", True), ("drop table", False)]),
        ("FOR i IN 1..3 LOOP UPDATE t SET a = 1 WHERE id = i; COMMIT; END LOOP;", [("update", True), ("commit", True)]),
        ("FOR r IN DELETE FROM t RETURNING id LOOP NULL; END LOOP;", [("delete", False)]),
        ("<<outer>> LOOP DELETE FROM t; EXIT outer WHEN NOT FOUND; END LOOP outer; DROP TABLE a;",
         [("delete", True), ("drop table", False)]),
        ("CREATE TYPE e AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN DROP TABLE a;",
         [("create type", False), ("drop table", True)]),
        ("BEGIN DROP TABLE a; EXCEPTION WHEN others THEN NULL; END; DROP TABLE b;",
         [("drop table", False), ("drop table", False)]),
        ("EXECUTE 'DROP TABLE a'; EXECUTE 'DROP TABLE b; ' || $q$DROP INDEX i$q$;",
         [("drop table", False), ("drop table", False), ("drop index", False)]),
        ("EXECUTE format('DROP TABLE %I', x) USING y;", [("unknown", False)]),
        ("PERFORM set_config('lock_timeout', '1s', true); RAISE NOTICE 'x'; x := 5; x = (SELECT 1); r.a := 3;",
         [("select", False)]),
        ("SELECT count(*) INTO STRICT n FROM t; UPDATE t SET a = 1 RETURNING a, b INTO r.x, y;",
         [("select", False), ("update", False)]),
        ("INSERT INTO t SELECT 1 RETURNING id INTO x; MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE;",
         [("insert", False), ("merge", False)]),
        ("NULL;", [("do", False)]),
        ("ALTER TABEL t;", [("unknown", False)]),
    ],
)  # fmt: skip
def test_statements_of_a_block(body: str, expected: list[tuple[str, bool]]) -> None:
    found = steps(f"DO $$ DECLARE n int := 3; r record; c CURSOR FOR SELECT 1; BEGIN {body} END $$")
    assert [(each.command, each.is_conditional) for each in found] == expected


def test_where_a_statement_of_a_block_stands() -> None:
    text = "DO LANGUAGE plpgsql $x$ BEGIN\n  ALTER TABLE t ADD a int,\n    DROP b; END $x$"
    assert [text[each.span.start : each.span.end] for each in steps(text) if each.span] == ["ADD a int", "DROP b"]


def test_a_block_in_another_language_is_not_passed_over() -> None:
    (found,) = steps("DO LANGUAGE plpython3u $$ plpy.execute('drop table t') $$")
    assert (found.command, found.reason) == ("unknown", "a DO block in plpython3u is not read")


def test_a_function_does_nothing_until_it_is_called() -> None:
    (found,) = steps("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql STABLE AS $$ BEGIN DROP TABLE a; END $$")
    assert (found.command, found.volatility) == ("create function", "stable")
    assert [each.command for each in found.body] == ["drop table"]


def test_a_body_in_sql() -> None:
    (found,) = steps("CREATE PROCEDURE p() LANGUAGE sql AS 'DELETE FROM t; DROP TABLE u'")
    assert [each.command for each in found.body] == ["delete", "drop table"]


@pytest.mark.parametrize("body", ["END", "IF", "LOOP", "BEGIN IF x THEN", "BEGIN ' ", "DECLARE", "CASE WHEN", "<<", ""])
def test_a_broken_body_does_no_harm(body: str) -> None:
    assert steps(f"DO $b$ {body} $b$")
