-- Sizes of tables in bytes: heap, indexes, and all with TOAST. Locked ones are left out: asking would wait.
-- PostgreSQL 13 and later.
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation'
      AND l.mode = 'AccessExclusiveLock'
      AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
),
wanted AS MATERIALIZED (
    SELECT c.oid
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm')
      AND c.relpersistence <> 't'
      AND n.nspname NOT LIKE 'pg\_%'
      AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM locked WHERE locked.relation IN (c.oid, c.reltoastrelid))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i
                      JOIN locked ON locked.relation = i.indexrelid
                      WHERE i.indrelid IN (c.oid, c.reltoastrelid))
)
SELECT oid,
       pg_catalog.pg_relation_size(oid) AS heap_bytes,
       pg_catalog.pg_indexes_size(oid) AS index_bytes,
       pg_catalog.pg_total_relation_size(oid) AS total_bytes
FROM wanted;
