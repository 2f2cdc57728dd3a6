-- Schemas of users: not the system's, not those for temporary objects. PostgreSQL 13 and later.
SELECT nspname AS name
FROM pg_catalog.pg_namespace
WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
ORDER BY nspname;
