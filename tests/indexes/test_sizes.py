"""The size model against indexes really built."""

import psycopg
import pytest

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.indexes.sizes import index_bytes
from pgadvisor.indexes.wanted import WantedIndex, WantedKey
from tests.rules.fix_audited import execute

ROWS = """
CREATE TABLE t (id bigint, few int, many int, words text, amount numeric(12,2), at timestamptz);
INSERT INTO t SELECT i, i % 10, i % 20000, md5((i % 50000)::text), i * 0.01, now() + i * interval '1 s'
    FROM generate_series(1, 100000) i;
"""


@pytest.mark.parametrize("columns", [("id",), ("few",), ("many",), ("words",), ("amount",), ("at",), ("few", "at")])
def test_the_model_is_near_the_real_size(database: str, columns: tuple[str, ...]) -> None:
    execute(database, ROWS)
    execute(database, f"ANALYZE t; CREATE INDEX made ON t ({', '.join(columns)})")
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT pg_relation_size('made')").fetchone()
    assert row is not None
    with open_session(database) as session:
        table = next(each for each in collect(session).tables if each.name == "t")
    keys = tuple(WantedKey(text=name, key=name, label=name, column=name) for name in columns)
    guessed = index_bytes(table, WantedIndex(table="public.t", keys=keys))
    assert guessed is not None
    assert 0.8 < guessed / row[0] < 1.25
