-- Collations that columns or indexes use, of which the provider has another version now than is recorded; first the
-- database's own one, without a name. PostgreSQL 15 and later.
SELECT NULL AS schema,
       NULL AS name,
       d.datcollversion AS recorded,
       pg_catalog.pg_database_collation_actual_version(d.oid) AS present
FROM pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database()
  AND d.datcollversion <> pg_catalog.pg_database_collation_actual_version(d.oid)
UNION ALL
SELECT n.nspname,
       l.collname,
       l.collversion,
       pg_catalog.pg_collation_actual_version(l.oid)
FROM pg_catalog.pg_collation AS l
JOIN pg_catalog.pg_namespace AS n ON n.oid = l.collnamespace
WHERE EXISTS (SELECT FROM pg_catalog.pg_attribute AS t WHERE t.attcollation = l.oid AND t.attrelid >= 16384)
  AND l.collversion <> pg_catalog.pg_collation_actual_version(l.oid)
ORDER BY schema NULLS FIRST, name;
