-- Views of users with their definitions; not those of extensions, nor of a view or table that another session locks.
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
    SELECT c.oid, n.nspname, c.relname, COALESCE(c.reloptions, '{}') AS options
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'v'
      AND c.relpersistence <> 't'
      AND n.nspname NOT LIKE 'pg\_%'
      AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND d.objid = c.oid AND d.deptype = 'e')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite AS r
                      JOIN pg_catalog.pg_depend AS d
                        ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                       AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      JOIN locked ON locked.relation = d.refobjid
                      WHERE r.ev_class = c.oid)
)
SELECT w.nspname AS schema,
       w.relname AS name,
       pg_catalog.pg_get_viewdef(w.oid) AS definition,
       w.options,
       ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute AS a
             WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns
FROM wanted AS w
ORDER BY w.nspname, w.relname;
