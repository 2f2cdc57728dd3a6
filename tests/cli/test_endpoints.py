"""`pgadvisor endpoints`: the list, one story, budgets, and what is said when there is nothing to tell."""

import json
from pathlib import Path

import pytest

from pgadvisor.advise.examples import snapshot_of
from pgadvisor.collect.file import write_snapshot
from pgadvisor.rule import Example, endpoint, foreign_key, ran, table
from tests.cli.run import assert_refused, pgadvisor

LIST = "SELECT id, customer_id FROM orders ORDER BY id DESC LIMIT $1"
ONE = "SELECT id, name FROM customer WHERE id = $1"
SEEN = endpoint(
    "GET /orders", ran(LIST, line="app/orders.py:7"), ran(ONE, each=25, parent=LIST, line="app/orders.py:12", ms=0.5)
)
SHOP = Example(
    endpoint=SEEN,
    tables=(
        table("orders", constraints=(foreign_key("customer_id", "customer"),)),
        table("customer", columns={"name": "text"}),
    ),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of the shop with its logs."""
    file = tmp_path_factory.mktemp("shop") / "shop.pgsnap"
    write_snapshot(file, snapshot_of(SHOP))
    return file


def test_the_list_and_the_story_are_told_as_text_and_markdown(shop: Path) -> None:
    listed = pgadvisor("endpoints", shop, "--planner", "none")
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.splitlines()[1].split() == [
        "–", "100", "26", "13.5", "ms", "13.5", "ms", "GET", "/orders", "#1",
    ]  # fmt: skip
    assert "#1 warning GET /orders: 25 queries a request" in listed.stdout, "what the numbers stand for"
    told = pgadvisor("endpoints", shop, "--planner", "none", "--endpoint", "GET /o*", "--format", "markdown")
    assert told.stdout.startswith("## GET /orders\n\n100 requests · 26 queries each")
    assert "saves at most 12 ms of each request" in told.stdout
    assert "| `app/orders.py:12` |" in told.stdout
    assert "JOIN customer ON customer.id = orders.customer" in told.stdout


def test_a_budget_exceeded_fails_and_json_has_the_requests_whole(shop: Path, tmp_path: Path) -> None:
    config = tmp_path / "pgadvisor.toml"
    config.write_text('[[endpoints]]\npattern = "GET *"\nqueries = 20\nms = 200\n', encoding="utf-8")
    done = pgadvisor(
        "endpoints", shop, "--planner", "none", "--config", config, "--fail-on", "error", "--format", "json"
    )
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert [each["rule"] for each in report["findings"]] == ["budget-exceeded", "n-plus-one"]
    assert report["findings"][0]["message"] == "requests take 26 queries (p95; the budget is 20)"
    (seen,) = report["endpoints"]
    assert seen["seen"]["queries"] == {"mean": 26.0, "median": 26.0, "p95": 26.0, "most": 26.0}
    assert seen["seen"]["sent"][1]["runs"] == 2_500
    assert seen["seen"]["typical"]["steps"][1]["line"] == "app/orders.py:12"


def test_what_cannot_be_told_is_said_in_a_sentence(shop: Path, tmp_path: Path) -> None:
    assert_refused(pgadvisor("endpoints", shop, "--endpoint", "GET /x", "--planner", "none"), "GET /x", "GET /orders")
    without = tmp_path / "without.pgsnap"
    write_snapshot(without, snapshot_of(Example(sql="SELECT 1")))
    assert_refused(pgadvisor("endpoints", without, "--planner", "none"), "no log", "--log FILE")
    config = tmp_path / "pgadvisor.toml"
    config.write_text('[[endpoints]]\npattern = "GET *"\nquery = 20\n', encoding="utf-8")
    assert_refused(pgadvisor("endpoints", shop, "--config", config), "pgadvisor.toml", "query")
    for fault, words in (("", "allows everything"), ("ms = -1", "below 0")):
        config.write_text(f'[[endpoints]]\npattern = "GET *"\n{fault}\n', encoding="utf-8")
        assert_refused(pgadvisor("endpoints", shop, "--config", config), words)
    config.write_text('[[endpoints]]\npattern = "GET /order"\nms = 1\n', encoding="utf-8")
    for command in ("endpoints", "audit"):
        done = pgadvisor(command, shop, "--config", config, "--planner", "none")
        assert 'no endpoint is called "GET /order", so its budget was not looked at' in done.stderr
    page = pgadvisor("audit", shop, "--planner", "none", "--format", "html").stdout
    assert "<span>GET /orders</span>" in page and "<span>GET /orders</span> · <span>GET /orders</span>" not in page


def test_a_redacted_story_names_nothing_of_the_shop(shop: Path, tmp_path: Path) -> None:
    options = ("--planner", "none", "--redact", "--format", "json", "--quiet")
    done = pgadvisor("endpoints", shop, *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["endpoints"][0]["seen"]["sent"][1]["runs"] == 2_500
    assert not [word for word in ("orders", "customer", "app/") if word in json.dumps(report)]
