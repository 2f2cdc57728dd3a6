"""Plans of real workloads on real servers: nearly every form gets one, harmless statements are run, nothing leaks."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import psycopg
import pytest

from pgadvisor.collect.collector import collect
from pgadvisor.collect.plans import PlanOptions, collect_plans
from pgadvisor.collect.session import open_session
from pgadvisor.model.plan import Plan, PlanNode, StatementPlan
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.form import Form, form_of
from pgadvisor.parameters.reading import reading_of
from pgadvisor.parameters.redaction import redacted
from tests.collect.fix_forms import FORMS, SCHEMA
from tests.fix_servers import Server, create_database, drop_database, make_reader

ALL = PlanOptions(top=1_000)
SEEDED = ("user7@example", "Name 1", "sku3", "v7", "eu", "africa", "shipped", "cancelled")
"""Values of the shop's rows: none may come out."""


class Shop(NamedTuple):
    """A shop that has worked, and what a reader's audit of it found."""

    dsn: str
    reader: str
    snapshot: Snapshot

    def plan(self, beginning: str) -> StatementPlan:
        """The plan of the first statement whose text begins so."""
        key = next(each.key for each in self.snapshot.statements if each.text.startswith(beginning))
        return next(each for each in self.snapshot.plans if each.statement == key)


@pytest.fixture(scope="module", params=["server", "debian15"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    running: Server = request.getfixturevalue(request.param)
    dsn = create_database(running, "forms")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("SELECT pg_stat_statements_reset()")
        for text in FORMS:
            connection.execute(text.encode())
    reader = make_reader(dsn)
    with open_session(reader) as session:
        found = collect_plans(session, collect(session), ALL)
        assert session.rows("SELECT name FROM pg_catalog.pg_prepared_statements") == []
    yield Shop(dsn, reader, found)
    drop_database(running, dsn)


def planned(dsn: str, *texts: str, options: PlanOptions = ALL, **counters: float) -> tuple[StatementPlan, ...]:
    """The plans of statements as a file gives them, on the catalog of that database."""
    with open_session(dsn) as session:
        statements = tuple(
            Statement(key=f"#{at}", text=text, fingerprint=text, **counters)  # type: ignore[arg-type]
            for at, text in enumerate(texts, 1)
        )
        snapshot = msgspec.structs.replace(collect(session), statements=statements)
        return collect_plans(session, snapshot, options).plans


def test_nearly_every_form_gets_a_plan(shop: Shop) -> None:
    assert len(shop.snapshot.statements) >= 78
    by_key = {each.key: each for each in shop.snapshot.statements}
    without = [by_key[each.statement].text for each in shop.snapshot.plans if each.plan is None]
    assert [text[:40] for text in without if "pg_stat_statements" not in text] == [
        "INSERT INTO products (id, sku, price, na"
    ]
    assert sum(each.kind == "analyzed" for each in shop.snapshot.plans) >= 58


def test_every_statement_says_which_plan_it_has_and_why(shop: Shop) -> None:
    assert [each.statement for each in shop.snapshot.plans] == [each.key for each in shop.snapshot.statements]
    for each in shop.snapshot.plans:
        assert (each.plan is None) == (each.kind == "none")
        assert each.reason
        assert each.plan is None or each.plan.is_analyzed == (each.kind == "analyzed")


def test_no_value_of_the_data_comes_out(shop: Shop) -> None:
    text = msgspec.json.encode((shop.snapshot.plans, shop.snapshot.gaps)).decode()
    for value in SEEDED:
        assert f"'{value}" not in text, value
    assert "user" not in text.replace("shared", "")


def test_values_in_plans_have_their_parameters_names(shop: Shop) -> None:
    plan = shop.plan("SELECT * FROM customers WHERE email = ").plan
    assert plan is not None
    assert "= $1" in (plan.root.filter or "").replace("::text", "").replace("'", "")


def test_tables_have_their_schema(shop: Shop) -> None:
    plan = shop.plan("SELECT * FROM orders WHERE id = $1").plan
    assert plan is not None
    assert (plan.root.schema, plan.root.table, plan.root.actual_rows) == ("public", "orders", 1.0)


def test_ranges_are_as_wide_as_the_rows_of_a_call(shop: Shop) -> None:
    plan = shop.plan("SELECT * FROM orders WHERE placed_at >= ").plan
    assert plan is not None
    assert plan.root.estimated_rows == pytest.approx(1_008, rel=0.1)
    assert plan.root.actual_rows == pytest.approx(1_008, rel=0.25)


def test_a_limit_is_planned_as_what_it_is(shop: Shop) -> None:
    plan = shop.plan("SELECT o.*, c.name FROM orders o").plan
    assert plan is not None
    assert plan.root.node_type == "Limit" and plan.root.estimated_rows == 25


def test_what_nothing_is_known_of_is_planned_for_any_value(shop: Shop) -> None:
    found = shop.plan("SELECT * FROM customers WHERE meta @> ")
    assert found.kind == "generic" and found.plan is not None
    assert found.reason == "not run: no value of $1 is known; planned for any value of $1"
    assert "@> $1" in "".join(filter(None, (found.plan.root.filter, found.plan.root.recheck_condition)))


def test_partitions_stay_in_a_plan_for_any_value(shop: Shop) -> None:
    """A prepared statement with NULL for its parameters would have none left."""
    (found,) = planned(shop.dsn, "SELECT * FROM events WHERE at > $1 AND payload @> $2", options=PlanOptions())
    assert found.kind == "generic" and found.plan is not None
    assert any(node.table for node in found.plan.root.walk())


def test_a_readers_writes_are_planned_as_the_reading_in_them(shop: Shop) -> None:
    for beginning in ("UPDATE orders SET", "DELETE FROM items", "INSERT INTO products (id, sku) SELECT"):
        found = shop.plan(beginning)
        assert found.kind == "values" and found.plan is not None
        assert found.plan.root.operation is None
        assert found.reason.startswith("not run: writes (")
        assert "the SELECT that finds its rows" in found.reason
    locking = shop.plan("SELECT id FROM orders WHERE status = $1 ORDER BY id LIMIT $2 FOR UPDATE")
    assert locking.kind == "values" and locking.reason.startswith("not run: locks rows")


def test_an_owners_writes_are_planned_as_they_are(shop: Shop) -> None:
    (found,) = planned(shop.dsn, "UPDATE orders SET note = 'x' WHERE id = 5")
    assert found.kind == "values" and found.plan is not None
    assert found.plan.root.operation == "Update"
    assert not found.plan.is_analyzed


def test_ranges_of_an_owners_writes_fit_the_rows_too(shop: Shop) -> None:
    (found,) = planned(shop.dsn, "DELETE FROM orders WHERE placed_at < $1", calls=3, rows=3_000, mean_ms=5.0)
    assert found.plan is not None
    assert found.plan.root.children[0].estimated_rows == pytest.approx(1_000, rel=0.1)


def test_a_query_with_its_values_is_run_and_its_values_are_not_kept(shop: Shop) -> None:
    (found,) = planned(shop.reader, "SELECT * FROM customers WHERE email = 'user7@example.com' AND id = 7;")
    assert found.kind == "analyzed" and found.plan is not None
    assert found.reason.startswith("run with the values in its text")
    assert found.plan.root.actual_rows == 1.0
    assert "user7" not in msgspec.json.encode(found).decode()


def test_without_analyze_nothing_is_run_and_a_gap_says_so(shop: Shop) -> None:
    with open_session(shop.reader) as session:
        found = collect_plans(session, collect(session), PlanOptions(analyze=False))
    assert "analyzed" not in {each.kind for each in found.plans}
    (gap,) = [gap for gap in found.gaps if gap.area == "analyze"]
    assert gap.subject is None and "--no-analyze" in gap.reason
    assert any(each.reason.startswith("not run: --no-analyze was given") for each in found.plans)


@pytest.mark.parametrize("counters", [{"max_ms": 9_000.0, "mean_ms": 10.0, "calls": 5}, {"mean_ms": 9_000.0}])
def test_what_took_longer_than_the_limit_is_not_run(shop: Shop, counters: dict[str, float]) -> None:
    (found,) = planned(shop.reader, "SELECT count(*) FROM orders", **counters)
    assert found.kind == "values"
    assert found.reason.startswith("not run: it takes about 9000 ms, more than 5000 ms")


def test_what_costs_too_much_is_not_run_when_no_time_is_known(shop: Shop) -> None:
    (found,) = planned(shop.reader, "SELECT count(*) FROM orders AS a, orders AS b, orders AS c")
    assert found.kind == "values" and "more than 5000 ms" in found.reason


def test_what_takes_too_long_after_all_is_cancelled(shop: Shop) -> None:
    text = "SELECT count(*) FROM orders AS a, orders AS b WHERE a.total <> b.total"
    (found,) = planned(shop.reader, text, options=PlanOptions(analyze_limit_ms=200.0), mean_ms=1.0)
    assert found.kind == "values" and found.plan is not None
    assert found.reason.startswith("not run: it was run, but not to its end: it took longer than")


def test_a_spent_budget_ends_the_running(shop: Shop) -> None:
    (found,) = planned(shop.reader, "SELECT count(*) FROM orders", options=PlanOptions(budget_s=0.0), mean_ms=1.0)
    assert found.kind == "values" and "are spent" in found.reason


def test_values_that_do_not_go_together_make_no_measured_plan(shop: Shop) -> None:
    text = "SELECT * FROM orders WHERE id = $1 AND customer_id = $2"
    (found,) = planned(shop.reader, text, calls=2, rows=2_000, mean_ms=1.0)
    assert found.kind == "values"
    assert "with no values that give about 1000 rows" in found.reason


def test_only_the_costly_statements_are_planned(shop: Shop) -> None:
    with open_session(shop.reader) as session:
        snapshot = collect(session)
        found = collect_plans(session, snapshot, PlanOptions(top=3, analyze=False))
        costly = collect_plans(session, snapshot, PlanOptions(analyze=False))
    assert [each.kind == "none" for each in found.plans] == [False] * 3 + [True] * (len(found.plans) - 3)
    assert found.plans[-1].reason == "not planned: not among the 3 of --top"
    spent = {each.key: each.total_ms or 0.0 for each in snapshot.statements}
    kept = sum(spent[each.statement] for each in costly.plans if "little of the time" not in each.reason)
    assert 0.99 <= kept / math.fsum(spent.values()) < 1.0


def test_a_role_that_may_read_nothing_leaves_a_gap(shop: Shop) -> None:
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS only_monitor")
        connection.execute("CREATE ROLE only_monitor LOGIN IN ROLE pg_monitor")
    statement = Statement(key="1", text="SELECT * FROM orders WHERE id = $1", fingerprint="f")
    with open_session(f"{shop.dsn} user=only_monitor") as session:
        found = collect_plans(session, msgspec.structs.replace(shop.snapshot, statements=(statement,), gaps=()), ALL)
    assert [(each.kind, each.reason) for each in found.plans] == [("none", "not planned: the role lacks the privilege")]
    (gap,) = found.gaps
    assert (gap.area, gap.subject) == ("plans", None) and "GRANT" in gap.cure


def test_a_role_that_cannot_see_the_load_runs_nothing(shop: Shop) -> None:
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS only_orders")
        connection.execute("CREATE ROLE only_orders LOGIN")
        connection.execute("GRANT SELECT ON orders TO only_orders")
    statement = Statement(key="1", text="SELECT * FROM orders WHERE id = 5", fingerprint="f")
    with open_session(f"{shop.dsn} user=only_orders") as session:
        found = collect_plans(session, msgspec.structs.replace(shop.snapshot, statements=(statement,), gaps=()), ALL)
    assert [each.kind for each in found.plans] == ["values"]
    (gap,) = found.gaps
    assert (gap.area, gap.subject) == ("analyze", None) and "pg_monitor" in gap.cure


def test_on_a_standby_statements_are_planned_and_run(standby: tuple[str, str]) -> None:
    _, dsn = standby
    read, write = planned(dsn, "SELECT * FROM orders WHERE id = 5", "DELETE FROM orders WHERE id = 5")
    assert read.kind == "analyzed", read.reason
    assert write.kind == "values" and write.reason.startswith("not run: writes (DELETE)")


def test_behind_a_pooler_statements_are_planned_and_run(pooler: Callable[[str], str]) -> None:
    texts = ("SELECT 1 + count(*) FROM pg_class", "SELECT * FROM pg_class WHERE oid = $1")
    read, generic = planned(pooler("postgres"), *texts)
    assert read.kind == "analyzed", read.reason
    assert generic.kind == "generic", generic.reason


def test_no_statements_are_a_gap(shop: Shop) -> None:
    with open_session(shop.reader) as session:
        found = collect_plans(session, msgspec.structs.replace(shop.snapshot, statements=(), plans=(), gaps=()), ALL)
    assert [(gap.area, gap.subject) for gap in found.gaps] == [("plans", None)]
    assert found.plans == ()


def test_a_table_outside_the_search_path_is_found_when_one_schema_has_it(shop: Shop) -> None:
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS crm")
        connection.execute("CREATE TABLE IF NOT EXISTS crm.leads (id int PRIMARY KEY, name text)")
    found, nowhere = planned(shop.dsn, "SELECT * FROM leads WHERE id = 3", "SELECT * FROM nowhere")
    assert found.plan is not None
    assert {node.schema for node in found.plan.root.walk() if node.table} == {"crm"}
    assert nowhere.reason == "not planned: a table of it is not found on the search path"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1; SELECT 2", "not planned: its text is not one statement that PostgreSQL can plan"),
        ("VACUUM orders", "not planned: its text is not one statement that PostgreSQL can plan"),
        ("SELECT * FROM orders WHERE", "not planned: its text is not one statement that PostgreSQL can plan"),
        ("SELECT nobody FROM orders", "not planned: a column of it does not exist"),
    ],
)
def test_why_there_is_no_plan(shop: Shop, text: str, reason: str) -> None:
    (found,) = planned(shop.reader, text)
    assert (found.kind, found.plan, found.reason) == ("none", None, reason)


def test_a_cut_text_is_not_planned(shop: Shop) -> None:
    (found,) = planned(shop.reader, "SELECT * FROM orders", is_truncated=True)
    assert (found.kind, found.reason) == ("none", "not planned: its text was cut")


def test_progress_is_told(shop: Shop) -> None:
    told: list[tuple[str, int, int]] = []

    def progress(stage: str, done: int, total: int, /) -> None:
        told.append((stage, done, total))

    statements = shop.snapshot.statements[:3]
    with open_session(shop.reader) as session:
        collect_plans(session, msgspec.structs.replace(shop.snapshot, statements=statements), ALL, progress)
    assert [each for each in told if each[0] == "plans"] == [("plans", done, 3) for done in range(4)]
    assert ("analyze", 0, told[-1][2]) in told and told[-1][1] == told[-1][2]


# Reading parts and redaction


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        (
            "DELETE FROM ONLY t a USING u JOIN v USING (id) WHERE a.id = u.id AND a.x IS DISTINCT FROM $1 RETURNING *",
            "SELECT 1 FROM ONLY t a, u JOIN v USING (id) WHERE a.id = u.id AND a.x IS DISTINCT FROM $1",
        ),
        ("DELETE FROM t", "SELECT 1 FROM t"),
        (
            "UPDATE t AS a SET x = $1, y = (SELECT max(z) FROM u), (b, c) = (SELECT 1, 2) FROM v WHERE v.id = $2",
            "SELECT (SELECT max(z) FROM u) FROM t AS a, v WHERE v.id = $1",
        ),
        (
            "WITH q AS (SELECT id FROM t LIMIT $1 FOR UPDATE SKIP LOCKED) UPDATE t SET s = $2 FROM q WHERE q.id = t.id",
            "WITH q AS (SELECT id FROM t LIMIT $1 ) SELECT 1 FROM t, q WHERE q.id = t.id",
        ),
        ("INSERT INTO t (a) SELECT x FROM u WHERE y = $1 ON CONFLICT (a) DO NOTHING", "SELECT x FROM u WHERE y = $1"),
        ("SELECT * FROM a, b FOR NO KEY UPDATE OF a, b NOWAIT", "SELECT * FROM a, b"),
        ("INSERT INTO t VALUES ($1)", None),
        ("SELECT substring(x FOR 3) FROM t", None),
        ("DELETE FROM t WHERE CURRENT OF c", None),
        ("WITH q AS (DELETE FROM t RETURNING *) SELECT * FROM q", None),
    ],
)
def test_the_reading_part_of_a_write(text: str, reading: str | None) -> None:
    form = form_of(text)
    assert isinstance(form, Form)
    found = reading_of(form)
    assert (" ".join(found.text.split()) if found else None) == reading


def test_redaction_reaches_every_text_and_spares_names() -> None:
    node = PlanNode(
        node_type="Index Scan",
        filter="((name = 'secret'::text) AND (SubPlan 1) AND (n > 42) AND (price > '5.5'::numeric(10,2)))",
        sort_keys=("(CASE WHEN (kind = 'secret'::text) THEN 1 ELSE 0 END)",),
        other=(
            ("Order By", "\"(p <-> '(1,2)'::point)\""),
            ("Output", '["name", "\'secret\'::text", "$0", "(InitPlan 2).col1"]'),
            ("Workers", '[{"Worker Number": 0}]'),
            ("Sort Methods Used", '["external merge"]'),
        ),
    )
    found = redacted(Plan(root=node), {"42": "$3"}).root
    assert found.filter == "((name = ?::text) AND (SubPlan 1) AND (n > $3) AND (price > ?::numeric(10,2)))"
    assert "secret" not in str(msgspec.to_builtins(found))
    assert dict(found.other)["Output"] == '["$0", "InitPlan 2"]'
    assert dict(found.other)["Sort Methods Used"] == '["external merge"]'
    assert "Workers" not in dict(found.other)


def test_a_write_that_reads_nothing_is_not_denied_for_want_of_a_grant_to_read(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE notes (id int)")
        connection.execute("DROP ROLE IF EXISTS no_reader")
        connection.execute("CREATE ROLE no_reader LOGIN")
    try:
        texts = "INSERT INTO notes VALUES (1)", "DELETE FROM notes WHERE id = 1"
        insert, delete = planned(f"{database} user=no_reader", *texts)
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DROP ROLE no_reader")
    assert insert.reason == "not planned: the role may not write"
    assert delete.reason == "not planned: the role lacks the privilege"
