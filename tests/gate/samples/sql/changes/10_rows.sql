\set who 'me'
COPY orders (id, total) FROM stdin;
1	10;
2	20
\.
ALTER TABLE :schema.orders OWNER TO :"owner";
\i other.sql
