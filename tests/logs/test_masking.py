"""Shapes of texts: few for one statement, never one for two."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pgadvisor.logs.masking import shapes_of, without_lists
from pgadvisor.logs.part import Part
from pgadvisor.logs.statements import Statements
from pgadvisor.sql.fingerprint import fingerprint

VALUES = st.sampled_from(
    ["a", "t1", "t2", "'x'", "'it''s'", "E'a\\'b'", "5", "-1.5e10", "$1", "$2", "$$q'$$", '"2x"', '"o\'x"', "'a'::date",
     "a IN (1, 2)", "a IN (1, 2, 3)", "f(1, 'b')", "/* it's */ 7", "-- '\n 8", "ARRAY[1, 2]", "b = 'x\ny'", '"it\'\'s"']
)  # fmt: skip
TEXTS = st.lists(VALUES, min_size=1, max_size=5).map(lambda values: f"SELECT {', '.join(values)} FROM t1")


def test_literals_are_masked_and_names_are_not() -> None:
    texts = [b"SELECT 'a''b', t1.c, 1.5e10 FROM t WHERE a = 5 AND b='x", b"SELECT E'a\\'b', 7", b"", b"1",
             b'SELECT "2024_orders", orders_2024, $1', b"SELECT $tag$ it's 5 $tag$, 5 /* 7 */"]  # fmt: skip
    assert shapes_of(texts) == [
        b"SELECT '''', t1.c, 0 FROM t WHERE a = 0 AND b='",
        b"SELECT '', 0",
        b"",
        b"0",
        b'SELECT "2024_orders", orders_2024, $1',
        b"SELECT '', 0  ",
    ]
    assert without_lists(b"a IN (0, '', $1) AND f(0, 0)") == b"a IN (0, ...) AND f(0, 0)"


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8))
@example(['SELECT "o\'x" FROM t1', 'SELECT "o\'x", a FROM t1'])
@example(['SELECT "week 1" FROM t1', 'SELECT "week 2" FROM t1', "SELECT '\"', 1 FROM t1"])
def test_a_shape_has_one_fingerprint(texts: list[str]) -> None:
    statements = Statements(Part())
    groups = statements.groups_of([text.encode() for text in texts])
    assert [group.key for group in groups] == [fingerprint(text) for text in texts]


def test_many_runs_of_one_statement_have_one_shape() -> None:
    texts = [f"UPDATE t1 SET a = {at} WHERE b = '{'x' * (at % 7)}' AND c IN (1, {at})".encode() for at in range(500)]
    assert len(set(shapes_of(texts))) == 1
