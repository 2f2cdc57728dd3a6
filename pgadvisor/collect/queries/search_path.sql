-- Search paths set for this database or for a role, each as text; the setting itself is in settings.sql.
-- PostgreSQL 13 and later.
SELECT COALESCE(r.rolname::text, '') AS role,
       pg_catalog.substr(c.setting, pg_catalog.length('search_path=') + 1) AS path
FROM pg_catalog.pg_db_role_setting AS s
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c(setting)
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
WHERE c.setting LIKE 'search\_path=%'
  AND (s.setdatabase = 0
       OR s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
ORDER BY s.setdatabase DESC, role;
