-- A schema that has all that is hard to make again: what a twin is compared with its source on.
CREATE SCHEMA "Größe & more"; CREATE SCHEMA "select"; CREATE SCHEMA hidden;
CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore SCHEMA hidden;
CREATE TYPE "Größe & more"."mood's" AS ENUM ('sad', 'it''s ok', E'back\\slash', '日本');
CREATE TYPE state AS ENUM ('new', 'paid', 'sent');
CREATE TYPE hidden.state AS ENUM ('other');
CREATE DOMAIN hidden.paid_state AS state CHECK (VALUE <> 'new');
CREATE DOMAIN positive AS int NOT NULL CHECK (VALUE > 0);
CREATE DOMAIN c_text AS text COLLATE "C";
CREATE TYPE pair AS (a int, "B b" text, s hidden.paid_state);
CREATE TYPE money_range AS RANGE (subtype = numeric);
CREATE COLLATION hidden."My C" FROM "C";
CREATE FUNCTION fold(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT lower(value)';
CREATE FUNCTION hidden.twice(n int, by_how_much int DEFAULT 2) RETURNS int LANGUAGE plpgsql IMMUTABLE COST 7 AS $$ BEGIN RETURN n * by_how_much; END $$;
CREATE FUNCTION volatile_one() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION takes_row(r pair) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a';
CREATE AGGREGATE longest(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
CREATE SEQUENCE hidden."Seq" AS smallint;

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "E-Mail" varchar(255) NOT NULL UNIQUE,
    name text COLLATE "C", nick text COLLATE hidden."My C", code char(3), tiny "char", bits bit varying(12),
    state hidden.paid_state, other hidden.state[], mood "Größe & more"."mood's"[] DEFAULT '{}',
    amount numeric(12,2) DEFAULT 0 CHECK (amount >= 0), spent money_range, due int4range,
    at timestamptz(3) DEFAULT now(), span interval day to second, "both" pair, tags text[][], attributes jsonb, extra hidden.hstore,
    low text GENERATED ALWAYS AS (lower(name)) STORED, n int DEFAULT nextval('hidden."Seq"'), num serial, size positive DEFAULT 1, c c_text,
    CONSTRAINT "it's fine" CHECK (code <> 'a''b' AND amount < 1e9)
) WITH (fillfactor = 80, autovacuum_enabled = false);
CREATE INDEX ON customers (lower(name)); CREATE INDEX ON customers (fold(nick), hidden.twice(n));
CREATE INDEX part ON customers (at DESC NULLS LAST, id) INCLUDE (amount, code) WHERE state::state = 'paid' AND code IS NOT NULL;
CREATE INDEX opclass ON customers ("E-Mail" text_pattern_ops); CREATE INDEX coll ON customers (name COLLATE "POSIX" DESC);
CREATE INDEX gin ON customers USING gin (attributes jsonb_path_ops, tags) WITH (fastupdate = off); CREATE INDEX trgm ON customers USING gist (name gist_trgm_ops);
CREATE INDEX brin ON customers USING brin (at) WITH (pages_per_range = 4); CREATE INDEX hash ON customers USING hash (code);
CREATE INDEX spg ON customers USING spgist (due); CREATE UNIQUE INDEX "Ünique ""one""" ON customers (c, num) WITH (fillfactor = 70);
CREATE TEXT SEARCH DICTIONARY hidden."My dict" (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION hidden."My words" (COPY = english); ALTER TEXT SEARCH CONFIGURATION hidden."My words" ALTER MAPPING FOR asciiword WITH hidden."My dict";
CREATE INDEX words ON customers USING gin (to_tsvector('hidden."My words"', name));
CREATE INDEX roww ON customers (takes_row("both")); CREATE INDEX hst ON customers USING gin (extra);
CREATE STATISTICS customers_stats (dependencies, ndistinct) ON state, code FROM customers;
CREATE STATISTICS "Größe & more"."St Ä" (mcv) ON n, size FROM customers;

CREATE TABLE "Größe & more"."Tab""le" ("order" int, "sel ect" text, "Ümlaut" date NOT NULL, customer bigint REFERENCES customers ON DELETE CASCADE, PRIMARY KEY ("order", "sel ect"));
ALTER TABLE "Größe & more"."Tab""le" ADD CONSTRAINT "check it" CHECK ("order" > 0) NOT VALID;
CREATE TABLE "select"."table" ("user" int PRIMARY KEY, "from" int UNIQUE DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE "Größe & more"."Tab""le" ADD FOREIGN KEY ("order") REFERENCES "select"."table" NOT VALID;
CREATE UNLOGGED TABLE unlogged (id int, room int, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (room > 0));

CREATE TABLE events (id bigint, kind state, at timestamptz NOT NULL, payload jsonb, customer bigint REFERENCES customers, PRIMARY KEY (id, kind, at), CHECK (id > 0)) PARTITION BY LIST (kind);
CREATE TABLE events_new PARTITION OF events FOR VALUES IN ('new') PARTITION BY RANGE (at);
CREATE TABLE events_new_1 PARTITION OF events_new FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE events_new_2 PARTITION OF events_new FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE odd_order (payload jsonb, gone int, at timestamptz NOT NULL, kind state NOT NULL, id bigint NOT NULL, customer bigint, CONSTRAINT own CHECK (id < 1000), CONSTRAINT events_id_check CHECK (id > 0));
ALTER TABLE odd_order DROP COLUMN gone;
ALTER TABLE events_new ATTACH PARTITION odd_order DEFAULT;
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_at ON events (at, lower(payload ->> 'x')); CREATE INDEX only_here ON events_rest (customer);
CREATE TABLE hashed (id int, t text) PARTITION BY HASH (fold(t), id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);

CREATE TABLE parent (id int PRIMARY KEY, note text, CONSTRAINT inherited CHECK (id <> 13), CONSTRAINT alone CHECK (id <> 14) NO INHERIT);
CREATE TABLE child (extra int) INHERITS (parent); CREATE TABLE grandchild (more int) INHERITS (child);
CREATE INDEX ON child (note);

CREATE TABLE secured (id int PRIMARY KEY, tenant int); ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON secured USING (tenant = 1);
CREATE TABLE empty_one (); CREATE TABLE holds_row (r customers, id int);
CREATE MATERIALIZED VIEW summary AS SELECT state, count(*) AS n FROM customers GROUP BY state; CREATE UNIQUE INDEX ON summary (state);
CREATE VIEW z_view AS SELECT id, name, count(*) FROM customers GROUP BY id;
CREATE VIEW a_view WITH (security_barrier) AS SELECT * FROM z_view WHERE id > 1;
CREATE VIEW "select"."view" AS SELECT "user", fold('X') AS "Fold" FROM "select"."table";
CREATE VIEW of_summary AS SELECT s.*, longest(c.name) FROM summary AS s, customers AS c GROUP BY s.state, s.n;
