"""Rules about conditions on a real server: the plan shows the fault, and the index or rewrite cures it."""

from collections import defaultdict
from collections.abc import Callable

import psycopg
import pytest

from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.registry import find_rule
from pgadvisor.advise.run import findings_of
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Finding
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.sql.splitter import split_statements
from tests.rules.fix_audited import execute, findings, snapshot_of

SCHEMA = """
CREATE TABLE item (id bigint PRIMARY KEY, owner bigint, title text, note text, facts jsonb,
    tags text[], at timestamptz, code varchar(20));
INSERT INTO item SELECT i, i % 2000, 'Title ' || i, 'Note ' || i,
    jsonb_build_object('color', 'c' || i % 3000, 'weight', i % 3000, 'new', i % 3000 = 0),
    ARRAY['t' || i % 3000, 'all'], '2024-01-01'::timestamptz + i * interval '1 minute', 'k' || i
    FROM generate_series(1, 15000) i;
CREATE INDEX item_owner ON item (owner);
CREATE INDEX item_title ON item (title);
CREATE INDEX item_tags ON item USING gin (tags);
CREATE TABLE event (id bigint, kind text, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2024-01-01Z') TO ('2024-02-01Z');
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM ('2024-02-01Z') TO ('2024-03-01Z');
CREATE TABLE event_3 PARTITION OF event FOR VALUES FROM ('2024-03-01Z') TO ('2024-04-01Z');
INSERT INTO event SELECT i, 'k' || i % 7, '2024-01-01Z'::timestamptz + i * interval '4 minutes'
    FROM generate_series(1, 30000) i;
VACUUM ANALYZE;
"""
CURED = [
    ("or-across-columns", "SELECT id FROM item WHERE owner = 7 OR note = 'Note 7'"),
    ("or-across-columns", "DELETE FROM item i WHERE i.code = 'k9' OR i.note = 'Note 7' OR i.id = 5"),
    ("jsonb-filter-without-index", "SELECT id FROM item WHERE facts ->> 'color' = 'c7'"),
    ("jsonb-filter-without-index", "SELECT id FROM item i WHERE (i.facts ->> 'weight')::int BETWEEN 2990 AND 2995"),
    ("jsonb-filter-without-index", "SELECT id FROM item WHERE facts -> 'weight' = '7'"),
    ("jsonb-filter-without-index", "SELECT id FROM item WHERE facts @> '{\"color\": \"c7\"}'"),
    ("jsonb-filter-without-index", "SELECT id FROM item WHERE facts @@ '$.color == \"c7\"'"),
    ("jsonb-filter-without-index", "SELECT id FROM item WHERE facts ? 'rare'"),
    ("jsonb-filter-without-index", "SELECT id FROM item WHERE facts ->> 'color' LIKE 'c299%'"),
    ("array-any-column", "SELECT id FROM item WHERE 't7' = ANY (tags)"),
    ("full-text-without-index", "SELECT id FROM item WHERE to_tsvector('simple', note) @@ to_tsquery('simple', '77')"),
    ("full-text-without-index",
     "SELECT id FROM item i WHERE to_tsvector('simple', i.note || ' ' || coalesce(i.code, '')) @@ '77'::tsquery"),
    ("ilike-without-index", "SELECT id FROM item WHERE note ILIKE 'note 299%'"),
    ("collation-mismatch", "SELECT id FROM item WHERE title COLLATE \"C\" = 'Title 7'"),
]  # fmt: skip
TOLD = [
    ("or-across-columns", "SELECT id FROM item WHERE owner = 7 OR id IN (SELECT id FROM event WHERE kind = 'k1')", 1),
    ("or-across-columns", "SELECT 1 FROM item a JOIN item b ON b.note = a.code OR b.title = a.note WHERE a.id < 99", 1),
    ("or-across-columns", "SELECT a.id FROM item a JOIN item b ON b.id = a.owner WHERE a.id = 7 OR b.code = 'k8'", 1),
    ("or-across-columns", "SELECT 1 FROM item a JOIN item b ON b.id = a.id OR b.owner = a.id WHERE a.id = 3", 0),
    ("or-across-columns", "SELECT id FROM item WHERE owner = 7 OR id = 9", 0),
    ("or-across-columns", "SELECT id FROM item WHERE owner = 7 OR note LIKE 'Note%'", 0),
    ("no-partition-pruning", "SELECT id FROM event WHERE id = 77", 1),
    ("no-partition-pruning", "WITH e AS (SELECT * FROM event) SELECT kind FROM e WHERE id = 7", 1),
    ("no-partition-pruning", "UPDATE event SET kind = 'x' WHERE id = 7", 1),
    ("no-partition-pruning", "SELECT id FROM event WHERE id = 77 AND at >= now() - interval '7 days'", 0),
    ("no-partition-pruning", "SELECT id FROM event WHERE kind = 'k1' AND at < '2024-02-10'", 0),
    ("no-partition-pruning", "SELECT id FROM event_2 WHERE id = 77", 0),
    ("array-any-column", "SELECT id FROM item WHERE 'all' = ANY (tags)", 0),
    ("jsonb-filter-without-index", "SELECT id FROM item WHERE owner = 7 AND facts ->> 'color' = 'c7'", 0),
]


@pytest.fixture(scope="module")
def filled(new_database: Callable[..., str]) -> str:
    """The DSN of a database with the tables."""
    dsn = new_database("predicates")
    execute(dsn, SCHEMA)
    return dsn


def of(snapshot: Snapshot) -> dict[tuple[str, str], list[Finding]]:
    """The findings of the rules by rule and statement, as each rule gives them."""
    queries, _ = read_queries(snapshot)
    facts = Facts(snapshot, queries)
    found: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for name in {each[0] for each in CURED} | {each[0] for each in TOLD}:
        for finding in findings_of(find_rule(name), facts):
            found[name, finding.statements[0]].append(finding)
    return found


@pytest.mark.server
def test_what_the_plans_show(filled: str) -> None:
    snapshot = snapshot_of(filled, [text for _, text, _ in TOLD], analyze=False)
    found = of(snapshot)
    for number, (rule, text, count) in enumerate(TOLD, start=1):
        assert len(found[rule, str(number)]) == count, text


@pytest.mark.server
def test_every_remedy_cures(filled: str) -> None:
    snapshot = snapshot_of(filled, [text for _, text in CURED], analyze=False)
    found = of(snapshot)
    for number, (rule, text) in enumerate(CURED, start=1):
        assert len(found[rule, str(number)]) == 1, text
        sql = found[rule, str(number)][0].remedy.sql
        assert sql, text
        with psycopg.connect(filled) as connection:
            new = sql if sql.upper().startswith("SELECT") else text
            for each in split_statements(sql) if new == text else ():
                connection.execute(each.text.replace(" CONCURRENTLY", "").encode())
            plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {new}".encode()))
            assert "Seq Scan" not in plan, f"{text}\n{sql}\n{plan}"
            if new != text:
                assert sorted(connection.execute(text.encode())) == sorted(connection.execute(new.encode()))
            connection.rollback()


@pytest.mark.server
def test_a_prefix_in_the_order_of_a_language(filled: str) -> None:
    with psycopg.connect(filled, autocommit=True) as connection:
        sorted_by = connection.execute(
            "SELECT quote_ident(collname) FROM pg_collation WHERE collprovider = 'c' "
            "AND collencoding IN (-1, 6) AND collname NOT IN ('C', 'POSIX', 'ucs_basic') LIMIT 1"
        ).fetchone()
        if sorted_by is None:
            pytest.skip("the server has no collation but C")
        connection.execute(f"CREATE TABLE name AS SELECT id, title COLLATE {sorted_by[0]} AS title FROM item".encode())
        connection.execute("CREATE INDEX name_title ON name (title)")
        connection.execute("ANALYZE name")
    text = "SELECT id FROM name WHERE title LIKE 'Title 299%'"
    found = findings(snapshot_of(filled, [text], analyze=False), "like-prefix-collation")
    assert len(found) == 1
    execute(filled, found[0].remedy.sql or "")
    assert findings(snapshot_of(filled, [text], analyze=False), "like-prefix-collation") == []
    with psycopg.connect(filled) as connection:
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {text}".encode()))
    assert "name_title_idx" in plan
