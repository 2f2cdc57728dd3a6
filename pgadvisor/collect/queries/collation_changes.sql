-- Collations that columns or indexes use, of which the provider has another version now than is recorded.
-- Only from 15 on the database's own version is recorded. PostgreSQL 13 and later.
SELECT n.nspname AS schema,
       l.collname AS name,
       l.collversion AS recorded,
       pg_catalog.pg_collation_actual_version(l.oid) AS present
FROM pg_catalog.pg_collation AS l
JOIN pg_catalog.pg_namespace AS n ON n.oid = l.collnamespace
WHERE EXISTS (SELECT FROM pg_catalog.pg_attribute AS t WHERE t.attcollation = l.oid AND t.attrelid >= 16384)
  AND l.collversion <> pg_catalog.pg_collation_actual_version(l.oid)
ORDER BY n.nspname, l.collname;
