"""The list of PostgreSQL's own names holds those of every server at hand."""

import psycopg
import pytest

from pgadvisor.redaction import postgres_names
from tests.fix_servers import Server

FUNCTIONS = """
SELECT DISTINCT proname FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND oid < 16384 AND proname !~ '^(binary_upgrade|RI_FKey|gbt_|pg_)'
  AND NOT 'internal'::regtype = ANY (proargtypes) AND NOT 'cstring'::regtype = ANY (proargtypes)
  AND prorettype NOT IN ('internal'::regtype, 'cstring'::regtype)
  AND oid NOT IN (SELECT oprcode FROM pg_operator UNION SELECT amproc FROM pg_amproc)
"""


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("functions", FUNCTIONS),
        ("settings", "SELECT name FROM pg_settings WHERE name !~ '[.]'"),
        (
            "words of settings",
            "SELECT lower(word) FROM pg_settings, unnest(enumvals) AS each, "
            "regexp_split_to_table(each, ' ') AS word WHERE word <> ''",
        ),
        ("types", "SELECT typname FROM pg_type WHERE typtype IN ('b', 'r', 'm') AND oid < 16384 AND typname !~ '^_'"),
        ("operator classes", "SELECT opcname FROM pg_opclass WHERE oid < 16384"),
        ("text search configurations", "SELECT cfgname FROM pg_ts_config WHERE oid < 16384"),
    ],
)
def test_it_knows_the_names_of_this_server(every_server: Server, kind: str, query: str) -> None:
    with psycopg.connect(every_server.dsn()) as connection:
        names = {row[0] for row in connection.execute(query.encode()).fetchall()}
    assert names - postgres_names.names(kind) == set()
