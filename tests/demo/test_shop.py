"""The demo keeps its word: its problems are real, each is found, and nothing is said of what is clean.

The tests that look at one shop stand in one file, so that it is made once where files are run side by side.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from psycopg import RawCursor

from pgadvisor.advise.advise import advise
from pgadvisor.cli.source import SourceOptions, snapshot_of
from pgadvisor.demo.clean import CLEAN
from pgadvisor.demo.faulty import FAULTY
from pgadvisor.demo.problems import Check, check
from pgadvisor.demo.statement import Draw, ShopStatement
from pgadvisor.demo.workload import STATEMENTS
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.sql.fingerprint import fingerprint
from tests.demo.fix_shop import Shop

pytestmark = pytest.mark.server

Node = dict[str, Any]


@pytest.fixture(scope="module")
def snapshot(shop: Shop) -> Snapshot:
    """The shop as the audit sees it."""
    return snapshot_of(shop.auditor_dsn, SourceOptions(quiet=True))


@pytest.fixture(scope="module")
def checked(snapshot: Snapshot) -> Check:
    """Its report, held against what was made."""
    return check(advise(snapshot))


def test_every_problem_is_found(checked: Check) -> None:
    assert [(problem.rule, problem.statement or problem.table) for problem in checked.missed] == []


def test_nothing_is_said_of_what_is_clean(checked: Check) -> None:
    assert [(finding.rule, finding.message) for finding in checked.false_alarms] == []


def test_what_needs_older_counters_is_found_when_they_are_older(snapshot: Snapshot, checked: Check) -> None:
    assert {problem.rule for problem in checked.too_early} == {"unused-index"}
    assert snapshot.server is not None
    assert snapshot.server.started_at is not None
    server = msgspec.structs.replace(
        snapshot.server, started_at=snapshot.server.started_at - timedelta(days=40), statistics_reset_at=None
    )
    later = check(advise(msgspec.structs.replace(snapshot, server=server)))
    assert (later.too_early, later.missed, later.false_alarms) == ((), (), ())


def test_every_rule_runs(snapshot: Snapshot) -> None:
    assert [rule for rule in advise(snapshot).rules_not_run if "no log" not in rule.reason] == []


def nodes(shop: Shop, statement: ShopStatement) -> list[Node]:
    """The nodes of the plan as it was run, parents first."""
    values = statement.values(Draw(Random(7), shop.made_at))
    cursor = RawCursor(shop.auditor)
    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.sql}".encode(), values)
    row = cursor.fetchone()
    assert row is not None
    return list(_walk(row[0][0]["Plan"]))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)


def _rows(node: Node, key: str) -> float:
    return float(node.get(key, 0)) * float(node["Actual Loops"])


def discards_most_rows(node: Node) -> bool:
    removed, kept = _rows(node, "Rows Removed by Filter"), _rows(node, "Actual Rows")
    return removed >= 10_000 and removed / (removed + kept) >= 0.9


def is_off(node: Node) -> bool:
    """q-error of 10 or more; a node that a LIMIT stopped early is not judged, and this asks only for scans."""
    actual, planned = _rows(node, "Actual Rows"), node["Plan Rows"] * node["Actual Loops"]
    return max(actual, planned) >= 100 and max((actual + 1) / (planned + 1), (planned + 1) / (actual + 1)) >= 10


SHOWS: dict[str, Callable[[Node], bool]] = {
    "scan-discards-most-rows": discards_most_rows,
    "function-on-indexed-column": lambda node: discards_most_rows(node) and "lower(email)" in node["Filter"],
    "leading-wildcard": lambda node: discards_most_rows(node) and "~~*" in node["Filter"],
    "implicit-cast": lambda node: discards_most_rows(node) and "::numeric" in node["Filter"],
    "not-in-subquery": lambda node: "NOT" in node.get("Filter", "") and "SubPlan" in node["Filter"],
    "correlated-subquery": lambda node: node.get("Parent Relationship") == "SubPlan",
    "subplan-per-row": lambda node: node.get("Parent Relationship") == "SubPlan" and node["Actual Loops"] >= 10_000,
    "missing-limit": lambda node: node["Actual Rows"] >= 10_000,
    "deep-offset": lambda node: node["Node Type"] == "Limit" and node["Plans"][0]["Actual Rows"] >= 10_000,
    "sort-spills": lambda node: node.get("Sort Space Type") == "Disk",
    "hash-spills": lambda node: max(node.get("Hash Batches", 1), node.get("HashAgg Batches", 1)) > 1,
    "nested-loop-over-many-rows": lambda node: (
        node["Node Type"] == "Materialize" and _rows(node, "Actual Rows") >= 1_000_000
    ),
    "row-estimate-far-off": is_off,
    "heap-fetches": lambda node: node.get("Heap Fetches", 0) >= 0.9 * node["Actual Rows"] > 10_000,
}
"""How a plan shows what each rule is about."""

SHOWN = [(statement, rule) for statement in FAULTY for rule in statement.rules if rule in SHOWS]


@pytest.mark.parametrize(("statement", "rule"), SHOWN, ids=lambda value: getattr(value, "name", value))
def test_problem_shows_in_the_plan(shop: Shop, statement: ShopStatement, rule: str) -> None:
    assert any(SHOWS[rule](node) for node in nodes(shop, statement))


READ_ONLY = [each for each in CLEAN if each.sql.startswith("SELECT")]


@pytest.mark.parametrize("statement", READ_ONLY, ids=lambda value: value.name)
def test_clean_statement_is_clean(shop: Shop, statement: ShopStatement) -> None:
    found = nodes(shop, statement)
    rules = ("scan-discards-most-rows", "sort-spills", "hash-spills", "heap-fetches", "subplan-per-row")
    assert [rule for rule in rules for node in found if SHOWS[rule](node)] == []
    assert not any(is_off(node) for node in found if "Scan" in node["Node Type"] and found[0]["Node Type"] != "Limit")
    assert found[0]["Actual Rows"] < 1_000


def test_every_statement_was_run_as_often_as_it_says_with_bound_parameters(shop: Shop) -> None:
    rows = shop.auditor.execute(
        "SELECT query, calls FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid"
        " WHERE d.datname = 'shop' AND s.userid = 'shop'::regrole"
    ).fetchall()
    counted = {fingerprint(str(text)): count for text, count in rows}
    assert {each.name: counted.get(fingerprint(each.sql)) for each in STATEMENTS} == {
        each.name: each.calls for each in STATEMENTS
    }
    assert not any("@example.com" in str(text) for text, _ in rows)


def test_tables_and_indexes_are_in_the_state_that_they_are_to_be_found_in(shop: Shop) -> None:
    def one(query: str) -> object:
        row = shop.auditor.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]

    assert 500_000 <= one("SELECT sum(n_live_tup) FROM pg_stat_user_tables") <= 900_000  # type: ignore[operator]
    assert one("SELECT array_agg(indexrelid::regclass::text) FROM pg_index WHERE NOT indisvalid") == [
        "coupons_code_key"
    ]
    assert one("SELECT count(*) FROM pg_stats WHERE tablename = 'stock_movements'") == 0
    assert one("SELECT array_agg(relname::text ORDER BY relname) FROM pg_stat_user_tables WHERE last_analyze IS NULL"
               ) == ["stock_movements"]  # fmt: skip
    assert one("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'order_items_price_cents_idx'") == 0
    assert one("SELECT avg(relallvisible::float / relpages) FROM pg_class WHERE relname = 'sessions'") == 1.0
    assert one("SELECT count(*) FROM reviews WHERE customer_id IS NULL") == 600
    assert one("SELECT count(*) FROM pg_stat_user_indexes AS u JOIN pg_index AS i USING (indexrelid) WHERE idx_scan = 0"
               " AND NOT indisunique AND indexrelname NOT IN ('order_items_price_cents_idx', 'orders_placed_at_id_idx',"
               " 'orders_placed_at_idx')") == 0  # fmt: skip
