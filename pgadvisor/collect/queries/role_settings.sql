-- What is set for roles and databases, of timeouts, planning and memory alone. PostgreSQL 13 and later.
SELECT pg_catalog.split_part(each.pair, '=', 1) AS name,
       pg_catalog.substr(each.pair, pg_catalog.strpos(each.pair, '=') + 1) AS value,
       r.rolname AS role,
       d.datname AS database
FROM pg_catalog.pg_db_role_setting AS s
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS each (pair)
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
WHERE (s.setdatabase = 0 OR d.datname = pg_catalog.current_database())
  AND (each.pair LIKE 'enable\_%' OR each.pair LIKE '%\_timeout=%' OR each.pair LIKE 'jit=%'
       OR each.pair LIKE 'work\_mem=%')
ORDER BY name, role, database;
