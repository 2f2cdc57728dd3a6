-- Functions and procedures that run with their owner's rights, look up names along the caller's search path, and may be
-- called by others than their owner. Not those of extensions, nor such whose names are bound when they are made.
-- PostgreSQL 13 and later.
SELECT n.nspname AS schema,
       p.proname AS name,
       pg_catalog.pg_get_function_identity_arguments(p.oid) AS signature,
       r.rolsuper AS is_owner_superuser
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner
WHERE p.prosecdef
  AND p.oid >= 16384
  AND l.lanname NOT IN ('internal', 'c')
  AND pg_catalog.to_jsonb(p) ->> 'prosqlbody' IS NULL
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS u(setting) WHERE u.setting LIKE 'search\_path=%')
  AND (p.proacl IS NULL
       OR EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) AS u
                  WHERE u.privilege_type = 'EXECUTE' AND u.grantee <> p.proowner))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                    AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY n.nspname, p.proname, signature;
