"""Tests of normalisation and redaction: no literal survives, whatever the text."""

import random

import pytest

from pgadvisor.sql.fingerprint import fingerprint
from pgadvisor.sql.normalize import normalize, normalize_but_shape, redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM t WHERE a = 1 AND b = 'x'", "SELECT * FROM t WHERE a = $1 AND b = $2"),
        ("SELECT * FROM t WHERE a = $1 AND b = 'x'", "SELECT * FROM t WHERE a = $1 AND b = $2"),
        ("SELECT * FROM t WHERE a = $3 AND b = 'x'", "SELECT * FROM t WHERE a = $3 AND b = $4"),
        (
            "SELECT a FROM t WHERE b IN (1,2) ORDER BY 1 LIMIT 5",
            "SELECT a FROM t WHERE b IN ($1,$2) ORDER BY 1 LIMIT $3",
        ),
        ("SELECT x::numeric(10,2), interval '1 day'", "SELECT x::numeric(10,2), interval $1"),
        ("SELECT E'a\\'b', $q$it's$q$, U&'x' UESCAPE '!', b'1'", "SELECT $1, $2, $3, $4"),
        ("CREATE ROLE r PASSWORD 'secret'", "CREATE ROLE r PASSWORD $1"),
        ("COMMENT ON TABLE t IS 'secret'", "COMMENT ON TABLE t IS $1"),
        # Not valid SQL: by tokens.
        ("SELECT * FROM t WHERE a = ? AND b = 'x' AND c = -5", "SELECT * FROM t WHERE a = ? AND b = $1 AND c = -$2"),
        ("SELECT FROM WHERE a = $2 'x' 1.5e3 0xff", "SELECT FROM WHERE a = $2 $3 $4 $5"),
        ("SELECT `a` FROM t WHERE b = 'x' LIMIT 5,6", "SELECT `a` FROM t WHERE b = $1 LIMIT $2,$3"),
        # Cut.
        ("SELECT * FROM t WHERE a = 'secr", "SELECT * FROM t WHERE a = $1"),
        ("SELECT * FROM t WHERE a = E'it\\'s secr", "SELECT * FROM t WHERE a = $1"),
        ("SELECT * FROM t WHERE a = $q$secr", "SELECT * FROM t WHERE a = $1"),
        ("SELECT * FROM t /* secr", "SELECT * FROM t"),
        ('SELECT * FROM "secr', "SELECT * FROM"),
        ("SELECT a FROM t WHERE b = 'it\\'s secret' AND c = 1", "SELECT a FROM t WHERE b = $1"),
    ],
)
def test_normalize(text: str, expected: str) -> None:
    assert normalize(text) == expected
    assert normalize(expected) == expected


SHAPES = (
    "SELECT * FROM t WHERE a = {} AND b IN ({}, {}) OR c LIKE {}",
    "INSERT INTO t (a, b) VALUES ({}, {}), ({}, {}) ON CONFLICT DO NOTHING",
    "UPDATE t SET a = {}, b = coalesce({}, {}) WHERE c = {} -- done",
    "CALL f({}, {}, x => {}); SET a = {}",
    "CREATE FUNCTION f() RETURNS text AS {} LANGUAGE sql; DO {}; COPY t FROM {} (DELIMITER {})",
    "SELECT {} || {}, {} :: text, {} AS \"a'b\" /* 'x' */",
)
LITERALS = ("'{}'", "'it''s {}'", "E'\\'{}'", "$${}$$", "$tag$'{}'$tag$", "U&'{}'", "'{}\\\\'", "N'{}'")


@pytest.mark.parametrize("seed", range(250))
def test_no_literal_survives_in_any_text_cut_anywhere(seed: int) -> None:
    chosen = random.Random(seed)
    literals = [chosen.choice(LITERALS).format("secret") for _ in range(4)]
    text = chosen.choice(SHAPES).format(*literals)
    cut = text[: chosen.randint(1, len(text))] if seed % 2 else text
    once = normalize(cut)
    assert "secret" not in once
    assert normalize(once) == once
    assert "secret" not in redact(cut)
    assert len(fingerprint(cut)) == 16


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("((status)::text = 'pending'::text)", "((status)::text = ?::text)"),
        ("(id = ANY ('{1,2,3}'::integer[]))", "(id = ANY (?::integer[]))"),
        ("((id > 5) AND (total < '-1.50'::numeric(10,2)))", "((id > ?) AND (total < ?::numeric(10,2)))"),
        ("((email)::character varying(255) = $1)", "((email)::character varying(255) = $1)"),
        ("(NOT (hashed SubPlan 1))", "(NOT (hashed SubPlan 1))"),
        ("(id = (InitPlan 2).col1)", "(id = (InitPlan 2).col1)"),
        ("(alternatives: SubPlan 1 or hashed SubPlan 2)", "(alternatives: SubPlan 1 or hashed SubPlan 2)"),
        ("substr(name, 1, 3) = 'x", "substr(name, ?, ?) = ?"),
        ("EXTRACT(year FROM a) = '2024'::numeric", "EXTRACT(year FROM a) = ?::numeric"),
        ("((flag)::boolean AND score(42))", "((flag)::boolean AND score(?))"),
        ("((a)::interval day to second(3) > '1 day'::interval)", "((a)::interval day to second(3) > ?::interval)"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_redact(expression: str, expected: str) -> None:
    assert redact(expression) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT * FROM t WHERE a = 1", "select  * from T where a=$1 -- x"),
        ("SELECT a FROM t WHERE b IN (1, 2)", "SELECT a FROM t WHERE b IN (3, 4, 5)"),
        ("SELECT a FROM t WHERE b = ? AND c = 'x'", "select a from t where b = ? and c = $1"),
        ("SELECT a FROM t WHERE b = 'cut", "SELECT a FROM t WHERE b = 'other"),
        ("SELECT \udce9 FROM t", "SELECT \udce9 FROM t"),
    ],
)
def test_fingerprints_ignore_literals_and_spelling(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


def test_fingerprints_tell_statements_apart() -> None:
    texts = ("SELECT a FROM t", "SELECT b FROM t", "SELECT a FROM t WHERE ? = 1", "SELECT b FROM t WHERE ? = 1", "")
    assert len({fingerprint(text) for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("SELECT 1 FROM t WHERE n ILIKE '%' || $1 || '%'", "SELECT $2 FROM t WHERE n ILIKE '%' || $1 || '%'"),
        ("SELECT count(*) > 0 FROM t", "SELECT count(*) > 0 FROM t"),
        ("SELECT a FROM t WHERE 0 < (SELECT count(*) FROM u)", "SELECT a FROM t WHERE 0 < (SELECT count(*) FROM u)"),
        ("SELECT a FROM t WHERE b = 1 AND c = -1 AND d = 0", "SELECT a FROM t WHERE b = $1 AND c = $2 AND d = $3"),
        ("SELECT a FROM t WHERE b LIKE 'x%'", "SELECT a FROM t WHERE b LIKE $1"),
    ],
)  # fmt: skip
def test_shape_stays_and_data_goes(text: str, spelled: str) -> None:
    assert normalize_but_shape(text) == spelled
