"""The rules about what goes, is renamed, or fails, on many ways to write it: each fault is told once, by one rule."""

import pytest

from pgadvisor.advise.registry import gate_rules
from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.running import findings_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.finding import Severity

SCHEMA = """
CREATE TABLE users (id bigint PRIMARY KEY, name text, "Mixed" text, mood mood);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric(10,2));
CREATE SCHEMA shop; CREATE TABLE shop."Items" (id bigint PRIMARY KEY);
CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE VIEW names AS SELECT name FROM users;
CREATE MATERIALIZED VIEW totals AS SELECT sum(total) FROM orders; CREATE UNIQUE INDEX one ON totals (sum);
CREATE TABLE parts (id bigint, at date) PARTITION BY RANGE (at);
"""
FAULTS = [
    ('ALTER TABLE users DROP "Mixed"', {"drop-column"}),
    ("ALTER TABLE IF EXISTS ONLY public.users DROP COLUMN IF EXISTS name CASCADE", {"drop-column"}),
    ("DO $$ BEGIN ALTER TABLE users DROP COLUMN name; END $$", {"drop-column"}),
    ('DROP TABLE shop."Items"', {"drop-table"}),
    ("drop table if exists orders, users cascade", {"drop-table"}),
    ("DO $$ BEGIN IF true THEN DROP TABLE orders; END IF; END $$", {"drop-table"}),
    ("DROP VIEW names CASCADE", {"drop-view"}),
    ("DROP MATERIALIZED VIEW totals", {"drop-view"}),
    ("DROP VIEW names; CREATE VIEW names AS SELECT 1 AS name", {"drop-view"}),
    ('ALTER TABLE users RENAME COLUMN "Mixed" TO plain', {"rename-column"}),
    ("ALTER VIEW names RENAME COLUMN name TO full_name", {"rename-column"}),
    ('ALTER TABLE shop."Items" RENAME TO items', {"rename-table"}),
    ("ALTER VIEW names RENAME TO all_names", {"rename-table"}),
    ("ALTER MATERIALIZED VIEW totals SET SCHEMA shop", {"rename-table"}),
    ("ALTER TABLE users SET SCHEMA shop", {"rename-table"}),
    ("ALTER SCHEMA shop RENAME TO store", {"rename-table"}),
    ("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'", {"rename-enum-value"}),
    ("BEGIN; ALTER TYPE mood ADD VALUE 'fine'; INSERT INTO users (id, mood) VALUES (1, 'fine'); COMMIT",
     {"enum-value-used-at-once"}),
    ("TRUNCATE ONLY users", {"truncate"}),
    ("TRUNCATE users, orders CASCADE", {"truncate"}),
    ("VACUUM (FULL) users", {"vacuum-full"}),
    ("VACUUM FULL VERBOSE users, orders", {"vacuum-full"}),
    ("CLUSTER users", {"vacuum-full"}),
    ("CLUSTER", {"vacuum-full"}),
    ("REFRESH MATERIALIZED VIEW totals", {"refresh-not-concurrent"}),
    ("REFRESH MATERIALIZED VIEW totals WITH NO DATA", {"refresh-not-concurrent"}),
    ("ALTER TABLE users DISABLE TRIGGER ALL", {"disable-trigger"}),
    ("ALTER TABLE users SET TABLESPACE fast", {"set-tablespace"}),
    ("BEGIN; CREATE INDEX CONCURRENTLY i ON users (name); COMMIT", {"concurrent-in-transaction"}),
    ("BEGIN; DROP INDEX CONCURRENTLY i; COMMIT", {"concurrent-in-transaction"}),
    ("START TRANSACTION; REINDEX TABLE CONCURRENTLY users; END", {"concurrent-in-transaction"}),
    ("BEGIN; VACUUM users; COMMIT", {"concurrent-in-transaction"}),
    ("CREATE UNIQUE INDEX CONCURRENTLY i ON parts (id, at)", {"concurrent-on-partitioned-table"}),
    ("BEGIN; UPDATE users SET name = 'a' WHERE id = 1", {"uncommitted-transaction"}),
    ("BEGIN; BEGIN; UPDATE users SET name = 'a' WHERE id = 1; COMMIT", {"nested-transaction"}),
    ("DROP TYPE mood CASCADE", {"drop-cascade"}),
    ("DROP SCHEMA IF EXISTS shop CASCADE", {"drop-cascade"}),
    ("DROP DATABASE IF EXISTS store", {"drop-database"}),
    ("DROP FUNCTION fixed() CASCADE", {"drop-cascade"}),
    ("ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE", {"drop-cascade"}),
    ("ALTER TABLE users REPLICA IDENTITY NOTHING", {"replica-identity-lost"}),
]  # fmt: skip
HARMLESS = [
    "CREATE TABLE made (id int); DROP TABLE made",
    "CREATE TEMP TABLE users AS SELECT 1 AS id; TRUNCATE users; DROP TABLE users",
    "CREATE VIEW more AS SELECT 1 AS id; DROP VIEW more",
    "CREATE OR REPLACE VIEW names AS SELECT name FROM users",
    "BEGIN; DROP VIEW names; CREATE VIEW names AS SELECT id, name FROM users; COMMIT",
    "BEGIN; ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people; COMMIT",
    "ALTER INDEX one RENAME TO two",
    "ALTER TABLE users RENAME CONSTRAINT users_pkey TO users_pk",
    "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'fine' BEFORE 'ok'",
    "CREATE TYPE colour AS ENUM ('red'); ALTER TYPE colour RENAME VALUE 'red' TO 'blue'",
    "VACUUM (ANALYZE) users",
    "VACUUM",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY totals",
    "CREATE INDEX CONCURRENTLY i ON users (name)",
    "CREATE TABLE parts_1 PARTITION OF parts DEFAULT",
    "BEGIN; UPDATE users SET name = 'a' WHERE id = 1; COMMIT",
    "DO $$ BEGIN UPDATE users SET name = 'a' WHERE id = 1; COMMIT; END $$",
    "DROP FUNCTION fixed(); DROP TYPE colour; DROP SCHEMA shop",
    "DROP INDEX CONCURRENTLY i",
    "ALTER TABLE users REPLICA IDENTITY FULL",
    "BEGIN; ALTER TABLE users DISABLE TRIGGER ALL; ALTER TABLE users ENABLE TRIGGER ALL; COMMIT",
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE users; END $$",
]


def found_in(sql: str) -> list[str]:
    """The rules that find something, once for each finding; advice that is true of most statements here left out."""
    migrations = (migration_of("1.sql", SCHEMA, is_judged=False), migration_of("2.sql", sql))
    gate = GateFacts(migrations, version=16)
    steps = steps_of(migrations, version=16)
    rules = (each for each in gate_rules() if each.kind == "migration" and each.name != "lock-timeout-missing")
    found = {(each.rule, each.cause) for rule in rules for each in findings_of(rule, steps, gate)
             if each.severity is not Severity.INFO}  # fmt: skip
    return [rule for rule, _ in found]


@pytest.mark.parametrize(("sql", "rules"), FAULTS, ids=[each[0][:60] for each in FAULTS])
def test_each_fault_is_told_by_one_rule(sql: str, rules: set[str]) -> None:
    assert set(found_in(sql)) == rules


@pytest.mark.parametrize("sql", HARMLESS, ids=lambda each: each[:60])
def test_what_harms_nobody_is_left_alone(sql: str) -> None:
    assert found_in(sql) == []
