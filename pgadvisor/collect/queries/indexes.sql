-- Indexes of tables with their keys as arrays, each key in its place: column (null for an expression), text (null for
-- a column), operator class and collation where they are not the default, options (1 descending, 2 nulls first).
-- Where another session locks the table, texts are null: reading them would wait. PostgreSQL 13 and later.
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation'
      AND l.mode = 'AccessExclusiveLock'
      AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
),
wanted AS MATERIALIZED (
    SELECT i.*, c.relname, c.reltuples, c.relpages, n.nspname, m.amname, t.relname AS table_name,
           EXISTS (SELECT FROM locked WHERE locked.relation = i.indrelid) AS is_table_locked,
           EXISTS (SELECT FROM locked WHERE locked.relation IN (i.indexrelid, i.indrelid)) AS is_locked
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
    WHERE t.relkind IN ('r', 'p', 'm')
      AND t.relpersistence <> 't'
      AND n.nspname NOT LIKE 'pg\_%'
      AND n.nspname <> 'information_schema'
)
SELECT w.indexrelid AS oid,
       w.indrelid AS table_oid,
       w.table_name,
       w.nspname AS schema,
       w.relname AS name,
       w.amname AS method,
       w.reltuples::float8 AS rows,
       w.relpages AS pages,
       w.indisunique AS is_unique,
       w.indisprimary AS is_primary,
       w.indisexclusion AS is_exclusion,
       w.indisvalid AS is_valid,
       w.indisready AS is_ready,
       w.indisreplident AS is_replica_identity,
       w.indisclustered AS is_clustered,
       w.indpred IS NOT NULL AS is_partial,
       w.indnkeyatts AS key_count,
       CASE WHEN NOT w.is_table_locked THEN pg_catalog.pg_get_indexdef(w.indexrelid) END AS definition,
       CASE WHEN NOT w.is_table_locked THEN pg_catalog.pg_get_expr(w.indpred, w.indrelid, true) END AS predicate,
       CASE WHEN NOT w.is_locked THEN pg_catalog.pg_relation_size(w.indexrelid) END AS size_bytes,
       k.columns,
       k.names,
       k.texts,
       k.operator_classes,
       k.collations,
       w.indoption::smallint[] AS options,
       p.inhparent AS parent_oid
FROM wanted AS w
LEFT JOIN pg_catalog.pg_inherits AS p ON p.inhrelid = w.indexrelid
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(ta.attname ORDER BY u.place) AS columns,
           pg_catalog.array_agg(ia.attname ORDER BY u.place) AS names,
           pg_catalog.array_agg(CASE WHEN u.number = 0 AND NOT w.is_table_locked
                                     THEN pg_catalog.pg_get_indexdef(w.indexrelid, u.place::int, true) END
                                ORDER BY u.place) AS texts,
           pg_catalog.array_agg(CASE WHEN NOT oc.opcdefault THEN oc.opcname END ORDER BY u.place) AS operator_classes,
           pg_catalog.array_agg(CASE WHEN u.place <= w.indnkeyatts
                                      AND ia.attcollation <> COALESCE(ta.attcollation, it.typcollation)
                                     THEN co.collname END ORDER BY u.place) AS collations
    FROM pg_catalog.unnest(w.indkey::smallint[]) WITH ORDINALITY AS u(number, place)
    JOIN pg_catalog.pg_attribute AS ia ON ia.attrelid = w.indexrelid AND ia.attnum = u.place
    JOIN pg_catalog.pg_type AS it ON it.oid = ia.atttypid
    LEFT JOIN pg_catalog.pg_attribute AS ta ON ta.attrelid = w.indrelid AND ta.attnum = u.number AND u.number <> 0
    LEFT JOIN pg_catalog.pg_opclass AS oc ON u.place <= w.indnkeyatts AND oc.oid = (w.indclass::oid[])[u.place - 1]
    LEFT JOIN pg_catalog.pg_collation AS co ON co.oid = ia.attcollation
) AS k
ORDER BY w.indrelid, w.relname;
