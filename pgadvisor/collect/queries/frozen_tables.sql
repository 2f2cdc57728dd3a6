-- The tables, each with its TOAST table, whose oldest row versions that are not frozen are the oldest.
-- PostgreSQL 13 and later.
SELECT n.nspname || '.' || c.relname AS name,
       GREATEST(pg_catalog.age(c.relfrozenxid), pg_catalog.age(t.relfrozenxid)) AS transactions,
       GREATEST(pg_catalog.mxid_age(c.relminmxid), pg_catalog.mxid_age(t.relminmxid)) AS multixacts
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid AND t.relfrozenxid <> '0'::pg_catalog.xid
WHERE c.relkind IN ('r', 'm')
  AND c.relpersistence <> 't'
  AND c.relfrozenxid <> '0'::pg_catalog.xid
ORDER BY 2 DESC, 1
LIMIT 10;
