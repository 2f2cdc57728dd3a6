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
                       WHERE t.oid = p.proargtypes[0] AND t.typtype IN ('c', 'd', 'p')) AS takes_row,
       e.extname AS extension,
       CASE WHEN p.oid >= 16384 AND e.extname IS NULL AND l.lanname = 'sql' THEN p.prosrc END AS body,
       p.proconfig IS NOT NULL AS has_settings,
       p.oid >= 16384 AND EXISTS (SELECT FROM pg_catalog.pg_depend AS u
                                  WHERE u.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND u.objid = p.oid
                                    AND u.refclassid = u.classid AND u.refobjid >= 16384) AS has_user_defaults,
       CASE WHEN p.oid >= 16384
            THEN ARRAY(SELECT DISTINCT k.oid::bigint
                       FROM pg_catalog.unnest(p.proargtypes::oid[] || p.prorettype) AS k(oid)
                       WHERE k.oid >= 16384) ELSE '{}' END AS user_types
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_depend AS d
       ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid;
