"""Figures of real plans, made by real servers: own times sum up to the whole, whatever the plan's shape."""

from collections.abc import Iterator

import psycopg
import pytest

from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.model.plan_figures import NodeFigures, figures
from tests.fix_servers import Server, create_database, drop_database

SCHEMA = """
CREATE TABLE orders AS
    SELECT i AS id, (i * 1919) % 1000 AS customer_id, (i % 17)::numeric AS total,
           timestamptz '2024-01-01' + i * interval '1 minute' AS placed_at,
           CASE WHEN i % 50 = 0 THEN 'open' ELSE 'done' END AS status
    FROM generate_series(1, 100000) AS i;
CREATE TABLE customers AS SELECT i AS id, md5(i::text) AS name FROM generate_series(1, 1000) AS i;
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (placed_at);
CREATE UNIQUE INDEX ON customers (id);
CREATE TABLE events (at date, v int) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO events SELECT date '2024-01-01' + i % 90, i FROM generate_series(1, 30000) AS i;
"""
WORKERS = (
    "min_parallel_table_scan_size=0", "parallel_setup_cost=0", "parallel_tuple_cost=0",
    "max_parallel_workers_per_gather=2",
)  # fmt: skip
ALONE = ("max_parallel_workers_per_gather=0",)
NESTED = ("enable_hashjoin=off", "enable_mergejoin=off")
SHAPES = {
    "plain": (ALONE, "SELECT count(*) FROM orders"),
    "parallel": (WORKERS, "SELECT count(*), sum(total) FROM orders"),
    "leader off": ((*WORKERS, "parallel_leader_participation=off"), "SELECT count(*), sum(total) FROM orders"),
    "no worker came": ((*WORKERS, "max_parallel_workers=0"), "SELECT count(*), sum(total) FROM orders"),
    "initplan used by workers": (
        WORKERS,
        "SELECT count(*) FROM orders WHERE total > (SELECT avg(total) FROM orders)",
    ),
    "initplan": (ALONE, "SELECT count(*) FROM orders WHERE total > (SELECT avg(total) FROM orders)"),
    "initplan in the output": (ALONE, "SELECT id, (SELECT count(*) FROM orders) FROM customers LIMIT 5"),
    "two initplans": (
        ALONE,
        "SELECT count(*) FROM orders WHERE total BETWEEN (SELECT avg(total) / 2 FROM orders)"
        " AND (SELECT avg(total) FROM orders WHERE status = 'done')",
    ),
    "initplan in an initplan": (
        ALONE,
        "SELECT (SELECT count(*) FROM orders WHERE total < (SELECT avg(total) FROM orders)), count(*) FROM customers",
    ),
    "min and max": (ALONE, "SELECT min(placed_at), max(placed_at) FROM orders"),
    "CTE used twice": (
        ALONE,
        "WITH c AS MATERIALIZED (SELECT customer_id, sum(total) AS s FROM orders GROUP BY 1)"
        " SELECT count(*) FROM c AS a JOIN c AS b USING (customer_id) WHERE a.s >= b.s",
    ),
    "CTE of a CTE": (
        ALONE,
        "WITH c AS MATERIALIZED (SELECT * FROM orders WHERE status = 'open'),"
        " d AS MATERIALIZED (SELECT customer_id, count(*) AS n FROM c GROUP BY 1)"
        " SELECT count(*) FROM d, c WHERE c.customer_id = d.customer_id AND n > 2",
    ),
    "recursive": (
        ALONE,
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 20000) SELECT count(*) FROM r",
    ),
    "subplan": (
        ALONE,
        "SELECT name, (SELECT count(*) FROM orders AS o WHERE o.customer_id = c.id) FROM customers AS c",
    ),
    "subplan in workers": (
        WORKERS,
        "SELECT count(*) FROM orders AS o"
        " WHERE o.id < 10000 AND o.total > (SELECT avg(id % 17) FROM customers AS c WHERE c.id = o.customer_id)",
    ),
    "hashed subplan": (
        ALONE,
        "SELECT count(*) FROM customers WHERE id NOT IN (SELECT customer_id FROM orders WHERE status = 'open')",
    ),
    "nested loop in workers": (
        (*WORKERS, *NESTED),
        "SELECT count(*) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id WHERE o.status = 'open'",
    ),
    "nested loop": (
        (*ALONE, *NESTED),
        "SELECT count(*) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id",
    ),
    "parallel hash": (
        WORKERS,
        "SELECT c.name, count(*) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id GROUP BY 1",
    ),
    "gather merge": (WORKERS, "SELECT * FROM orders ORDER BY total, id LIMIT 1000"),
    "partitions pruned by an initplan": (
        ALONE,
        "SELECT count(*) FROM events WHERE at = (SELECT max(placed_at)::date FROM orders WHERE id < 50000)",
    ),
    "parallel append": (WORKERS, "SELECT at, count(*) FROM events GROUP BY 1"),
    "CTE scan at the top": (ALONE, "WITH c AS MATERIALIZED (SELECT * FROM orders) SELECT * FROM c WHERE id = 7"),
    "CTE in two arms": (
        ALONE,
        "WITH c AS MATERIALIZED (SELECT * FROM orders WHERE total > 3)"
        " SELECT count(*) FROM c UNION ALL SELECT sum(total) FROM c WHERE id < 5",
    ),
    "CTE read beside workers": (
        WORKERS,
        "WITH c AS MATERIALIZED (SELECT customer_id, sum(total) AS s FROM orders GROUP BY 1)"
        " SELECT count(*) FROM orders JOIN c USING (customer_id)",
    ),
    "CTEs of one name": (
        ALONE,
        "WITH c AS MATERIALIZED (SELECT * FROM orders)"
        " SELECT (WITH c AS MATERIALIZED (SELECT * FROM customers) SELECT count(*) FROM c), (SELECT count(*) FROM c)",
    ),
    "CTE that writes": (ALONE, "WITH d AS (DELETE FROM orders WHERE id < 20000 RETURNING *) SELECT count(*) FROM d"),
    "initplans of an append": (
        ALONE,
        "SELECT (SELECT max(total) FROM orders) UNION ALL SELECT (SELECT sum(total) FROM orders) UNION ALL SELECT 1",
    ),
    "initplan, leader off": (
        (*WORKERS, "parallel_leader_participation=off"),
        "SELECT count(*) FROM orders WHERE total > (SELECT avg(total) FROM orders)",
    ),
    "gather run again and again": (
        (*WORKERS, *NESTED, "enable_material=off"),
        "SELECT * FROM (VALUES (1), (2), (3)) AS v (x), LATERAL (SELECT count(*) FROM orders WHERE total > v.x) AS z",
    ),
    "memoize in workers": (
        (*WORKERS, *NESTED),
        "SELECT count(*) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id",
    ),
    "partition by partition": (
        (*WORKERS, "enable_partitionwise_join=on", "enable_partitionwise_aggregate=on"),
        "SELECT a.at, count(*) FROM events AS a JOIN events AS b ON a.at = b.at AND a.v = b.v GROUP BY 1",
    ),
    "limit": (ALONE, "SELECT * FROM orders AS o JOIN customers AS c ON c.id = o.customer_id LIMIT 10"),
    "sort on disk": ((*ALONE, "work_mem='1MB'"), "SELECT * FROM orders ORDER BY total, id"),
    "never executed": (
        ALONE,
        "SELECT * FROM customers AS c LEFT JOIN orders AS o ON o.customer_id = c.id AND c.id < 0 WHERE c.id = -5",
    ),
}


@pytest.fixture(scope="module", params=["server", "debian15"])
def shop(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with tables big enough that their times mean something."""
    running: Server = request.getfixturevalue(request.param)
    dsn = create_database(running, "figures")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("VACUUM ANALYZE")
    yield dsn
    drop_database(running, dsn)


def explained(dsn: str, settings: tuple[str, ...], text: str, options: str = "ANALYZE, BUFFERS, SETTINGS") -> Plan:
    with psycopg.connect(dsn) as connection:
        for setting in settings:
            connection.execute(f"SET LOCAL {setting}".encode())
        row = connection.execute(f"EXPLAIN (FORMAT JSON, VERBOSE, {options}) {text}".encode()).fetchone()
        assert row is not None
        connection.rollback()
        return read_explain(row[0])


def with_figures(plan: Plan) -> list[tuple[PlanNode, NodeFigures]]:
    return list(zip(plan.root.walk(), figures(plan), strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_own_parts_sum_up_to_the_whole(shop: str, shape: str) -> None:
    plan = explained(shop, *SHAPES[shape])
    found = figures(plan)
    whole_ms = plan.root.actual_total_ms or 0.0
    assert sum(each.self_ms or 0.0 for each in found) == pytest.approx(whole_ms, rel=0.02, abs=0.05)
    assert min(each.self_ms or 0.0 for each in found) >= -0.02 * whole_ms - 0.01
    assert sum(each.self_cost for each in found) == pytest.approx(plan.root.total_cost, rel=0.01, abs=0.02)
    assert min(each.self_cost for each in found) >= 0
    whole_blocks = (plan.root.shared_hit_blocks or 0) + (plan.root.shared_read_blocks or 0)
    assert sum(each.self_shared_blocks or 0 for each in found) == whole_blocks
    in_nodes = min(whole_ms / (plan.execution_ms or whole_ms), 1.0) if whole_ms else 1.0
    assert sum(each.share for each in found) == pytest.approx(in_nodes, rel=0.02, abs=0.01)


@pytest.mark.parametrize("shape", ["parallel", "nested loop", "initplan", "subplan"])
def test_without_timing_shares_are_of_cost(shop: str, shape: str) -> None:
    plan = explained(shop, *SHAPES[shape], options="ANALYZE, TIMING OFF")
    found = figures(plan)
    assert not plan.has_timing
    assert {each.self_ms for each in found} == {None}
    assert all(each.rows is not None for each in found)
    assert sum(each.share for each in found) == pytest.approx(1.0)


def test_a_plan_that_was_not_run_has_costs_alone(shop: str) -> None:
    for node, each in with_figures(explained(shop, *SHAPES["nested loop"], options="COSTS")):
        assert (each.rows, each.q_error, each.self_ms, each.self_shared_blocks) == (None, None, None, None)
        assert each.estimated_rows == node.estimated_rows


def test_the_leader_that_only_gathers_has_no_part_of_the_workers_time(shop: str) -> None:
    plan = explained(shop, *SHAPES["leader off"])
    ((gather, gathering),) = [pair for pair in with_figures(plan) if pair[0].node_type == "Gather"]
    below, figured = list(with_figures(plan))[gathering.number + 1]
    assert (gather.workers_launched, below.actual_loops) == (2, 2)
    assert figured.inclusive_ms == below.actual_total_ms, "the time of a worker, not two thirds of it"


def test_rows_below_a_gather_are_those_of_all_processes(shop: str) -> None:
    scans = [pair for pair in with_figures(explained(shop, *SHAPES["parallel"])) if pair[0].node_type == "Seq Scan"]
    ((_, scan),) = scans
    assert scan.rows == pytest.approx(100_000, abs=3)
    assert scan.estimated_rows == pytest.approx(100_000, rel=0.01)
    assert scan.q_error == pytest.approx(1.0, rel=0.01)


def test_an_initplan_that_workers_use_is_paid_by_their_gather(shop: str) -> None:
    found = with_figures(explained(shop, *SHAPES["initplan used by workers"]))
    assert [node.node_type for node, each in found if (each.self_ms or 0.0) < 0] == []
    scans = [each for node, each in found if node.node_type == "Seq Scan"]
    assert all((scan.self_ms or 0.0) > 0 for scan in scans)


def test_a_cte_is_paid_by_the_scan_that_filled_it(shop: str) -> None:
    found = with_figures(explained(shop, *SHAPES["CTE used twice"]))
    (producer,) = [each for node, each in found if node.subplan_name == "CTE c"]
    scans = [each for node, each in found if node.node_type == "CTE Scan"]
    assert len(scans) == 2
    inclusive = [scan.inclusive_ms or 0.0 for scan in scans]
    own = [scan.self_ms or 0.0 for scan in scans]
    assert producer.inclusive_ms and sum(inclusive) >= producer.inclusive_ms
    assert sum(own) == pytest.approx(sum(inclusive) - producer.inclusive_ms, abs=0.05)


def test_what_a_writing_cte_takes_after_all_else_comes_on_top(shop: str) -> None:
    text = "WITH d AS (DELETE FROM orders WHERE id < 20000 RETURNING *) SELECT count(*) FROM customers"
    found = with_figures(explained(shop, ALONE, text))
    (root, _), (writing, written), *_ = found
    assert writing.subplan_name == "CTE d"
    whole = (root.actual_total_ms or 0.0) + (written.inclusive_ms or 0.0)
    assert sum(each.self_ms or 0.0 for _, each in found) == pytest.approx(whole, rel=0.02, abs=0.05)


def test_partitions_that_never_ran_cost_no_time(shop: str) -> None:
    found = with_figures(explained(shop, *SHAPES["partitions pruned by an initplan"]))
    idle = [each for node, each in found if (node.table or "").startswith("events_") and not node.was_run]
    assert len(idle) >= 2
    assert {(each.self_ms, each.rows, each.q_error) for each in idle} == {(0.0, 0.0, None)}


def test_what_a_limit_stopped_says_nothing_of_the_estimate(shop: str) -> None:
    found = with_figures(explained(shop, *SHAPES["limit"]))
    stopped = [each for node, each in found if node.node_type == "Seq Scan"]
    assert {each.q_error for each in stopped} == {None}
    assert found[0][1].q_error == 1.0


def test_a_limit_that_was_not_reached_hides_no_error(shop: str) -> None:
    text = "SELECT * FROM orders WHERE total * 2 = 33 AND id % 2 = 3 LIMIT 50000"
    found = with_figures(explained(shop, ALONE, text))
    assert [each.q_error for node, each in found if node.node_type == "Seq Scan"] == [found[0][1].q_error]


def test_a_wrong_estimate_is_told_by_its_factor(shop: str) -> None:
    ((_, scan), *_) = with_figures(explained(shop, ALONE, "SELECT * FROM orders WHERE id % 2 = 0"))
    assert scan.rows == 50_000
    assert scan.q_error == pytest.approx(50_001 / (scan.estimated_rows + 1))
    assert scan.q_error > 50


def test_less_than_a_row_per_loop_is_no_error(shop: str) -> None:
    text = "SELECT count(*) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id + 990"
    found = with_figures(explained(shop, (*ALONE, *NESTED, "enable_memoize=off"), text)) if _has_memoize(shop) else (
        with_figures(explained(shop, (*ALONE, *NESTED), text))
    )  # fmt: skip
    inner = [each for node, each in found if node.parent_relationship == "Inner"]
    assert [each.q_error for each in inner] == [1.0]


def _has_memoize(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        return connection.info.server_version >= 140_000


def test_the_inner_side_of_a_nested_loop_costs_as_often_as_it_runs(shop: str) -> None:
    plan = explained(shop, (*ALONE, *NESTED, "enable_material=off"), SHAPES["nested loop"][1], options="COSTS")
    found = with_figures(plan)
    inner = max((each for node, each in found if node.parent_relationship == "Inner"), key=lambda each: each.number)
    below = sum(each.self_cost for _, each in found[inner.number :])
    assert below > 0.2 * plan.root.total_cost


def test_workers_that_go_on_while_the_leader_is_busy_count_as_long_as_it_waits() -> None:
    worker = PlanNode(node_type="Hash Join", actual_total_ms=150.0, actual_loops=1.0, parent_relationship="Outer",
                      children=(PlanNode(node_type="Seq Scan", actual_total_ms=90.0, actual_loops=1.0),))  # fmt: skip
    gather = PlanNode(node_type="Gather", actual_total_ms=100.0, actual_loops=1.0, children=(worker,))
    root = PlanNode(node_type="Nested Loop", actual_total_ms=160.0, actual_loops=1.0, children=(gather,))
    found = figures(Plan(root=root, execution_ms=160.0, has_timing=True))
    assert [each.self_ms for each in found] == pytest.approx([60.0, 0.0, 40.0, 60.0])
