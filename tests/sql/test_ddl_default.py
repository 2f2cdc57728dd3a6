"""What is said of PostgreSQL's own functions, compared with a server's."""

import json
from importlib.resources import files

import psycopg


def test_volatility_is_the_servers(database: str) -> None:
    told = json.loads((files("pgadvisor.sql") / "functions.json").read_text(encoding="utf-8"))
    query = """
        SELECT p.proname, bool_or(p.provolatile = 'v') FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' GROUP BY p.proname
    """
    with psycopg.connect(database) as connection:
        real = dict(connection.execute(query).fetchall())
    assert [name for name in told["volatile"] if real.get(name) is False] == []
    assert [name for name in told["stable or immutable"] if real.get(name) is True] == []
    assert len(set(real) & {*told["volatile"], *told["stable or immutable"]}) > 400
