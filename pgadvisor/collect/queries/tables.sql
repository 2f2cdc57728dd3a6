-- Tables, partitioned tables, materialized views and foreign tables of users; not those of extensions.
-- Expressions of a table that another session locks are null: reading them would wait. PostgreSQL 13 and later.
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation'
      AND l.mode = 'AccessExclusiveLock'
      AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
)
SELECT c.oid,
       n.nspname AS schema,
       c.relname AS name,
       c.relkind AS kind,
       c.reltuples::float8 AS rows,
       GREATEST(c.relpages, 0) AS pages,
       c.relallvisible AS all_visible_pages,
       c.relpersistence = 'u' AS is_unlogged,
       c.relrowsecurity AS has_row_security,
       COALESCE(c.reloptions, '{}') AS options,
       CASE WHEN c.relkind IN ('r', 'm') THEN NULLIF(m.amname, 'heap') END AS access_method,
       c.relispartition AS is_partition,
       ARRAY(SELECT i.inhparent FROM pg_catalog.pg_inherits AS i
             WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
       CASE WHEN locked.relation IS NULL THEN pg_catalog.pg_get_partkeydef(c.oid) END AS partition_key,
       CASE WHEN locked.relation IS NULL THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
       locked.relation IS NOT NULL AS is_locked,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AS may_select,
       c.relrowsecurity AND pg_catalog.row_security_active(c.oid) AS is_filtered
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
LEFT JOIN locked ON locked.relation = c.oid
WHERE c.relkind IN ('r', 'p', 'm', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname;
