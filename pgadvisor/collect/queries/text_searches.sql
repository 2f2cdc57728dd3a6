-- Text search configurations and dictionaries of users and extensions. PostgreSQL 13 and later.
SELECT n.nspname AS schema, c.cfgname AS name, 'configuration' AS kind
FROM pg_catalog.pg_ts_config AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.cfgnamespace
WHERE c.oid >= 16384 AND n.nspname NOT LIKE 'pg\_%'
UNION ALL
SELECT n.nspname, d.dictname, 'dictionary'
FROM pg_catalog.pg_ts_dict AS d
JOIN pg_catalog.pg_namespace AS n ON n.oid = d.dictnamespace
WHERE d.oid >= 16384 AND n.nspname NOT LIKE 'pg\_%'
ORDER BY kind, schema, name;
