"""Diagnoses of plans that real servers made: each fault is found at its node, and its healthy twin is silent."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg
import pytest
from msgspec.structs import replace

from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.registry import all_rules
from pgadvisor.advise.run import findings_of
from pgadvisor.facts import Facts
from pgadvisor.model.explain import read_explain
from pgadvisor.model.finding import Finding, Rung
from pgadvisor.model.plan import Plan, StatementPlan
from pgadvisor.model.plan_figures import figures
from pgadvisor.model.snapshot import FORMAT, Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.sql.fingerprint import fingerprint
from pgadvisor.sql.query import Query
from tests.fix_servers import Server, create_database, drop_database
from tests.rules.fix_audited import execute, snapshot_of

SCHEMA = """
CREATE TABLE region (id int PRIMARY KEY, name text);
INSERT INTO region SELECT i, CASE WHEN i = 4 THEN 'last' ELSE 'r' || i END FROM generate_series(0, 4) i;
CREATE TABLE orders (id int PRIMARY KEY, region int, customer int, day int, at int, note text);
INSERT INTO orders SELECT i, i / 12001, i % 400, i % 100, i, lpad(i::text, 240, 'x') FROM generate_series(1, 60000) i;
CREATE INDEX orders_region_idx ON orders (region);
CREATE INDEX orders_at_idx ON orders (at);
CREATE INDEX orders_customer_idx ON orders (customer, at);
CREATE TABLE line (order_id int, day int, product int);
INSERT INTO line SELECT i, i % 100, (i / 2 * 7919) % 5000 FROM generate_series(1, 30000) i;
ALTER TABLE line ALTER COLUMN product SET (n_distinct = 50);
CREATE INDEX line_order_id_idx ON line (order_id);
CREATE TABLE product (id int PRIMARY KEY, name text);
INSERT INTO product SELECT i, lpad(i::text, 100, 'p') FROM generate_series(0, 4999) i;
CREATE TABLE span (region int, low int, high int);
INSERT INTO span SELECT i % 5, i, i + 1 FROM generate_series(1, 400) i;
CREATE TABLE doc (id int, body jsonb);
INSERT INTO doc SELECT i, jsonb_build_object('a', jsonb_build_object('b', CASE WHEN i = 77 THEN 1 ELSE 2 END), 'c', 1)
    FROM generate_series(1, 20000) i;
CREATE INDEX doc_body_idx ON doc USING gin (body);
CREATE INDEX doc_path_idx ON doc USING gin ((body -> 'a') jsonb_path_ops);
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 100);
CREATE TABLE child (id int, parent_id int CONSTRAINT child_parent_fkey REFERENCES parent ON DELETE CASCADE);
INSERT INTO child SELECT i, 100 - i % 50 FROM generate_series(1, 40000) i;
CREATE TABLE root (id int PRIMARY KEY);
INSERT INTO root SELECT generate_series(1, 100);
CREATE TABLE leaf (id int, root_id int REFERENCES root ON DELETE CASCADE);
INSERT INTO leaf SELECT i, 100 - i % 50 FROM generate_series(1, 40000) i;
CREATE INDEX leaf_root_id_idx ON leaf (root_id);
CREATE TABLE audited (id int, a int, b int);
INSERT INTO audited SELECT i, i, i FROM generate_series(1, 500) i;
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM sum(i) FROM generate_series(1, 1000) i; RETURN NULL; END';
CREATE TRIGGER audited_slowly AFTER UPDATE OF b ON audited FOR EACH ROW EXECUTE FUNCTION slowly();
CREATE FUNCTION many() RETURNS SETOF int LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY SELECT generate_series(1, 40000); END';
CREATE FUNCTION told() RETURNS SETOF int LANGUAGE plpgsql ROWS 40000 AS
    'BEGIN RETURN QUERY SELECT generate_series(1, 40000); END';
CREATE TABLE stirred (id int, k int, v int);
INSERT INTO stirred SELECT i, i % 100, i FROM generate_series(1, 20000) i;
CREATE INDEX stirred_k_v_idx ON stirred (k, v);
CREATE TABLE event (at int, who int, what text) PARTITION BY RANGE (at);
CREATE TABLE paper (id int, body text);
INSERT INTO paper SELECT i, repeat('text ', 20000) FROM generate_series(1, 1000) i;
CREATE TABLE visit (site int, day int, spent int);
INSERT INTO visit SELECT i / 400, i % 400, i FROM generate_series(1, 60000) i;
CREATE INDEX visit_site_day_idx ON visit (site, day);
CREATE TABLE walk (site int, day int, spent int);
INSERT INTO walk SELECT i % 3, i / 4, i FROM generate_series(1, 20000) i;
CREATE INDEX walk_site_day_idx ON walk (site, day);
"""
PARTITIONS = 20
STIR = "ALTER TABLE stirred SET (autovacuum_enabled = off); UPDATE stirred SET id = id + 1;"

ALONE = "max_parallel_workers_per_gather = 0"
WORKERS = ("min_parallel_table_scan_size = 0", "parallel_setup_cost = 0", "parallel_tuple_cost = 0",
           "max_parallel_workers_per_gather = 2")  # fmt: skip
LITTLE = "work_mem = '64kB'"
NESTED = ("enable_hashjoin = off", "enable_mergejoin = off", "enable_material = off")
BY_INDEX = ("enable_seqscan = off", "enable_bitmapscan = off")
BY_BITMAP = ("enable_seqscan = off", "enable_indexscan = off")
TEN = ", ".join(f"region r{n}" for n in range(10))
CHAIN = " AND ".join(f"r{n}.id = r{n + 1}.id" for n in range(9))
FOUR = "order_id IN (1, 2, 3, 4)"


class Case(NamedTuple):
    """A statement with the settings that bring its plan about, and its healthy twin."""

    node: str
    settings: tuple[str, ...]
    faulty: str
    healthy: str
    healthy_settings: tuple[str, ...] | None = None
    """None: the same."""
    rule: str | None = None
    """None: the case's name."""


CASES = {
    "scan-discards-most-rows": Case(
        "Index Scan", (ALONE, *BY_INDEX),
        "SELECT * FROM orders WHERE region = 3 AND note = 'x'", "SELECT * FROM orders WHERE region = 3 AND note > 'x'",
    ),
    "scan-discards-most-rows, parallel": Case(
        "Seq Scan", WORKERS,
        "SELECT * FROM orders WHERE day + 0 = 3 AND note = 'x'", "SELECT * FROM orders WHERE at = 7",
        rule="scan-discards-most-rows",
    ),
    "join-reads-whole-table": Case(
        "Seq Scan", (ALONE, "enable_nestloop = off"),
        "SELECT * FROM line l JOIN region r ON r.id = l.product WHERE r.name = 'last'",
        "SELECT * FROM orders o JOIN region r ON r.id = o.region",
    ),
    "limit-sorts-many-rows": Case(
        "Sort", (ALONE,),
        "SELECT * FROM orders ORDER BY day, id LIMIT 5", "SELECT * FROM orders ORDER BY at LIMIT 5",
    ),
    "limit-walks-ordered-index": Case(
        "Index Scan", (ALONE, *NESTED),
        "SELECT * FROM orders o JOIN region r ON r.id = o.region WHERE r.name = 'last' ORDER BY o.at LIMIT 3",
        "SELECT * FROM orders o JOIN region r ON r.id = o.region WHERE r.name = 'r0' ORDER BY o.at LIMIT 3",
    ),
    "join-filter-discards-rows": Case(
        "Hash Join", (ALONE, "enable_nestloop = off", "enable_mergejoin = off"),
        "SELECT FROM line l JOIN span s ON s.region = l.product % 5 AND l.day + s.low = s.high WHERE order_id < 5000",
        "SELECT FROM line l JOIN span s ON s.region = l.product % 5 AND l.day + s.low >= s.high WHERE order_id < 5000",
    ),
    "bitmap-scan-lossy": Case(
        "Bitmap Heap Scan", (ALONE, *BY_BITMAP, LITTLE),
        "SELECT count(note) FROM orders WHERE customer < 300", "SELECT count(note) FROM orders WHERE customer < 300",
        (ALONE, *BY_BITMAP),
    ),
    "index-recheck-discards-rows": Case(
        "Bitmap Heap Scan", (ALONE, *BY_BITMAP),
        """SELECT * FROM doc WHERE body @> '{"a": {"b": 1}, "c": 2}' OR body @> '{"a": {"c": 1}}'""",
        """SELECT * FROM doc WHERE body -> 'a' @> '{"b": 1}'""",
    ),
    "jit-overhead": Case(
        "Aggregate", (ALONE, "jit = on", "jit_above_cost = 0", "jit_inline_above_cost = 0",
                      "jit_optimize_above_cost = 0"),
        "SELECT sum(product + day), count(*) FROM line WHERE day * 2 > product",
        "SELECT sum(product + day), count(*) FROM line WHERE day * 2 > product", (ALONE, "jit = off"),
    ),
    "planning-takes-longest": Case(
        "Nested Loop", ("join_collapse_limit = 20", "from_collapse_limit = 20", "geqo = off",
                        *NESTED, "enable_seqscan = off"),
        f"SELECT 1 FROM {TEN} WHERE r0.id = 1 AND {CHAIN}",
        "SELECT 1 FROM region r0, region r1 WHERE r0.id = 1 AND r0.id = r1.id",
    ),
    "trigger-takes-longest": Case(
        "ModifyTable", (), "UPDATE audited SET b = b + 1", "UPDATE audited SET a = a + 1"
    ),
    "foreign-key-check-slow": Case(
        "ModifyTable", (), "DELETE FROM parent WHERE id <= 20", "DELETE FROM root WHERE id <= 20"
    ),
    "nested-loop-underestimated": Case(
        "Nested Loop", (ALONE, *NESTED, "enable_memoize = off", "enable_seqscan = off", "join_collapse_limit = 1"),
        "SELECT count(p.name) FROM orders o JOIN line l ON l.order_id = o.id AND l.day = o.day"
        " JOIN product p ON p.id = l.product",
        "SELECT count(p.name) FROM orders o JOIN line l ON l.order_id = o.id JOIN product p ON p.id = l.product",
    ),
    "function-rows-misestimated": Case(
        "Function Scan", (ALONE, *NESTED),
        "SELECT count(note) FROM many() AS m JOIN orders o ON o.id = m",
        "SELECT count(note) FROM told() AS m JOIN orders o ON o.id = m",
    ),
    "nested-loop-over-many-rows": Case(
        "CTE Scan", (ALONE, *NESTED),
        "WITH c AS MATERIALIZED (SELECT * FROM product) SELECT count(*) FROM line l JOIN c ON c.id = l.product"
        " WHERE l.order_id < 200",
        "SELECT count(*) FROM line l JOIN product c ON c.id = l.product WHERE l.order_id < 200",
    ),
    "cte-discards-most-rows": Case(
        "CTE Scan", (ALONE,),
        "WITH c AS MATERIALIZED (SELECT * FROM orders) SELECT * FROM c WHERE id = 7",
        "WITH c AS (SELECT * FROM orders) SELECT * FROM c WHERE id = 7",
    ),
    "subplan-per-row": Case(
        "Aggregate", (ALONE,),
        "SELECT id, (SELECT count(*) FROM line l WHERE l.order_id = o.id) FROM orders o WHERE o.id < 20000",
        "SELECT id, (SELECT count(*) FROM line l WHERE l.order_id = o.id) FROM orders o WHERE o.id < 20",
    ),
    "sort-spills": Case(
        "Sort", (ALONE, LITTLE),
        "SELECT note FROM orders WHERE id < 20000 ORDER BY note",
        "SELECT note FROM orders WHERE id < 100 ORDER BY note",
    ),
    "hash-spills": Case(
        "Hash", (ALONE, LITTLE, "enable_nestloop = off", "enable_mergejoin = off"),
        "SELECT count(*) FROM orders a JOIN orders b ON a.note = b.note WHERE a.id < 20000 AND b.id < 20000",
        "SELECT count(*) FROM orders a JOIN orders b ON a.note = b.note WHERE a.id < 99 AND b.id < 99",
    ),
    "hash-spills, aggregate": Case(
        "Aggregate", (ALONE, LITTLE, "enable_sort = off"),
        "SELECT count(*) FROM (SELECT note FROM orders WHERE id < 30000 GROUP BY note) AS g",
        "SELECT count(*) FROM (SELECT note FROM orders WHERE id < 99 GROUP BY note) AS g",
        rule="hash-spills",
    ),
    "kept-rows-spill": Case(
        "CTE Scan", (ALONE, LITTLE),
        "WITH c AS MATERIALIZED (SELECT note FROM orders WHERE id < 40000) SELECT count(*) FROM c",
        "WITH c AS MATERIALIZED (SELECT id FROM orders WHERE id < 99) SELECT count(*) FROM c",
    ),
    "heap-fetches": Case(
        "Index Only Scan", (ALONE, *BY_INDEX),
        "SELECT v FROM stirred WHERE k < 50", "SELECT v FROM stirred WHERE k = 7",
    ),
    "memoize-evicts": Case(
        "Memoize", (ALONE, LITTLE, *NESTED, "enable_seqscan = on"),
        "SELECT count(p.name) FROM line l JOIN product p ON p.id = l.product",
        "SELECT count(p.name) FROM line l JOIN product p ON p.id = l.product", (ALONE, *NESTED, "work_mem = '16MB'"),
    ),
    "parallel-workers-missing": Case(
        "Gather", (*WORKERS, "max_parallel_workers = 0"),
        "SELECT count(*) FROM orders WHERE md5(repeat(note, 5)) > 'x'",
        "SELECT count(*) FROM orders WHERE id = 7",
    ),
    "index-leading-column-unused": Case(
        "Index Scan", (ALONE, *BY_INDEX),
        "SELECT sum(spent) FROM visit WHERE day = 3", "SELECT sum(spent) FROM walk WHERE site = 1 AND day = 3",
    ),
    "result-slow-to-send": Case("Seq Scan", (), "SELECT * FROM paper", "SELECT id FROM paper"),
}  # fmt: skip
UNNAMED = {
    "partitions-read-in-vain": Case(
        "Append", (ALONE,), "SELECT * FROM event WHERE who = 7", "SELECT * FROM event WHERE who = 7 AND at < 1000"
    ),
    "offset-skips-rows": Case(
        "Limit", (ALONE,),
        "SELECT * FROM orders ORDER BY at LIMIT 5 OFFSET 40000", "SELECT * FROM orders ORDER BY at LIMIT 5 OFFSET 5",
    ),
}  # fmt: skip
"""Of statements whose text is not known; where it is, rules of queries tell of them."""
LONG_ENOUGH_MS = 10.0
"""A call that is worth a word, however fast the machine."""
ABSENT = {
    "memoize-evicts": "Memoize",
    "jit-overhead": "JIT",
    "result-slow-to-send": "EXPLAIN (SERIALIZE)",
}


class Diagnosed(NamedTuple):
    """One database with all statements run on it: which rule found what, by the case's name and whether faulty."""

    found: dict[tuple[str, bool], list[Finding]]
    plans: dict[tuple[str, bool], Plan]

    def rules(self, case: str, *, faulty: bool) -> set[str]:
        """The rules that spoke."""
        return {each.rule for each in self.found[case, faulty]}


@pytest.fixture(scope="module", params=["server", "debian15"])
def diagnosed(request: pytest.FixtureRequest) -> Iterator[Diagnosed]:
    """All cases run once on the server, and what the rules of plans say of them."""
    running: Server = request.getfixturevalue(request.param)
    dsn = create_database(running, "diagnosis")
    execute(dsn, SCHEMA + parted() + "VACUUM ANALYZE;" + STIR)
    plans = {}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, case in (CASES | UNNAMED).items():
            for faulty in (True, False):
                plans[name, faulty] = explained(connection, case, faulty=faulty)
    empty = counted_for_a_day(snapshot_of(dsn))
    yield Diagnosed({key: findings_of_plan(empty, key, plan) for key, plan in plans.items() if key[0] in CASES}, plans)
    drop_database(running, dsn)


def counted_for_a_day(snapshot: Snapshot) -> Snapshot:
    """As if the tables had been filled over a day: rows of a few seconds would be told as millions a day."""
    assert snapshot.server is not None
    since = snapshot.collected_at - timedelta(days=1)
    return replace(snapshot, server=replace(snapshot.server, statistics_reset_at=since))


def parted() -> str:
    """The partitions of `event`, with rows of each user in one of them."""
    made = (
        f"CREATE TABLE event_{n} PARTITION OF event FOR VALUES FROM ({n * 1000}) TO ({n * 1000 + 1000});"
        for n in range(PARTITIONS)
    )
    last = PARTITIONS * 1000 - 1
    return "".join(made) + f"INSERT INTO event SELECT i, i / 1000, 'x' FROM generate_series(0, {last}) i;"


def explained(connection: psycopg.Connection[tuple[object, ...]], case: Case, *, faulty: bool) -> Plan:
    settings = case.settings if faulty or case.healthy_settings is None else case.healthy_settings
    options = "ANALYZE, BUFFERS, WAL, VERBOSE, SETTINGS, FORMAT JSON"
    if connection.info.server_version >= 170_000:
        options += ", SERIALIZE"
    with connection.transaction(force_rollback=True):
        for setting in settings:
            if "memoize" not in setting or connection.info.server_version >= 140_000:
                connection.execute(f"SET LOCAL {setting}".encode())
        text = case.faulty if faulty else case.healthy
        row = connection.execute(f"EXPLAIN ({options}) {text}".encode()).fetchone()
        assert row is not None
        return read_explain(row[0])


def findings_of_plan(empty: Snapshot, key: tuple[str, bool], plan: Plan) -> list[Finding]:
    """What all rules of plans say of one plan, as in an audit of a database where that statement runs often."""
    text = CASES[key[0]].faulty if key[1] else CASES[key[0]].healthy
    statement = Statement(key="1", text=text, fingerprint=fingerprint(text), calls=100_000, mean_ms=plan.execution_ms,
                          total_ms=100_000 * (plan.execution_ms or 0.0))  # fmt: skip
    planned = StatementPlan(statement="1", kind="analyzed", reason="a test", plan=plan)
    return spoken(replace(empty, statements=(statement,), plans=(planned,)))


def spoken(snapshot: Snapshot) -> list[Finding]:
    queries, unread = read_queries(snapshot)
    assert not unread
    return findings_of_plans(snapshot, queries)


def findings_of_plans(snapshot: Snapshot, queries: Mapping[str, Query] | None = None) -> list[Finding]:
    facts = Facts(snapshot, queries or {})
    return [finding for rule in all_rules() if rule.kind == "plan" for finding in findings_of(rule, facts)]


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_found_at_its_node(diagnosed: Diagnosed, name: str) -> None:
    case, plan = CASES[name], diagnosed.plans[name, True]
    if lacks(plan, name):
        pytest.skip(f"this server has no {ABSENT[name]}")
    rule = case.rule or name
    found = [each for each in diagnosed.found[name, True] if each.rule == rule]
    assert len(found) == 1, f"{sorted(diagnosed.rules(name, faulty=True))} of {shape(plan)}"
    assert found[0].rung is Rung.MEASURED
    nodes = list(plan.root.walk())
    assert found[0].node is None or nodes[found[0].node].node_type == case.node


@pytest.mark.parametrize("name", CASES)
def test_its_healthy_twin_is_silent(diagnosed: Diagnosed, name: str) -> None:
    assert not diagnosed.rules(name, faulty=False), shape(diagnosed.plans[name, False])


def lacks(plan: Plan, name: str) -> bool:
    """Whether the server is without what the case is about."""
    nodes = list(plan.root.walk())
    match name:
        case "memoize-evicts":
            return all(node.node_type != "Memoize" for node in nodes)
        case "jit-overhead":
            return plan.jit_ms is None
        case "result-slow-to-send":
            return plan.serialization_ms is None
    return False


def shape(plan: Plan) -> list[str]:
    return [node.node_type for node in plan.root.walk()]


def test_own_times_of_all_plans_sum_up(diagnosed: Diagnosed) -> None:
    for plan in diagnosed.plans.values():
        whole = plan.root.actual_total_ms or 0.0
        assert sum(each.self_ms or 0.0 for each in figures(plan)) == pytest.approx(whole, rel=0.02, abs=0.05)


WITHOUT_CATALOG = {
    "scan-discards-most-rows", "limit-sorts-many-rows", "limit-walks-ordered-index", "join-filter-discards-rows",
    "bitmap-scan-lossy", "foreign-key-check-slow", "nested-loop-over-many-rows", "sort-spills", "hash-spills",
    "heap-fetches", "subplan-per-row", "kept-rows-spill", "cte-discards-most-rows",
}  # fmt: skip


def pasted(plan: Plan) -> set[str]:
    """The rules that speak where nothing is known but the plan."""
    slow = Statement(key="1", text="", fingerprint="1", mean_ms=max(plan.execution_ms or 0.0, LONG_ENOUGH_MS))
    planned = StatementPlan(statement="1", kind="analyzed", reason="a test", plan=plan)
    snapshot = Snapshot(format=FORMAT, pgadvisor="test", collected_at=datetime.now(UTC), statements=(slow,),
                        plans=(planned,))  # fmt: skip
    return {each.rule for each in findings_of_plans(snapshot)}


def test_a_pasted_plan_is_diagnosed_without_a_database(diagnosed: Diagnosed) -> None:
    for name in (*WITHOUT_CATALOG, *UNNAMED):
        assert name in pasted(diagnosed.plans[name, True])
    for name in UNNAMED:
        assert not pasted(diagnosed.plans[name, False])
