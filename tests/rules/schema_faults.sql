-- Each fault of a schema once, in `bad`, and its sound twin in `good`. PostgreSQL 15 and later.
CREATE SCHEMA bad;
CREATE SCHEMA good;
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 7::bigint';

CREATE TABLE bad.clock (id bigint PRIMARY KEY, at timestamp, until timestamp(3));
CREATE TABLE good.clock (id bigint PRIMARY KEY, at timestamptz);
CREATE TABLE bad.invoice (id bigint PRIMARY KEY, total money, amount double precision);
CREATE TABLE good.invoice (id bigint PRIMARY KEY, total numeric, amount numeric, temperature double precision);
CREATE TABLE bad.document (id bigint PRIMARY KEY, body json);
CREATE TABLE good.document (id bigint PRIMARY KEY, body jsonb);
CREATE TABLE bad.seen (id bigint PRIMARY KEY, session text);
INSERT INTO bad.seen SELECT i, gen_random_uuid()::text FROM generate_series(1, 10000) i;
CREATE TABLE good.seen (id bigint PRIMARY KEY, session text);
INSERT INTO good.seen SELECT i, CASE WHEN i % 3 = 0 THEN 'none' ELSE gen_random_uuid()::text END
    FROM generate_series(1, 10000) i;
CREATE TABLE bad.customer (id bigint PRIMARY KEY, phone1 text, phone2 text, phone3 text);
CREATE TABLE good.customer (id bigint PRIMARY KEY, phone1 text, phone2 text, q1 int, q2 int, q3 int);
CREATE TABLE bad.sales_2024 (id bigint PRIMARY KEY, day date);
CREATE TABLE bad.sales_2025 (id bigint PRIMARY KEY, day date);
CREATE TABLE bad.sales_2026 (id bigint PRIMARY KEY, day date);

CREATE TABLE bad.parent (id bigint PRIMARY KEY);
CREATE TABLE bad.link (
    id bigint PRIMARY KEY,
    parent_id integer CONSTRAINT one REFERENCES bad.parent CONSTRAINT two REFERENCES bad.parent
);
ALTER TABLE bad.link ADD CONSTRAINT later CHECK (id > 0) NOT VALID;
CREATE TABLE good.link (id bigint PRIMARY KEY CHECK (id > 0), parent_id bigint REFERENCES bad.parent);
CREATE TABLE bad.city (name text PRIMARY KEY);
CREATE TABLE bad.capital (country text) INHERITS (bad.city);
CREATE TABLE bad.ruled (id bigint PRIMARY KEY);
CREATE RULE nothing AS ON DELETE TO bad.ruled DO INSTEAD NOTHING;
CREATE VIEW good.ruled AS SELECT * FROM bad.ruled;
CREATE UNLOGGED TABLE bad.payment (id bigint PRIMARY KEY);
INSERT INTO bad.payment SELECT generate_series(1, 100);
CREATE UNLOGGED TABLE good.price_cache (id bigint PRIMARY KEY);
INSERT INTO good.price_cache SELECT generate_series(1, 100);
CREATE TABLE bad.long (id bigint PRIMARY KEY, a23456789_b23456789_c23456789_d23456789_e23456789_f23456789_123 text);
CREATE TABLE good.long (id bigint PRIMARY KEY, a23456789_b23456789_c23456789_d23456789_e23456789_f23456789_12 text);
CREATE FUNCTION bad.promote(who bigint) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT';
CREATE FUNCTION good.promote(who bigint) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = good, pg_temp AS 'SELECT';
CREATE TABLE bad.account (id bigint PRIMARY KEY, password text);
INSERT INTO bad.account SELECT i, 'secret' || i FROM generate_series(1, 500) i;
CREATE TABLE good.account (id bigint PRIMARY KEY, password text);
INSERT INTO good.account SELECT i, '$2b$12$' || md5(i::text) || left(md5(i::text), 21) FROM generate_series(1, 500) i;

CREATE TABLE bad.ticket (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
SELECT setval('bad.ticket_id_seq', 2100000000);
CREATE TABLE bad.note_of_ticket (id bigint PRIMARY KEY, ticket_id integer REFERENCES bad.ticket);
CREATE TABLE good.ticket (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
SELECT setval('good.ticket_id_seq', 21000);
CREATE TABLE good.cycle (id integer PRIMARY KEY);
CREATE SEQUENCE good.cycle_id_seq AS integer CYCLE OWNED BY good.cycle.id;
SELECT setval('good.cycle_id_seq', 2100000000);

CREATE TABLE bad.noisy (id bigint PRIMARY KEY) WITH (autovacuum_enabled = off);
INSERT INTO bad.noisy SELECT generate_series(1, 20000);
CREATE TABLE good.noisy (id bigint PRIMARY KEY);
INSERT INTO good.noisy SELECT generate_series(1, 20000);
CREATE TABLE bad.huge (id bigint PRIMARY KEY, note text);
CREATE TABLE good.huge (id bigint PRIMARY KEY, note text) WITH (autovacuum_vacuum_scale_factor = 0.005);
INSERT INTO bad.huge SELECT i FROM generate_series(1, 12000) i;
INSERT INTO good.huge SELECT i FROM generate_series(1, 12000) i;
UPDATE bad.huge SET note = 'x';
UPDATE good.huge SET note = 'x';
CREATE TABLE bad.token (id uuid DEFAULT gen_random_uuid() PRIMARY KEY);
INSERT INTO bad.token SELECT gen_random_uuid() FROM generate_series(1, 12000);
CREATE TABLE good.token (id uuid PRIMARY KEY);
INSERT INTO good.token SELECT lpad(to_hex(i), 32, '0')::uuid FROM generate_series(1, 12000) i;

CREATE TABLE bad.event (id bigint PRIMARY KEY, at timestamptz, user_id int, flag boolean, hollow int, tags text[],
    data jsonb, a int, b int, c int, d int, e int);
INSERT INTO bad.event
    SELECT i, now() - i * interval '1 minute', i % 2000, i % 2 = 0, CASE WHEN i % 50 = 0 THEN i END,
        ARRAY['t' || i % 900], jsonb_build_object('a', i), i, i, i, i, i FROM generate_series(1, 20000) i;
CREATE INDEX event_at_user_idx ON bad.event (at, user_id);
CREATE INDEX event_flag_idx ON bad.event (flag);
CREATE INDEX event_hollow_idx ON bad.event (hollow);
CREATE INDEX event_tags_idx ON bad.event (tags);
CREATE INDEX event_data_idx ON bad.event USING gin (data);
CREATE INDEX event_wide_idx ON bad.event (a, b, c, d, e);
CREATE TABLE good.event (id bigint PRIMARY KEY, at timestamptz, user_id int, flag boolean, hollow int, tags text[],
    data jsonb, a int, b int, c int, d int, e int);
INSERT INTO good.event SELECT * FROM bad.event;
CREATE INDEX event_at_user_idx ON good.event (user_id, at);
CREATE INDEX event_flag_idx ON good.event (flag) WHERE flag;
CREATE INDEX event_hollow_idx ON good.event (hollow) WHERE hollow IS NOT NULL;
CREATE INDEX event_tags_idx ON good.event USING gin (tags);
CREATE INDEX event_data_idx ON good.event USING gin (data jsonb_path_ops);
CREATE UNIQUE INDEX event_wide_idx ON good.event (a, b, c, d, e);

CREATE TABLE bad.note (id bigint PRIMARY KEY, owner_id bigint, is_public boolean);
INSERT INTO bad.note SELECT i, i % 5000, false FROM generate_series(1, 20000) i;
ALTER TABLE bad.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON bad.note USING (auth.uid() = owner_id) WITH CHECK (auth.uid() = owner_id);
CREATE POLICY shared ON bad.note FOR SELECT USING (is_public);
CREATE TABLE good.note (id bigint PRIMARY KEY, owner_id bigint, is_public boolean);
INSERT INTO good.note SELECT * FROM bad.note;
CREATE INDEX note_owner_idx ON good.note (owner_id);
ALTER TABLE good.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON good.note USING ((SELECT auth.uid()) = owner_id);
CREATE POLICY live ON good.note AS RESTRICTIVE USING (NOT is_public);

CREATE TABLE bad.gappy (at date) PARTITION BY RANGE (at);
CREATE TABLE bad.ending (at date) PARTITION BY RANGE (at);
CREATE TABLE good.gappy (at date) PARTITION BY RANGE (at);
CREATE TABLE good.ending (at date) PARTITION BY RANGE (at);
DO $$
DECLARE day date;
BEGIN
    FOR number IN 0..9 LOOP
        day := current_date + number - 4;
        EXECUTE format('CREATE TABLE good.gappy_%s PARTITION OF good.gappy FOR VALUES FROM (%L) TO (%L)',
            number, day, day + 1);
        EXECUTE format('CREATE TABLE good.ending_%s PARTITION OF good.ending FOR VALUES FROM (%L) TO (%L)',
            number, day, day + 1);
        IF number <> 7 THEN
            EXECUTE format('CREATE TABLE bad.gappy_%s PARTITION OF bad.gappy FOR VALUES FROM (%L) TO (%L)',
                number, day, day + 1);
        END IF;
        IF number < 4 THEN
            EXECUTE format('CREATE TABLE bad.ending_%s PARTITION OF bad.ending FOR VALUES FROM (%L) TO (%L)',
                number, day, day + 1);
        END IF;
    END LOOP;
END
$$;
CREATE TABLE bad.rest (n int) PARTITION BY RANGE (n);
CREATE TABLE bad.rest_1 PARTITION OF bad.rest FOR VALUES FROM (0) TO (100);
CREATE TABLE bad.rest_default PARTITION OF bad.rest DEFAULT;
INSERT INTO bad.rest SELECT generate_series(1, 3000);
CREATE TABLE good.rest (n int) PARTITION BY LIST (n);
CREATE TABLE good.rest_1 PARTITION OF good.rest FOR VALUES IN (1);
CREATE TABLE good.rest_default PARTITION OF good.rest DEFAULT;
INSERT INTO good.rest SELECT generate_series(1, 3000);
CREATE TABLE bad.parted (n int, user_id int, note text) PARTITION BY RANGE (n);
CREATE TABLE bad.parted_1 PARTITION OF bad.parted FOR VALUES FROM (0) TO (5000);
CREATE TABLE bad.parted_2 PARTITION OF bad.parted FOR VALUES FROM (5000) TO (10000);
CREATE TABLE bad.parted_3 PARTITION OF bad.parted FOR VALUES FROM (10000) TO (15000);
INSERT INTO bad.parted SELECT i, i % 700, repeat('x', 100) FROM generate_series(0, 14999) i;
CREATE INDEX parted_1_idx ON bad.parted_1 (user_id);
CREATE INDEX parted_2_idx ON bad.parted_2 (user_id);
CREATE TABLE good.parted (n int, user_id int, note text) PARTITION BY RANGE (n);
CREATE TABLE good.parted_1 PARTITION OF good.parted FOR VALUES FROM (0) TO (7000);
CREATE TABLE good.parted_2 PARTITION OF good.parted FOR VALUES FROM (7000) TO (15000);
INSERT INTO good.parted SELECT * FROM bad.parted;
CREATE INDEX parted_idx ON good.parted (user_id);

ANALYZE;
UPDATE pg_class SET reltuples = 8e7 WHERE oid IN ('bad.huge'::regclass, 'good.huge'::regclass);
UPDATE pg_class SET reltuples = 2e6 WHERE oid IN ('bad.token'::regclass, 'good.token'::regclass);
