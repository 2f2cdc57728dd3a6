-- Constraints of tables; of NOT NULL (in the catalog since 18) only those not validated: columns tell the others.
-- Left out: the rows that a foreign key to a partitioned table has for each partition. The definition of a table that
-- another session locks is null: reading it would wait. PostgreSQL 13 and later.
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation'
      AND l.mode = 'AccessExclusiveLock'
      AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
)
SELECT k.conrelid AS table_oid,
       k.conname AS name,
       k.contype AS kind,
       CASE WHEN locked.relation IS NULL THEN pg_catalog.pg_get_constraintdef(k.oid) END AS definition,
       ARRAY(SELECT a.attname
             FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(number, place)
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number
             ORDER BY u.place) AS columns,
       k.convalidated AS is_validated,
       k.condeferrable AS is_deferrable,
       NULLIF(k.conindid, 0) AS index_oid,
       fn.nspname || '.' || f.relname AS "references",
       ARRAY(SELECT a.attname
             FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(number, place)
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number
             ORDER BY u.place) AS referenced_columns,
       k.confdeltype AS on_delete,
       k.confupdtype AS on_update
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class AS f ON f.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace AS fn ON fn.oid = f.relnamespace
LEFT JOIN pg_catalog.pg_constraint AS p ON p.oid = k.conparentid
LEFT JOIN locked ON locked.relation IN (k.conrelid, k.confrelid)
WHERE c.relkind IN ('r', 'p', 'm', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'information_schema'
  AND (k.contype <> 'n' OR NOT k.convalidated)
  AND p.conrelid IS DISTINCT FROM k.conrelid
ORDER BY k.conrelid, k.conname;
