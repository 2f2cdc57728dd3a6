-- Policies of row security, as they stand in the catalog; not of a table that another session locks.
-- PostgreSQL 13 and later.
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation'
      AND l.mode = 'AccessExclusiveLock'
      AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
)
SELECT p.polrelid AS table_oid,
       p.polname AS name,
       CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete'
                     ELSE 'all' END AS command,
       p.polpermissive AS is_permissive,
       ARRAY(SELECT CASE u.role WHEN 0 THEN 'public' ELSE r.rolname::text END
             FROM pg_catalog.unnest(p.polroles) AS u(role)
             LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = u.role
             WHERE u.role = 0 OR r.oid IS NOT NULL
             ORDER BY 1) AS roles,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS "using",
       pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS "check"
FROM pg_catalog.pg_policy AS p
WHERE NOT EXISTS (SELECT FROM locked WHERE locked.relation = p.polrelid)
ORDER BY p.polrelid, p.polname;
