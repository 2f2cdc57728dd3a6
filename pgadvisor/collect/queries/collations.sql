-- Collations that users made, and those of the system that columns or types use. The column of the provider's own name
-- is another in each of 13 to 14, 15 to 16 and 17: it is looked for in the row. PostgreSQL 13 and later.
SELECT n.nspname AS schema,
       l.collname AS name,
       CASE l.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END AS provider,
       COALESCE(pg_catalog.to_jsonb(l) ->> 'colllocale', pg_catalog.to_jsonb(l) ->> 'colliculocale',
                l.collcollate) AS locale,
       l.collisdeterministic AS is_deterministic
FROM pg_catalog.pg_collation AS l
JOIN pg_catalog.pg_namespace AS n ON n.oid = l.collnamespace
WHERE l.oid >= 16384
   OR (l.collname NOT IN ('default', 'C', 'POSIX')
       AND (EXISTS (SELECT FROM pg_catalog.pg_attribute AS t WHERE t.attcollation = l.oid AND t.attrelid >= 16384)
            OR EXISTS (SELECT FROM pg_catalog.pg_type AS t WHERE t.typcollation = l.oid AND t.oid >= 16384)))
ORDER BY n.nspname, l.collname;
