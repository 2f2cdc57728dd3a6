"""Two plans compared: each node once, likes together, whatever moved; and real plans of a real server."""

import json
from collections.abc import Callable, Iterator

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan, PlanComparison, PlanNode
from pgadvisor.reports.plan_comparison import compared
from pgadvisor.reports.plan_diff import NodePair, PlanDiff, compare
from pgadvisor.reports.plan_rows import node_name
from pgadvisor.reports.plan_sentence import sentence
from pgadvisor.rule import node
from tests.fix_servers import Server, create_database
from tests.reports.make_report import orders_plan, unpaid_plan

SCANS = ("Seq Scan", "Index Scan", "Index Only Scan", "Function Scan", "CTE Scan", "Result")
UNARY = ("Sort", "Aggregate", "Limit", "Materialize", "Gather", "Hash", "Subquery Scan", "Unique", "WindowAgg")
JOINS = ("Nested Loop", "Hash Join", "Merge Join", "Append")
NAMES = st.sampled_from(("orders", "customer", "items", "p1", "p2"))


@st.composite
def leaves(draw: st.DrawFn) -> PlanNode:
    kind = draw(st.sampled_from(SCANS))
    name = draw(NAMES)
    fields: dict[str, object] = {"rows": float(draw(st.integers(0, 1_000_000))), "cost": draw(st.floats(0, 1e6))}
    if kind.endswith("Scan"):
        fields["alias"] = draw(st.sampled_from((name, f"{name}_1", "x")))
    key = {"Function Scan": "function_name", "CTE Scan": "cte_name", "Result": None}.get(kind, "table")
    if key:
        fields[key] = name
    if "Index" in kind:
        fields["index"] = f"{name}_{draw(st.sampled_from('ab'))}_idx"
    return node(kind, **fields)  # type: ignore[arg-type]


def grown(children: st.SearchStrategy[PlanNode]) -> st.SearchStrategy[PlanNode]:
    """A node above others: one input, a join of two, or one with a subplan beside."""

    def over(kind: str, below: list[PlanNode], keys: tuple[str, ...], relationship: str) -> PlanNode:
        named = [replace(each, parent_relationship="Outer" if at == 0 else "Inner") for at, each in enumerate(below)]
        if relationship and len(named) > 1:
            named[-1] = replace(named[-1], parent_relationship=relationship, subplan_name=f"{relationship} 1")
        cost = sum(each.total_cost for each in named) + 1.0
        return node(kind, *named, rows=7.0, cost=cost, sort_keys=keys if kind == "Sort" else ())

    keys = st.lists(st.sampled_from(("a", "b DESC")), max_size=2).map(tuple)
    one = st.builds(over, st.sampled_from(UNARY), st.lists(children, min_size=1, max_size=1), keys, st.just(""))
    some = st.lists(children, min_size=2, max_size=3)
    return one | st.builds(over, st.sampled_from(JOINS), some, keys, st.sampled_from(("", "SubPlan", "InitPlan")))


PLANS = st.recursive(leaves(), grown, max_leaves=12).map(lambda root: Plan(root=root))


def numbers_of(diff: PlanDiff) -> tuple[list[int], list[int]]:
    before = sorted(pair.before for pair in diff.pairs if pair.before is not None)
    return before, sorted(pair.after for pair in diff.pairs if pair.after is not None)


@settings(max_examples=150, deadline=None)
@given(PLANS)
def test_a_plan_against_itself_is_unchanged(plan: Plan) -> None:
    diff = compare(plan, plan)
    assert all(pair.change == "unchanged" and pair.before == pair.after for pair in diff.pairs)
    assert diff.lines == tuple((number, number) for number in range(len(diff.pairs)))
    assert sentence(plan, plan, diff).startswith("the same plan; cost ")


@settings(max_examples=150, deadline=None)
@given(PLANS, PLANS)
def test_each_node_stands_exactly_once_and_in_order(before: Plan, after: Plan) -> None:
    diff = compare(before, after)
    counts = len(list(before.root.walk())), len(list(after.root.walk()))
    assert numbers_of(diff) == (list(range(counts[0])), list(range(counts[1])))
    assert [one for one, _ in diff.lines if one is not None] == list(range(counts[0]))
    assert [other for _, other in diff.lines if other is not None] == list(range(counts[1]))
    moved = {(pair.before, pair.after) for pair in diff.pairs if pair.is_moved}
    together = {(pair.before, pair.after) for pair in diff.pairs if None not in (pair.before, pair.after)} - moved
    assert together == {line for line in diff.lines if None not in line}
    assert compared(PlanComparison(change="", before=before, after=after, tried_on="")).sentence


@settings(max_examples=150, deadline=None)
@given(PLANS, PLANS)
def test_the_other_way_round_the_same_nodes_are_likes(before: Plan, after: Plan) -> None:
    there = {(pair.before, pair.after) for pair in compare(before, after).pairs}
    back = {(pair.after, pair.before) for pair in compare(after, before).pairs}
    assert there == back


@settings(max_examples=100, deadline=None)
@given(PLANS, st.sampled_from(("Limit", "Materialize", "Gather")))
def test_a_node_put_on_top_leaves_the_others_as_they_are(plan: Plan, kind: str) -> None:
    above = node(kind, replace(plan.root, parent_relationship="Outer"), cost=plan.root.total_cost, rows=1.0)
    if any(each.node_type == kind for each in plan.root.walk()):
        return
    diff = compare(plan, replace(plan, root=above))
    assert [pair for pair in diff.pairs if pair.before is None] == [NodePair(after=0)]
    assert all(pair.after == pair.before + 1 and not pair.is_moved for pair in diff.pairs if pair.before is not None)


def scan(name: str, alias: str | None = None, **more: object) -> PlanNode:
    fields = {"cost": 100.0, "rows": 1_000.0, "parent_relationship": "Outer", **more}
    return node("Seq Scan", table=name, alias=alias or name, **fields)  # type: ignore[arg-type]


def changes(before: PlanNode, after: PlanNode) -> list[tuple[str, str, str]]:
    """(change, name before, name after) of each pair."""
    plans = Plan(root=before), Plan(root=after)
    nodes = [list(plan.root.walk()) for plan in plans]
    return [
        (
            pair.change,
            "" if pair.before is None else node_name(nodes[0][pair.before]),
            "" if pair.after is None else node_name(nodes[1][pair.after]),
        )
        for pair in compare(*plans).pairs
    ]


def test_a_self_join_keeps_its_aliases_apart() -> None:
    joined = node("Hash Join", scan("orders", "a"), scan("orders", "b", parent_relationship="Inner"), cost=300.0)
    turned = node("Hash Join", scan("orders", "b"), scan("orders", "a", parent_relationship="Inner"), cost=300.0)
    diff = compare(Plan(root=joined), Plan(root=turned))
    assert {(pair.before, pair.after) for pair in diff.pairs} == {(0, 0), (1, 2), (2, 1)}
    order = next(pair for pair in diff.pairs if pair.before == 0).differences
    assert [(each.what, each.before, each.after) for each in order] == [("join order", "a ⋈ b", "b ⋈ a")]
    assert sum(pair.is_moved for pair in diff.pairs) == 1
    assert sum(line.change == "moved" for line in compared(_comparison(joined, turned)).lines) == 2


def _comparison(before: PlanNode, after: PlanNode) -> PlanComparison:
    return PlanComparison(change="none", before=Plan(root=before), after=Plan(root=after), tried_on="a test")


def test_partitions_are_known_by_their_table_though_their_aliases_are_numbered_anew() -> None:
    members = [scan(f"p{at}", f"p_{at}", parent_relationship="Member") for at in range(1, 5)]
    left = scan("p3", "p_1", parent_relationship=None)
    found = changes(node("Append", *members, cost=400.0), left)
    assert ("unchanged", "Seq Scan on p3 p_3", "Seq Scan on p3 p_1") in found
    assert [name for change, name, _ in found if change == "only before"] == [
        "Append", "Seq Scan on p1 p_1", "Seq Scan on p2 p_2", "Seq Scan on p4 p_4",
    ]  # fmt: skip


def test_a_sort_that_an_index_makes_needless_is_gone() -> None:
    before = node("Limit", node("Sort", scan("orders"), cost=120.0, parent_relationship="Outer", sort_keys=("id",)))
    after = node("Limit", replace(scan("orders"), node_type="Index Scan", index="orders_pkey"))
    diff = compare(Plan(root=before), Plan(root=after))
    told = sentence(Plan(root=before), Plan(root=after), diff)
    assert told.startswith("reads orders by index orders_pkey instead of sequentially; no sort; cost ")


def test_of_two_sorts_the_one_with_the_same_keys_is_the_like() -> None:
    inner = node("Sort", scan("orders"), sort_keys=("status",), parent_relationship="Outer", cost=110.0)
    grouped = node(
        "Aggregate", inner, strategy="Sorted", group_keys=("status",), parent_relationship="Outer", cost=130.0
    )
    before = node("Sort", grouped, sort_keys=("count(*) DESC",), cost=140.0)
    hashed = node("Aggregate", scan("orders"), strategy="Hashed", group_keys=("status",), parent_relationship="Outer")
    after = node("Sort", hashed, sort_keys=("count(*) DESC",), cost=140.0)
    found = changes(before, after)
    assert ("only before", "Sort", "") in found
    assert ("unchanged", "Sort", "Sort") in found or ("changed", "Sort", "Sort") in found
    assert found[0][1:] == ("Sort", "Sort") and found[1][1:] == ("GroupAggregate", "HashAggregate")


def test_what_costs_nothing_either_way_is_not_called_changed() -> None:
    before = node("Limit", scan("orders", cost=100_000.0), cost=100_000.01)
    after = node("Limit", scan("orders", cost=100_000.0), cost=100_000.09)
    assert {change for change, _, _ in changes(before, after)} == {"unchanged"}


def test_an_analyzed_plan_and_a_planned_one_are_compared_by_cost_and_planned_rows() -> None:
    analyzed = orders_plan()
    bare = replace(analyzed, root=_planned(analyzed.root), execution_ms=None, has_timing=False)
    diff = compare(analyzed, bare)
    assert diff.measure == "cost"
    assert all(pair.change == "unchanged" for pair in diff.pairs)
    assert compare(analyzed, analyzed).measure == "time"
    assert compare(unpaid_plan(), analyzed).measure == "cost"


def _planned(root: PlanNode) -> PlanNode:
    below = tuple(_planned(child) for child in root.children)
    return replace(root, actual_rows=None, actual_loops=None, actual_total_ms=None, children=below)


SHOP = (
    "CREATE TABLE customer (id int PRIMARY KEY, region int)",
    "CREATE TABLE orders (id int PRIMARY KEY, customer_id int, status int, placed date)",
    "CREATE TABLE items (id int PRIMARY KEY, order_id int)",
    "CREATE TABLE ev (at date, v int) PARTITION BY RANGE (at)",
    "CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM ('2024-01-01') TO ('2024-04-01')",
    "CREATE TABLE ev_2 PARTITION OF ev FOR VALUES FROM ('2024-04-01') TO ('2024-07-01')",
    "CREATE TABLE ev_3 PARTITION OF ev FOR VALUES FROM ('2024-07-01') TO ('2024-10-01')",
    "INSERT INTO customer SELECT g, g % 10 FROM generate_series(1, 2000) g",
    "INSERT INTO orders SELECT g, g % 2000 + 1, g % 7, date '2024-01-01' + g % 600 FROM generate_series(1, 40000) g",
    "INSERT INTO items SELECT g, g % 40000 + 1 FROM generate_series(1, 80000) g",
    "INSERT INTO ev SELECT date '2024-01-01' + g % 270, g FROM generate_series(1, 9000) g",
    "ANALYZE",
)
ONE = (
    "SELECT * FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.customer_id = 42 ORDER BY o.placed LIMIT 5"
)
THREE = (
    "SELECT count(*) FROM orders o JOIN customer c ON c.id = o.customer_id JOIN items i ON i.order_id = o.id "
    "WHERE c.region = 3"
)
GROUPS = "SELECT status, count(*) FROM orders GROUP BY status"
CTE = "WITH r AS {} (SELECT * FROM orders) SELECT * FROM r JOIN customer c ON c.id = r.customer_id WHERE r.id = 7"
UNION = "SELECT id FROM orders WHERE status = 1 UNION ALL SELECT id FROM orders WHERE customer_id = 4"
INDEX = "CREATE INDEX orders_customer_id_idx ON orders (customer_id)"
PARALLEL = (
    "SET max_parallel_workers_per_gather = 2",
    "SET parallel_setup_cost = 0",
    "SET parallel_tuple_cost = 0",
    "SET min_parallel_table_scan_size = 0",
)

Tried = Callable[..., tuple[Plan, Plan]]


@pytest.fixture(scope="module", params=["server", "debian15"])
def tried(request: pytest.FixtureRequest) -> Iterator[Tried]:
    """Gives a statement's plans before and after some other statements, which are taken back."""
    running: Server = request.getfixturevalue(request.param)
    with psycopg.connect(create_database(running, "plan_diff"), autocommit=True) as connection:
        for statement in SHOP:
            connection.execute(statement)  # type: ignore[arg-type]

        def explain(statement: str, *, analyze: bool) -> Plan:
            options = "ANALYZE, FORMAT JSON" if analyze else "FORMAT JSON"
            row = connection.execute(f"EXPLAIN ({options}) {statement}").fetchone()  # type: ignore[arg-type]
            assert row is not None
            return read_explain(row[0] if not isinstance(row[0], str) else json.loads(row[0]))

        def both(
            statement: str, *changes: str, then: str | None = None, analyze: bool = False, start: tuple[str, ...] = ()
        ) -> tuple[Plan, Plan]:
            with connection.transaction(force_rollback=True):
                connection.execute("SET max_parallel_workers_per_gather = 0")
                for each in start:
                    connection.execute(each)  # type: ignore[arg-type]
                before = explain(statement, analyze=analyze)
                for each in changes:
                    connection.execute(each)  # type: ignore[arg-type]
                return before, explain(then or statement, analyze=analyze)

        yield both


def told(plans: tuple[Plan, Plan]) -> str:
    return sentence(*plans, compare(*plans))


@pytest.mark.server
@pytest.mark.parametrize("analyze", [False, True], ids=["planned", "analyzed"])
def test_an_index_is_added(tried: Tried, analyze: bool) -> None:
    plans = tried(ONE, INDEX, analyze=analyze)
    assert "reads orders by" in told(plans) and "orders_customer_id_idx instead of sequentially" in told(plans)
    assert ("ms →" in told(plans)) == analyze and ("; cost " in told(plans)) != analyze
    scans = [pair for pair in compare(*plans).pairs if any(each.what == "access path" for each in pair.differences)]
    assert len(scans) == 1
    customer = [
        each for each in compared(_between(plans)).lines if each.before and "customer_pkey" in each.before.row.name
    ]
    assert [line.change for line in customer] == ["unchanged"]


def _between(plans: tuple[Plan, Plan]) -> PlanComparison:
    return PlanComparison(change=INDEX, before=plans[0], after=plans[1], tried_on="this server")


@pytest.mark.server
def test_another_join_method(tried: Tried) -> None:
    before, after = tried(THREE, "SET enable_hashjoin = off")
    assert " instead of hash join" in told((before, after))
    joins = [
        pair for pair in compare(before, after).pairs if any(each.what == "join method" for each in pair.differences)
    ]
    assert joins and all(pair.before is not None and pair.after is not None for pair in joins)


@pytest.mark.server
def test_another_join_order(tried: Tried) -> None:
    fixed = "SELECT count(*) FROM {} WHERE c.region = 3"
    first = fixed.format("(orders o JOIN customer c ON c.id = o.customer_id) JOIN items i ON i.order_id = o.id")
    second = fixed.format("(orders o JOIN items i ON i.order_id = o.id) JOIN customer c ON c.id = o.customer_id")
    plans = tried(first, then=second, start=("SET join_collapse_limit = 1",))
    assert "joins in another order" in told(plans)
    diff = compare(*plans)
    reads = {pair.before for pair in diff.pairs if pair.after is None}
    joins = [each for at, each in enumerate(plans[0].root.walk()) if at in reads and "Join" in each.node_type]
    assert len(joins) == 1, "the join of orders with customer alone is gone, the join of all three stays"


@pytest.mark.server
def test_partitions_are_left_out(tried: Tried) -> None:
    plans = tried("SELECT * FROM ev WHERE v = 5", then="SELECT * FROM ev WHERE v = 5 AND at = '2024-05-05'")
    assert told(plans).startswith("no longer reads ev_1, ev_3; ")
    kept = [pair for pair in compare(*plans).pairs if pair.before is not None and pair.after is not None]
    assert len(kept) == 1


@pytest.mark.server
@pytest.mark.parametrize("analyze", [False, True], ids=["planned", "analyzed"])
def test_parallel_workers_come_and_go(tried: Tried, analyze: bool) -> None:
    plans = tried(GROUPS, *PARALLEL, analyze=analyze)
    assert "2 parallel workers" in told(plans)
    assert "no parallel workers" in told((plans[1], plans[0]))
    scans = [pair for pair in compare(*plans).pairs if any(each.what == "access path" for each in pair.differences)]
    assert len(scans) == 1
    assert not [each for each in scans[0].differences if each.what == "rows"], "a share of the rows is not fewer rows"


@pytest.mark.server
def test_a_cte_is_inlined(tried: Tried) -> None:
    plans = tried(CTE.format("MATERIALIZED"), then=CTE.format("NOT MATERIALIZED"))
    assert "CTE r in place, not kept apart" in told(plans)
    assert "reads orders by index orders_pkey instead of sequentially" in told(plans)
    assert "another order" not in told(plans)


@pytest.mark.server
def test_the_same_table_in_two_arms_of_a_union(tried: Tried) -> None:
    plans = tried(UNION, INDEX)
    diff = compare(*plans)
    assert [pair.change for pair in diff.pairs if pair.before is not None] == ["unchanged", "unchanged", "changed"]
    assert "reads orders orders_1 by" in told(plans)


@pytest.mark.server
@pytest.mark.parametrize("statement", [ONE, THREE, GROUPS, UNION, CTE.format("")], ids=range(5))
def test_nothing_was_changed(tried: Tried, statement: str) -> None:
    assert told(tried(statement)).startswith("the same plan; cost ")
    assert all(pair.change == "unchanged" for pair in compare(*tried(statement)).pairs)
