"""The workload planned on twins before and after migrations: what breaks, what gets worse, what is harmless."""

from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from pgadvisor.advise.examples import NOON, snapshot_of
from pgadvisor.advise.registry import gate_rules
from pgadvisor.cli.gate_plans import added_queries
from pgadvisor.cli.workload import read_statements
from pgadvisor.errors import UsageError
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.judge import judge
from pgadvisor.gate.plans import PlansFound, plan_changes
from pgadvisor.model.plan_change import PlanChange
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.waiver import Terms
from pgadvisor.rule import Example, foreign_key, table

BY_EMAIL = "SELECT id, email FROM users WHERE email = $1"
BY_CUSTOMER = "SELECT * FROM orders WHERE customer_id = $1"
ITEMS = "SELECT * FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.customer_id = $1"
NAMED = "SELECT id, name FROM users WHERE id = $1"


@cache
def shop() -> Snapshot:
    """A shop of three tables and four statements, each with a quarter of the time."""
    users = table("users", columns={"email": "text", "name": "text"}, indexes={"users_email_idx": "email"}, rows=2e6)
    orders = table(
        "orders",
        columns={"customer_id": "bigint", "note": "text", "placed_at": "timestamp with time zone"},
        indexes={"orders_customer_id_idx": "customer_id"},
        rows=5e6,
    )
    items = table(
        "order_items",
        columns={"order_id": "bigint", "product_id": "bigint"},
        indexes={"order_items_order_id_idx": "order_id"},
        rows=8e6,
    )
    other = tuple((text, 1_000, 10.0) for text in (BY_CUSTOMER, ITEMS, NAMED))
    return snapshot_of(Example(sql=BY_EMAIL, other=other, tables=(users, orders, items)))


def planned(sql: str, queries: str = "", snapshot: Snapshot | None = None) -> PlansFound:
    given = read_statements(queries, Path("new.sql")) if queries else []
    return plan_changes(snapshot or shop(), [migration_of("2_change.sql", sql)], given)


def report_of(sql: str, plans: PlansFound) -> Report:
    rules = tuple(rule for rule in gate_rules() if rule.kind == "change")
    terms = Terms(today=NOON.date(), rules={}, rules_run=frozenset(rule.name for rule in rules))
    migrations = [migration_of("2_change.sql", sql)]
    return judge(migrations, rules, terms, snapshot=shop(), now=NOON + timedelta(days=1), plans=plans)


def of(found: PlansFound, text: str) -> PlanChange | None:
    key = next(each.key for each in shop().statements if each.text == text)
    return next((each for each in found.changes.statements if each.statement == key), None)


def gaps_of(found: PlansFound) -> list[Gap]:
    """But for the one that every snapshot without values has."""
    return [each for each in found.gaps if each.subject != "values"]


def told(report: Report) -> list[tuple[str, int | None]]:
    return [(each.rule, each.where.line) for each in report.findings]


HARM = """SET lock_timeout = '2s';
DROP INDEX CONCURRENTLY orders_customer_id_idx;
ALTER TABLE users
  RENAME COLUMN email TO mail;
CREATE INDEX CONCURRENTLY orders_note_idx ON orders (note);
CREATE INDEX CONCURRENTLY ON order_items (order_id);
"""


@pytest.fixture(scope="module")
def harm() -> PlansFound:
    return planned(HARM)


def test_a_renamed_column_breaks_the_statements_that_name_it(harm: PlansFound) -> None:
    change = of(harm, BY_EMAIL)
    assert change is not None
    assert change.error == 'column "email" does not exist'
    assert (change.place.file, change.place.line) == ("2_change.sql", 3)
    assert change.share == 0.25


def test_a_dropped_index_is_missed_where_it_was_used(harm: PlansFound) -> None:
    change = of(harm, BY_CUSTOMER)
    assert change is not None
    assert change.gone_indexes == ("public.orders_customer_id_idx",)
    assert change.place.line == 2
    assert change.ratio > 100
    assert change.whole_reads[0].table == "public.orders"
    assert change.comparison is not None
    assert {node.index for node in change.comparison.before.root.walk()} >= {"orders_customer_id_idx"}


def test_a_statement_on_what_stays_is_not_told(harm: PlansFound) -> None:
    assert of(harm, NAMED) is None
    assert harm.changes.planned == 4
    assert gaps_of(harm) == []


def test_new_indexes_have_their_size_and_their_users(harm: PlansFound) -> None:
    made = {each.index.name: each for each in harm.changes.indexes}
    note, items = made["orders_note_idx"], made["order_items_order_id_idx1"]
    assert note.size_bytes is not None
    assert note.size_bytes > 20_000_000
    assert (note.used_by, note.covered_by) == ((), None)
    assert (items.covered_by, items.is_equal) == ("public.order_items_order_id_idx", True)


def test_each_is_found_at_its_line(harm: PlansFound) -> None:
    report = report_of(HARM, harm)
    assert sorted(told(report)) == [
        ("new-index-redundant", 6),
        ("new-index-unused", 5),
        ("plan-regression", 2),
        ("statement-breaks", 3),
    ]
    assert {str(each.severity) for each in report.findings if each.where.line in (2, 3)} == {"error"}
    assert "4 statements planned before and after" in report.verdict.text


def test_the_same_twice(harm: PlansFound) -> None:
    assert planned(HARM) == harm


def test_a_type_that_the_index_does_not_fit() -> None:
    sql = "ALTER TABLE orders ALTER COLUMN id TYPE numeric;"
    found = planned(sql)
    change = of(found, ITEMS)
    assert change is not None
    assert change.lost_indexes == ("public.order_items_order_id_idx",)
    assert told(report_of(sql, found)) == [("index-no-longer-usable", 1)]


HARMLESS = """BEGIN;
CREATE TABLE notes (id bigint PRIMARY KEY, order_id bigint REFERENCES orders (id), body text);
CREATE INDEX ON notes (body);
ALTER TABLE users ADD COLUMN nick text;
ALTER TABLE users ALTER COLUMN name TYPE varchar(200);
ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
ALTER INDEX users_email_idx RENAME TO users_by_email;
ALTER TABLE order_items ADD FOREIGN KEY (product_id) REFERENCES users (id);
CREATE INDEX ON order_items (product_id);
CREATE UNIQUE INDEX ON users (name, id);
CREATE VIEW big AS SELECT * FROM orders;
DROP VIEW big;
INSERT INTO notes SELECT id, id, note FROM orders;
GRANT SELECT ON notes TO nobody_there;
COMMIT;
"""


def test_a_harmless_migration_is_silent() -> None:
    found = planned(HARMLESS)
    assert found.changes.statements == ()
    assert gaps_of(found) == []
    assert told(report_of(HARMLESS, found)) == []


def test_a_view_made_anew_and_a_type_that_parameters_follow_break_nothing() -> None:
    found = planned(
        "ALTER TABLE orders RENAME TO old; CREATE VIEW orders AS SELECT * FROM old;"
        "ALTER TABLE users ALTER id TYPE text;"
    )
    assert [each.error for each in found.changes.statements if each.error] == []


def test_what_cannot_be_run_is_a_gap_with_its_line() -> None:
    found = planned("\nALTER TABLE users DROP COLUMN gone;\nCREATE TABLE orders (id int);\nDROP INDEX users_email_idx;")
    (gap,) = gaps_of(found)
    assert (gap.subject, gap.reason.startswith("line 2 ")) == ("2_change.sql", True)
    assert 'column "gone" of relation "users" does not exist' in gap.reason
    change = of(found, BY_EMAIL)
    assert change is not None
    assert change.gone_indexes == ("public.users_email_idx",)


def test_an_index_that_helps_is_an_improvement() -> None:
    snapshot = shop()
    orders = snapshot.tables[1]
    bare = replace(
        snapshot, tables=(snapshot.tables[0], replace(orders, indexes=orders.indexes[:1]), snapshot.tables[2])
    )
    sql = "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);"
    found = planned(sql, snapshot=bare)
    change = of(found, BY_CUSTOMER)
    assert change is not None
    assert change.new_indexes == ("public.orders_customer_id_idx",)
    assert ("plan-improvement", 1) in told(report_of(sql, found))


QUERIES = """-- name: by_name
SELECT id FROM users WHERE name = $1;
SELECT id FROM users WHERE nick = $1 AND id = 3;
SELECT * FROM nowhere;
"""


def test_a_new_query_that_needs_an_index() -> None:
    sql = "ALTER TABLE users ADD COLUMN nick text;"
    found = planned(sql, QUERIES)
    (needed,) = found.changes.queries
    assert (needed.file, needed.line, needed.name) == ("new.sql", 2, "by_name")
    assert "ON public.users (name)" in needed.definition
    assert needed.sql == "CREATE INDEX CONCURRENTLY users_name_idx ON public.users (name);"
    assert needed.ratio < 0.01
    assert [each.subject for each in gaps_of(found)] == ["new.sql:4"]
    (finding,) = report_of(sql, found).findings
    assert (finding.rule, finding.where.file, finding.where.line) == ("new-query-needs-index", "new.sql", 2)


def test_a_new_index_is_used_by_a_new_query() -> None:
    sql = "CREATE INDEX CONCURRENTLY ON users (name);"
    assert told(report_of(sql, planned(sql))) == [("new-index-unused", 1)]
    assert told(report_of(sql, planned(sql, QUERIES.split("SELECT id FROM users WHERE nick")[0]))) == []


def test_queries_are_read_from_a_directory(tmp_path: Path) -> None:
    (tmp_path / "b.sql").write_text("SELECT 2;", encoding="utf-8")
    (tmp_path / "a.sql").write_text("SELECT 1;", encoding="utf-8")
    assert [each.text for each in added_queries(tmp_path, shop())] == ["SELECT 1", "SELECT 2"]
    with pytest.raises(UsageError, match="--snapshot"):
        added_queries(tmp_path, None)


def test_without_plans_the_rules_of_changes_say_so() -> None:
    rules = tuple(rule for rule in gate_rules() if rule.kind == "change")
    terms = Terms(today=NOON.date(), rules={}, rules_run=frozenset())
    report = judge([migration_of("2_change.sql", HARM)], rules, terms, snapshot=None, now=NOON)
    assert {each.rule for each in report.rules_not_run} == {
        rule.name for rule in rules if rule.needs != ("migrations",)
    }
    assert report.findings == ()


def test_a_foreign_key_keeps_its_index() -> None:
    snapshot = shop()
    items = snapshot.tables[2]
    owned = replace(items, constraints=(*items.constraints, foreign_key("product_id", "users")))
    sql = "CREATE INDEX ON order_items (product_id);"
    found = planned(sql, snapshot=replace(snapshot, tables=(*snapshot.tables[:2], owned)))
    assert found.changes.indexes[0].serves_foreign_key
    assert told(report_of(sql, found)) == []
