"""The plan gate on a real workload: harm must be found and harmless migrations left alone, and how long it all takes.

    python benchmarks/gate_plans.py SNAPSHOT WORKLOAD     the cases, on a snapshot of the webapp database
    python benchmarks/gate_plans.py --scale               1,000 statements on 200 tables

The snapshot is made by `pgadvisor snapshot DSN --keep-values -o FILE`. The database has primary keys alone: the indexes
of INDEXES are put into the snapshot, each as big as the twin makes it.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import psycopg
from msgspec.structs import replace

from pgadvisor.advise.examples import snapshot_of
from pgadvisor.advise.registry import gate_rules
from pgadvisor.cli.workload import with_workload, workload_of
from pgadvisor.collect.file import read_snapshot
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.judge import judge
from pgadvisor.gate.plans import plan_changes
from pgadvisor.gate.schema_after import snapshot_after
from pgadvisor.gate.schema_change import SchemaChange
from pgadvisor.model.catalog import Index
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.waiver import Terms
from pgadvisor.planner.twin import Twin
from pgadvisor.rule import Example, table

LIMIT_S = 30.0
INDEXES = """
CREATE INDEX users_lower_email ON users (lower(email));
CREATE INDEX sessions_token ON sessions (token);
CREATE INDEX orders_user ON orders (user_id, created_at);
CREATE INDEX order_items_order ON order_items (order_id);
CREATE INDEX addresses_user ON addresses (user_id);
CREATE INDEX products_sku ON products (tenant_id, sku);
CREATE INDEX events_tenant_at ON events (tenant_id, created_at);
CREATE INDEX comments_post ON comments (post_id);
CREATE INDEX payments_order ON payments (order_id);
"""
CASES = {
    "a used index is dropped": ("DROP INDEX CONCURRENTLY sessions_token;", {"plan-regression"}),
    "a type loses an index": ("ALTER TABLE orders ALTER COLUMN id TYPE numeric;", {"index-no-longer-usable"}),
    "a queried column is renamed": ("ALTER TABLE users RENAME COLUMN email TO mail;", {"statement-breaks"}),
    "a queried table is dropped": ("DROP TABLE sessions;", {"statement-breaks"}),
    "a column's type breaks": ("ALTER TABLE users ALTER COLUMN id TYPE text;", {"statement-breaks"}),
    "a useless index": ("CREATE INDEX CONCURRENTLY ON orders (note);", {"new-index-unused"}),
    "a second index": ("CREATE INDEX CONCURRENTLY ON comments (post_id);", {"new-index-redundant"}),
    "a useful index": ("CREATE INDEX CONCURRENTLY ON payments USING hash (provider_ref);", {"plan-improvement"}),
    "harmless: columns": (
        "ALTER TABLE users ADD COLUMN nick text; ALTER TABLE users ALTER COLUMN name TYPE varchar(300);"
        " ALTER TABLE orders ALTER COLUMN note SET DEFAULT '';",
        set(),
    ),
    "harmless: a table": (
        "CREATE TABLE tags (id int PRIMARY KEY, post_id int REFERENCES posts (id), name text);"
        " CREATE INDEX ON tags (post_id); CREATE INDEX ON tags (name);",
        set(),
    ),
    "harmless: constraints and names": (
        "ALTER TABLE orders ADD CONSTRAINT positive CHECK (total >= 0) NOT VALID;"
        " ALTER INDEX orders_user RENAME TO orders_by_user; ALTER TABLE jobs ADD UNIQUE (queue, id);"
        " COMMENT ON TABLE users IS 'people';",
        set(),
    ),
}


def main() -> int:
    """Prints what each case gave as JSON; 1 when one is not as it should be, or too slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("snapshot", type=Path, nargs="?")
    parser.add_argument("workload", type=Path, nargs="?")
    parser.add_argument("--scale", action="store_true")
    options = parser.parse_args()
    if options.scale:
        rows = [_case(_large(), "scale", HARM, HARM_RULES)]
    elif options.snapshot and options.workload:
        snapshot = with_indexes(read_snapshot(options.snapshot), INDEXES)
        snapshot = with_workload(snapshot, workload_of(options.workload))
        rows = [_case(snapshot, name, sql, rules) for name, (sql, rules) in CASES.items()]
    else:
        parser.error("give a snapshot and a workload, or --scale")
    print(json.dumps(rows, indent=1))
    return int(any(row["wrong"] or row["seconds"] > LIMIT_S for row in rows))


def _case(snapshot: Snapshot, name: str, sql: str, expected: set[str]) -> dict[str, object]:
    started = time.perf_counter()
    rules = tuple(rule for rule in gate_rules() if rule.kind == "change")
    migrations = [migration_of("change.sql", sql)]
    plans = plan_changes(snapshot, migrations)
    terms = Terms(today=snapshot.collected_at.date(), rules={}, rules_run=frozenset())
    report = judge(migrations, rules, terms, snapshot=snapshot, now=snapshot.collected_at, plans=plans)
    seconds = round(time.perf_counter() - started, 1)
    found = {each.rule for each in report.findings}
    return {
        "case": name,
        "found": [f"{each.rule}: {each.message}" for each in report.findings],
        "wrong": sorted(expected - found) + sorted(found - expected - {"plan-improvement"}),
        "planned": plans.changes.planned,
        "seconds": seconds,
    }


def with_indexes(snapshot: Snapshot, ddl: str) -> Snapshot:
    """The snapshot as if it had these indexes, each with the size that the twin gives it."""
    change = SchemaChange([migration_of("indexes.sql", ddl)], snapshot)
    with Twin(snapshot, change=change) as twin, twin.connect() as owner:
        after = snapshot_after(snapshot, change)
        tables = tuple(
            replace(each, indexes=tuple(_sized(owner, index) for index in each.indexes)) for each in after.tables
        )
    return replace(after, tables=tables)


def _sized(owner: psycopg.Connection[tuple[int, float]], index: Index) -> Index:
    if index.size_bytes is not None:
        return index
    row = owner.execute(
        "SELECT pg_catalog.pg_relation_size(c.oid), c.reltuples FROM pg_catalog.pg_class AS c"
        " WHERE c.oid = pg_catalog.to_regclass(%s)",
        (f'"{index.schema}"."{index.name}"',),
    ).fetchone()
    assert row is not None
    return replace(index, size_bytes=row[0], pages=row[0] // 8192, rows=row[1])


TABLES = 200
QUERIES = (
    "SELECT * FROM t{at} WHERE c0 = $1",
    "SELECT a.id, b.name FROM t{at} a JOIN t{next} b ON b.c0 = a.c1 WHERE a.id = $1",
    "UPDATE t{at} SET c3 = $1 WHERE id = $2",
    "SELECT count(*) FROM t{at} WHERE c1 = $1 AND c2 > $2",
    "SELECT * FROM t{at} a JOIN t{next} b ON b.id = a.c4 WHERE a.c1 = $1 ORDER BY a.c2 LIMIT 10",
)
HARM = """DROP INDEX t3_c0; ALTER TABLE t5 RENAME COLUMN c1 TO d1; CREATE INDEX ON t29 (c9);
ALTER TABLE t9 ADD COLUMN x int; ALTER TABLE t11 ALTER COLUMN name TYPE varchar(9000);"""
HARM_RULES = {"plan-regression", "statement-breaks", "new-index-unused"}


def _large() -> Snapshot:
    tables = tuple(
        table(
            f"t{at}",
            columns={**{f"c{each}": "bigint" for each in range(12)}, "name": "text"},
            indexes={f"t{at}_c0": "c0", f"t{at}_c1": "c1, c2"},
            rows=1e5 * (1 + at % 30),
        )
        for at in range(TABLES)
    )
    other = tuple(
        (text.format(at=at, next=(at * 7 + 1) % TABLES), 100 + at, 5.0) for at in range(TABLES) for text in QUERIES
    )
    return snapshot_of(Example(other=other, tables=tables))


if __name__ == "__main__":
    sys.exit(main())
