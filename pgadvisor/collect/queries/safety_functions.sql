-- Functions with what their safety hangs on: all of users and extensions, and the names of PostgreSQL's own.
-- Needs no privilege. PostgreSQL 13 and later.
SELECT p.oid::bigint AS oid,
       n.nspname AS schema,
       p.proname AS name,
       p.provolatile AS volatility,
       p.prosecdef AS is_security_definer,
       l.lanname AS language,
       p.prokind AS kind,
       p.oid >= 16384 AND p.pronargs - p.pronargdefaults <= 1 AND p.pronargs >= 1
           AND EXISTS (SELECT FROM pg_catalog.pg_type AS t
                       WHERE t.oid = p.proargtypes[0] AND t.typtype IN ('c', 'p')) AS takes_row,
       e.extname AS extension,
       CASE WHEN p.oid >= 16384 AND e.extname IS NULL AND l.lanname = 'sql' THEN p.prosrc END AS body,
       p.proconfig IS NOT NULL AS has_settings
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_depend AS d
       ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid;
