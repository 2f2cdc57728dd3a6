"""Advice on a planner twin of schemas as they are found: every kind of table, odd names, and statistics that lack."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest

from pgadvisor.advise.queries import read_queries
from pgadvisor.cli.planning import PlannerChoice, planner_on
from pgadvisor.cli.source import SourceOptions
from pgadvisor.cli.workload import read_statements, with_workload
from pgadvisor.facts import Facts
from pgadvisor.model.advice import IndexAdvice
from pgadvisor.model.catalog import Column, ColumnStatistics, Table
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.twin_statements import draw_statements
from pgadvisor.selection.advise import advise_indexes
from pgadvisor.selection.wishes import Wishes
from tests.fix_servers import Server, create_database, drop_database
from tests.planner.fix_twin_schema import collected, execute

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, total int, note text);
CREATE INDEX orders_total ON orders (total);
CREATE INDEX orders_total_note ON orders (total, note);
CREATE TABLE counters (id int PRIMARY KEY, hits int NOT NULL, page text);
CREATE TABLE events (id int NOT NULL, at timestamptz NOT NULL, kind int) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-06-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-06-01') TO ('2027-01-01');
CREATE TABLE visits (id int NOT NULL, at timestamptz NOT NULL, kind int) PARTITION BY RANGE (at);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX visits_kind ON visits (kind);
CREATE SCHEMA "Größen";
CREATE TABLE "Größen"."Die ""Straße"" 1" (id int PRIMARY KEY, "Länge; DROP" int, "select" text);
CREATE TABLE secrets (id int PRIMARY KEY, owner text, body text);
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets USING (owner = current_user);
CREATE VIEW customer_orders AS SELECT o.id, o.note, c.email FROM orders o JOIN customers c ON c.id = o.customer_id;
CREATE TABLE people (id int PRIMARY KEY, mail text, mail_lower text GENERATED ALWAYS AS (lower(mail)) STORED);
CREATE UNLOGGED TABLE cache (id int PRIMARY KEY, token text);
CREATE TABLE places (id int PRIMARY KEY, city int);
CREATE TABLE capitals (PRIMARY KEY (id), country int) INHERITS (places);
CREATE TABLE fresh (id int PRIMARY KEY, code int);
CREATE TABLE shapes (id int PRIMARY KEY, area text, code int);
CREATE TABLE tiny (id int PRIMARY KEY, code int);
"""
WIDE = f"CREATE TABLE wide ({', '.join(f'c{number} int' for number in range(1600))})"
WORKLOAD = """
-- name: by_customer freq: 500
SELECT id, note FROM orders WHERE customer_id = 17;
-- name: by_total freq: 100
SELECT id FROM orders WHERE total = 17;
-- name: by_both freq: 100
SELECT id FROM orders WHERE total = 17 AND note = 'x';
-- name: hit freq: 500000
UPDATE counters SET hits = hits + 1 WHERE id = 17;
-- name: hits freq: 1
SELECT page FROM counters WHERE hits = 17;
-- name: new_order freq: 2000
INSERT INTO orders (id, customer_id, total, note) VALUES (1, 2, 3, 'x');
-- name: events freq: 100
SELECT id FROM events WHERE kind = 17;
-- name: visits freq: 100
SELECT id FROM visits WHERE kind = 17;
-- name: new_visit freq: 1000
INSERT INTO visits VALUES (1, '2026-02-02', 3);
-- name: quoted freq: 100
SELECT "select" FROM "Größen"."Die ""Straße"" 1" WHERE "Länge; DROP" = 17;
-- name: secret freq: 100
SELECT body FROM secrets WHERE owner = 'x';
-- name: view freq: 100
SELECT id FROM customer_orders WHERE email = 'x';
-- name: generated freq: 100
SELECT id FROM people WHERE mail_lower = 'x';
-- name: unlogged freq: 100
SELECT id FROM cache WHERE token = 'x';
-- name: inherited freq: 100
SELECT id FROM places WHERE city = 17;
-- name: wide freq: 100
SELECT c1 FROM wide WHERE c1599 = 17;
-- name: fresh freq: 100
SELECT id FROM fresh WHERE code = 17;
-- name: shape freq: 100
SELECT id FROM shapes WHERE code = 17;
-- name: tiny freq: 100
SELECT id FROM tiny WHERE code = 17;
-- name: gone freq: 100
SELECT id FROM no_such_table WHERE code = 17;
"""
ROWS, FEW_ROWS = 200_000, 50


class Advised(NamedTuple):
    """Advice with what it was made of."""

    advice: IndexAdvice
    snapshot: Snapshot

    def definitions(self, table: str) -> list[str]:
        """Of the advised indexes of a table."""
        return [each.definition for each in self.advice.create if each.table == table]

    def key(self, name: str) -> str:
        """`Statement.key` by the name in the workload."""
        return next(each.key for each in self.snapshot.statements if each.name == name)


@pytest.fixture(scope="module")
def source(server: Server) -> Iterator[Snapshot]:
    """The schema as it is collected, with rows and statistics that nobody ever had."""
    dsn = create_database(server, "odd")
    execute(dsn, SCHEMA, WIDE)
    found = collected(dsn)
    drop_database(server, dsn)
    snapshot = with_workload(found, read_statements(WORKLOAD))
    yield msgspec.structs.replace(snapshot, tables=tuple(map(filled, snapshot.tables)))


@pytest.fixture(scope="module")
def advised(source: Snapshot) -> Advised:
    return advised_on(source)


def advised_on(snapshot: Snapshot, **wishes: object) -> Advised:
    facts = Facts(snapshot, read_queries(snapshot)[0])
    wished = Wishes(workload_is_given=True, **wishes)  # type: ignore[arg-type]
    with planner_on(snapshot, PlannerChoice(options=SourceOptions(quiet=True))) as ready:
        drawn = draw_statements(ready.prepare, ready.planner, snapshot)
        return Advised(advise_indexes(facts, ready.planner, drawn, wished), snapshot)


def filled(table: Table) -> Table:
    """As if it had rows; `fresh` was never analyzed, `shapes` has a column of a type that no twin can have."""
    if table.kind == "partitioned table":
        return table
    columns = table.columns
    if table.name == "shapes":
        columns = tuple(_stranger(each) if each.name == "area" else each for each in columns)
    if table.name != "fresh":
        columns = tuple(msgspec.structs.replace(each, statistics=_seen(each)) for each in columns)
    rows = FEW_ROWS if table.name == "tiny" else ROWS
    pages = rows // 50
    return msgspec.structs.replace(
        table,
        rows=float(rows),
        pages=pages,
        heap_bytes=pages * 8192,
        total_bytes=pages * 8192,
        columns=columns,
        indexes=tuple(
            msgspec.structs.replace(
                each, rows=float(rows), pages=2 + pages // 7, size_bytes=(2 + pages // 7) * 8192, scans=0
            )
            for each in table.indexes
        ),
    )


def _stranger(column: Column) -> Column:
    return msgspec.structs.replace(column, type="geometry", type_schema="public")


def _seen(column: Column) -> ColumnStatistics:
    is_number = column.type == "integer"
    bounds = [str(number) if is_number else f"{number:05}" for number in range(0, 20_001, 200)]
    return ColumnStatistics(
        null_fraction=0.0, average_width_bytes=4 if is_number else 12, n_distinct=20_000.0, correlation=0.01,
        histogram_bounds=tuple(bounds) if column.type in ("integer", "text") else None,
    )  # fmt: skip


def test_a_missing_index_is_found(advised: Advised) -> None:
    (found,) = [each for each in advised.definitions("public.orders") if "(customer_id" in each]
    index = next(each for each in advised.advice.create if each.definition == found)
    assert index.helps[0].statement == advised.key("by_customer")
    assert index.sql.startswith("CREATE INDEX CONCURRENTLY") and index.gain > 0 and index.size_bytes
    assert index.comparison is not None
    assert index.name in {node.index for node in index.comparison.after.root.walk()}


def test_a_redundant_index_is_dropped_and_the_wider_one_kept(advised: Advised) -> None:
    assert "public.orders_total" in {each.name for each in advised.advice.drop}
    assert "public.orders_total_note" not in {each.name for each in advised.advice.drop}
    dropped = next(each for each in advised.advice.drop if each.name == "public.orders_total")
    assert "orders_total_note" in str(dropped.replaced_by) and "CONCURRENTLY" in dropped.sql


def test_hot_updates_are_kept(advised: Advised) -> None:
    assert not advised.definitions("public.counters")


def test_an_index_of_a_partitioned_table_is_built_partition_by_partition(advised: Advised) -> None:
    (index,) = [each for each in advised.advice.create if each.table == "public.events"]
    assert "ON ONLY public.events" in index.sql and index.sql.count("ATTACH PARTITION") == 2
    assert index.sql.count("CREATE INDEX CONCURRENTLY") == 2
    assert index.size_bytes and index.size_bytes > 2 * 8192


def test_an_index_of_a_partitioned_table_is_kept_where_plans_use_its_parts(advised: Advised) -> None:
    assert "public.visits_kind" not in {each.name for each in advised.advice.drop}
    kept = next(each for each in advised.advice.keep if each.name == "public.visits_kind")
    assert kept.statements == (advised.key("visits"),)


def test_odd_names_are_quoted(advised: Advised) -> None:
    (found,) = advised.definitions('Größen.Die "Straße" 1')
    assert 'ON "Größen"."Die ""Straße"" 1" ("Länge; DROP")' in found


@pytest.mark.parametrize(
    ("table", "name", "key"),
    [
        ("public.secrets", "secret", "owner"),
        ("public.people", "generated", "mail_lower"),
        ("public.cache", "unlogged", "token"),
        ("public.wide", "wide", "c1599"),
        ("public.shapes", "shape", "code"),
        ("public.fresh", "fresh", "code"),
    ],
)
def test_every_kind_of_table_gets_its_index(advised: Advised, table: str, name: str, key: str) -> None:
    if advised.key(name) in dict(advised.advice.left_out):
        pytest.fail(dict(advised.advice.left_out)[advised.key(name)])
    assert any(f"({key}" in each for each in advised.definitions(table)), advised.definitions(table)


def test_a_view_is_seen_through(advised: Advised) -> None:
    effect = next(each for each in advised.advice.statements if each.statement == advised.key("view"))
    assert effect.ratio < 0.1
    assert any("(email" in each for each in advised.definitions("public.customers"))


def test_each_table_of_an_inheritance_has_indexes_of_its_own(advised: Advised) -> None:
    assert all("ONLY" not in each for each in advised.definitions("public.places"))


def test_a_table_that_was_never_analyzed_is_doubted(advised: Advised) -> None:
    assert advised.advice.guessed == ("public.fresh",)


def test_a_statement_that_cannot_be_planned_is_left_out(advised: Advised) -> None:
    assert advised.key("gone") in dict(advised.advice.left_out)
    assert advised.advice.considered == len(advised.snapshot.statements) - 1


def test_no_index_is_advised_for_a_page_of_rows(advised: Advised) -> None:
    assert not advised.definitions("public.tiny")


def test_every_advised_index_is_used_by_a_plan(advised: Advised) -> None:
    for each in advised.advice.create:
        assert each.helps, each.definition


def test_without_statistics_the_advice_is_doubted_and_not_invented(source: Snapshot) -> None:
    def bare(table: Table) -> Table:
        columns = tuple(msgspec.structs.replace(each, statistics=None) for each in table.columns)
        return msgspec.structs.replace(table, columns=columns)

    found = advised_on(msgspec.structs.replace(source, tables=tuple(map(bare, source.tables)), keeps_values=False))
    assert any("Nothing is known of the values of" in each for each in found.advice.doubts)
    assert all(each.helps for each in found.advice.create)


def test_nothing_is_advised_where_nothing_helps(source: Snapshot) -> None:
    only = tuple(each for each in source.statements if each.name in ("hit", "tiny"))
    found = advised_on(msgspec.structs.replace(source, statements=only))
    assert not found.advice.create and found.advice.considered == 2
    if not found.advice.drop:
        assert found.advice.nothing_because


def test_the_same_input_gives_the_same_bytes(source: Snapshot, advised: Advised) -> None:
    assert msgspec.json.encode(advised_on(source).advice) == msgspec.json.encode(advised.advice)
