CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN plain_text AS text;
CREATE DOMAIN short_text AS text CHECK (length(value) < 100);
CREATE FUNCTION steady() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION dice() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT (random() * 6)::integer';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
CREATE TABLE users (
    id bigint PRIMARY KEY, name text, email varchar(50), age integer, score numeric(10, 2), order_id bigint,
    address cidr, at timestamp(3), zoned timestamptz(3), lasting interval(3), mood mood, nick citext, code char(5),
    tags varchar(10)[], kind plain_text, flag boolean NOT NULL DEFAULT true, bits varbit(5), city text, doubled integer
    GENERATED ALWAYS AS (age * 2) STORED, checked varchar(20) CHECK (checked <> ''), counted integer, day date,
    seen time(3), small smallint, price integer, viewed integer
);
CREATE INDEX users_email_idx ON users (email);
CREATE INDEX users_name_idx ON users (name);
CREATE INDEX users_at_idx ON users (at);
CREATE INDEX users_address_idx ON users (address);
CREATE INDEX users_nick_idx ON users (nick);
CREATE INDEX users_city_idx ON users (lower(city));
CREATE UNIQUE INDEX users_id_name_key ON users (id);
CREATE UNIQUE INDEX users_age_key ON users (id, age);
ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age IS NOT NULL);
ALTER TABLE users ADD CONSTRAINT users_old_check CHECK (age > -1) NOT VALID;
ALTER TABLE users ADD CONSTRAINT users_order_fkey FOREIGN KEY (order_id) REFERENCES orders (id) NOT VALID;
CREATE TRIGGER users_stamp BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE RULE users_rule AS ON DELETE TO users WHERE false DO INSTEAD NOTHING;
CREATE POLICY users_policy ON users USING (true);
CREATE STATISTICS users_statistics ON age, score FROM users;
CREATE TABLE numbered (id integer GENERATED ALWAYS AS IDENTITY, kind short_text, parent_id integer);
CREATE TABLE parent (id integer);
CREATE TABLE child (id integer);
CREATE TABLE heir (id integer) INHERITS (parent);
CREATE TABLE dropped (id integer PRIMARY KEY, order_id bigint REFERENCES orders (id));
CREATE TABLE bare (id integer);
CREATE TYPE row_type AS (id integer);
CREATE TABLE typed OF row_type;
CREATE TABLE of_type (id integer);
CREATE TABLE parts (id bigint, at date) PARTITION BY RANGE (at);
CREATE INDEX parts_id_idx ON parts (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
CREATE TABLE ranges (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE ranges_1 PARTITION OF ranges FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parts_2 (id bigint, at date);
CREATE TABLE parts_3 (id bigint, at date NOT NULL);
ALTER TABLE parts_3 ADD CONSTRAINT parts_3_at CHECK (at >= '2024-03-01' AND at < '2024-04-01');
CREATE INDEX parts_3_id_idx ON parts_3 (id);
CREATE UNLOGGED TABLE unlogged (id integer);
CREATE VIEW user_names AS SELECT id, viewed FROM users;
CREATE MATERIALIZED VIEW user_counts AS SELECT id, count(*) FROM users GROUP BY id;
CREATE UNIQUE INDEX user_counts_key ON user_counts (id);
CREATE SEQUENCE counter;
CREATE SCHEMA other;
CREATE PUBLICATION pub;
CREATE TYPE free_row AS (id integer);
CREATE PROCEDURE nothing() LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE FUNCTION watched() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION watched();
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER far_server FOREIGN DATA WRAPPER wrapper;
CREATE FOREIGN TABLE far (id integer) SERVER far_server;
CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;
INSERT INTO orders SELECT g, 'x' FROM generate_series(1, 100) AS g;
INSERT INTO users (id, name, email, age, score, address, at, zoned, lasting, mood, nick, code, tags, kind, city, checked)
    SELECT g, 'n' || g, 'e' || g, g % 90, 1, '10.0.0.0/8', now(), now(), '1 day', 'ok', 'c' || g, 'a', '{a}', 'k', 'x', 'y'
    FROM generate_series(1, 2000) AS g;
INSERT INTO numbered (kind) SELECT 'x' FROM generate_series(1, 500);
INSERT INTO parts SELECT g, '2024-01-05' FROM generate_series(1, 500) AS g;
INSERT INTO parts_2 SELECT g, '2024-02-05' FROM generate_series(1, 500) AS g;
INSERT INTO parts_3 SELECT g, '2024-03-05' FROM generate_series(1, 500) AS g;
INSERT INTO bare SELECT g FROM generate_series(1, 500) AS g;
INSERT INTO unlogged SELECT g FROM generate_series(1, 500) AS g;
INSERT INTO child SELECT g FROM generate_series(1, 500) AS g;
