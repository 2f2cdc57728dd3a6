-- A database with every kind of column statistics, index and kinship between tables, small enough to be made in a test.
CREATE TYPE mood AS ENUM ('glad', 'calm', 'sad');
CREATE DOMAIN amount AS numeric(12, 2);
CREATE DOMAIN fee AS amount CHECK (value >= 0);
CREATE TYPE place AS (country text, city text);

CREATE TABLE "Kunden-Liste" (
    id bigint PRIMARY KEY,
    "Straße" text,
    name character varying(40) NOT NULL,
    mail text NOT NULL,
    feeling mood,
    due fee,
    tags text[],
    spots integer[],
    prefs jsonb,
    words tsvector,
    stay daterange,
    home place,
    code character(3),
    net inet,
    secret uuid,
    seen timestamptz,
    lazy boolean,
    gone date
);
INSERT INTO "Kunden-Liste"
SELECT i, 'Gäßchen ' || i % 700, 'n' || i % 4000, 'User' || i || '@Example.org',
       (CASE WHEN i % 10 < 7 THEN 'glad' WHEN i % 10 < 9 THEN 'calm' ELSE 'sad' END)::mood,
       (i * 7919 % 100000)::numeric / 100,
       ARRAY['t' || i % 11, 't' || i % 37, E'q"\\''{,}' || i % 3],
       ARRAY[i % 5, i % 50, i % 500],
       jsonb_build_object('theme', (ARRAY['dark', 'light'])[1 + i % 2], 'size', i % 60),
       to_tsvector('simple', 'word' || i % 20 || ' common rare' || i % 900),
       CASE WHEN i % 20 = 0 THEN 'empty'::daterange ELSE daterange('2024-01-01'::date + i % 300, '2024-01-10'::date + i % 300 + i % 30) END,
       (CASE WHEN i % 3 = 0 THEN 'DE' ELSE 'FR' END, 'c' || i % 40)::place,
       (ARRAY['EUR', 'USD', 'CHF'])[1 + i % 3],
       ('10.0.' || i % 200 || '.' || i % 250)::inet,
       md5(i::text)::uuid,
       '2024-01-01'::timestamptz + i * interval '7 minutes',
       i % 33 = 0,
       CASE WHEN i % 17 = 0 THEN '2024-05-01'::date + i % 90 END
FROM generate_series(1, 20000) AS i;
CREATE INDEX ON "Kunden-Liste" (lower(mail));
CREATE INDEX ON "Kunden-Liste" (seen DESC) WHERE gone IS NULL;
CREATE INDEX ON "Kunden-Liste" (name, due) INCLUDE (code);
CREATE INDEX ON "Kunden-Liste" (feeling, seen);
CREATE INDEX ON "Kunden-Liste" USING gin (tags);
CREATE INDEX ON "Kunden-Liste" USING gin (prefs jsonb_path_ops);
CREATE INDEX ON "Kunden-Liste" USING gin (to_tsvector('simple', "Straße"));
CREATE INDEX ON "Kunden-Liste" USING gin (words);
CREATE INDEX ON "Kunden-Liste" USING gist (stay);
CREATE INDEX ON "Kunden-Liste" USING brin (seen);
CREATE INDEX ON "Kunden-Liste" USING hash (secret);
CREATE STATISTICS alike (ndistinct, dependencies, mcv) ON name, "Straße", code FROM "Kunden-Liste";

CREATE TABLE reading (id bigint, sensor integer NOT NULL, at timestamptz NOT NULL, value double precision)
    PARTITION BY RANGE (at);
CREATE TABLE reading_1 PARTITION OF reading FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE reading_2 PARTITION OF reading FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE reading_rest PARTITION OF reading DEFAULT;
CREATE INDEX ON reading (sensor, at);
INSERT INTO reading SELECT i, (i * i) % 97, '2024-01-01'::timestamptz + i * interval '7 minutes', i % 1000
FROM generate_series(1, 20000) AS i;

CREATE TABLE event (id integer PRIMARY KEY, kind text, note text);
CREATE TABLE event_old (archived date) INHERITS (event);
INSERT INTO event SELECT i, 'k' || i % 5, md5(i::text) FROM generate_series(1, 3000) AS i;
INSERT INTO event_old SELECT i, 'old' || i % 50, md5(i::text), '2020-01-01' FROM generate_series(3001, 12000) AS i;
CREATE INDEX ON event_old (kind);

CREATE TABLE visit (
    id integer PRIMARY KEY, customer bigint REFERENCES "Kunden-Liste", twice integer GENERATED ALWAYS AS (id * 2) STORED
) WITH (fillfactor = 70);
INSERT INTO visit (id, customer) SELECT i, 1 + (i * i) % 20000 FROM generate_series(1, 30000) AS i;
CREATE INDEX ON visit (customer);

CREATE MATERIALIZED VIEW by_code AS SELECT code, count(*) AS many FROM "Kunden-Liste" GROUP BY code;
CREATE TABLE never (id integer PRIMARY KEY, state text);
INSERT INTO never SELECT i, 's' || i % 3 FROM generate_series(1, 5000) AS i;
CREATE TABLE nothing (id integer PRIMARY KEY);
CREATE TABLE later (id bigint PRIMARY KEY, at timestamptz, note text);
CREATE INDEX ON later (at);
INSERT INTO later SELECT i, '2024-01-01'::timestamptz + i * interval '1 minute', md5(i::text) FROM generate_series(1, 20000) AS i;
ANALYZE later;
INSERT INTO later SELECT i, '2024-01-01'::timestamptz + i * interval '1 minute', md5(i::text) FROM generate_series(20001, 26000) AS i;
SET enable_seqscan = off;
-- An index that nobody ever scanned is not asked for the ends of its column.
SELECT id FROM later WHERE at = '2024-01-02';
RESET enable_seqscan;
VACUUM ANALYZE "Kunden-Liste";
VACUUM ANALYZE reading;
VACUUM ANALYZE event;
ANALYZE event_old;
VACUUM ANALYZE visit;
ANALYZE by_code;
