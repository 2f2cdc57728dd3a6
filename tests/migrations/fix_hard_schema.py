"""A schema that is hard to write migrations for, and indexes to create and to drop in it."""

from collections.abc import Sequence

import psycopg

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.model.advice import AdvisedIndex, DroppedIndex
from tests.migrations.make import advised, builds, dropped, expression, facts_of, key
from tests.rules.fix_audited import execute

SCHEMA = """
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, status text, created_at timestamptz, total numeric,
    tags text[], data jsonb, note varchar(80), price_range int4range);
CREATE UNIQUE INDEX orders_note_idx ON orders (note, total DESC NULLS LAST) INCLUDE (status) WHERE note LIKE '50%';
CREATE INDEX orders_tags_idx ON orders USING gin (tags) WITH (fastupdate = off);
CREATE INDEX orders_lower_idx ON orders (lower(note) text_pattern_ops, created_at);
CREATE SCHEMA "Mein Schema";
CREATE TABLE "Mein Schema"."Aufträge 100%" (id int PRIMARY KEY, "select" text, "Größe (cm)" int, "a:b" int,
    "say ""hi"", 'x'" text, lower int);
CREATE INDEX "alt; DROP" ON "Mein Schema"."Aufträge 100%" ("Größe (cm)" DESC, "a:b");
CREATE TABLE events (id bigint, at date NOT NULL, kind text, payload jsonb) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind);
CREATE TABLE events_2026_a PARTITION OF events_2026 FOR VALUES IN ('a');
CREATE TABLE "events_2026 Rest" PARTITION OF events_2026 DEFAULT;
CREATE INDEX events_id_idx ON events (id);
INSERT INTO orders SELECT i, i % 7, 'open', now(), i, '{a}', '{"a": 1}', i || '%' FROM generate_series(1, 100) i;
INSERT INTO events SELECT i, '2025-06-01'::date + i, 'a', '{}' FROM generate_series(1, 400) i;
"""
HARD, TABLE = "Mein Schema", "Aufträge 100%"
CANDIDATES = (
    Candidate(schema="public", table_name="orders", keys=(key("user_id"), key("created_at", descending=True))),
    Candidate(
        schema="public",
        table_name="orders",
        keys=(key("user_id"),),
        included=("total",),
        predicate="status = 'it''s 100% :open \\ ''' AND note <> '12:30'",
        predicate_columns=("status", "note"),
    ),
    Candidate(
        schema="public",
        table_name="orders",
        keys=(key("user_id"),),
        predicate="status <> '%(x)s %% é'::text",
        predicate_columns=("status",),
    ),
    Candidate(schema="public", table_name="orders", keys=(key("note", "varchar_pattern_ops"), key("status"))),
    Candidate(
        schema="public", table_name="orders", keys=(key("note", "gin_trgm_ops"),), method="gin", extension="pg_trgm"
    ),
    Candidate(schema="public", table_name="orders", keys=(key("data", "jsonb_path_ops"),), method="gin"),
    Candidate(schema="public", table_name="orders", keys=(key("created_at"),), method="brin"),
    Candidate(schema="public", table_name="orders", keys=(key("price_range"),), method="gist"),
    Candidate(schema="public", table_name="orders", keys=(key("status"),), method="hash"),
    Candidate(
        schema="public",
        table_name="orders",
        keys=(expression("((data ->> 'a, (b'))", "data"), expression("(total % 10)", "total")),
    ),
    Candidate(
        schema="public", table_name="orders", keys=(expression("((data -> 'x:y' ->> ':z'))", "data"), key("status"))
    ),
    Candidate(schema=HARD, table_name=TABLE, keys=(key("select"), key("Größe (cm)"))),
    Candidate(schema=HARD, table_name=TABLE, keys=(key("a:b", descending=True), key("say \"hi\", 'x'"))),
    Candidate(schema=HARD, table_name=TABLE, keys=(key("Größe (cm)"),), included=("say \"hi\", 'x'",)),
    Candidate(schema=HARD, table_name=TABLE, keys=(key("lower"),)),
    Candidate(schema="public", table_name="events", keys=(key("kind"), key("at")), predicate="kind <> 'a%'"),
    Candidate(
        schema="public", table_name="events", keys=(expression("lower(kind)", "kind", "lower"),), predicate="id > 5"
    ),
)
DROPPED = ("orders_note_idx", "orders_tags_idx", "orders_lower_idx", "alt; DROP", "events_id_idx")


def advice(dsn: str) -> tuple[Sequence[AdvisedIndex], Sequence[DroppedIndex]]:
    """Fills the empty database, and advises on it."""
    execute(dsn, SCHEMA)
    facts = facts_of(dsn)
    creates = [advised(index, made) for index, made in zip(CANDIDATES, builds(facts, CANDIDATES), strict=True)]
    return creates, [dropped(facts, name) for name in DROPPED]


def indexes(dsn: str) -> set[tuple[str, bool, str | None]]:
    """Every index of the users: its definition, whether it is valid, the index it is attached to."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            """SELECT pg_get_indexdef(i.indexrelid), i.indisvalid, h.inhparent::regclass::text
               FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_inherits h ON h.inhrelid = c.oid
               WHERE c.relnamespace::regnamespace::text NOT LIKE 'pg\\_%' AND c.relname NOT LIKE 'alembic%'
                 AND c.relname NOT LIKE 'django%'"""
        ).fetchall()
    return {(row[0], row[1], row[2]) for row in found}
