-- What row security adds to a query of each table that has it. PostgreSQL 13 and later.
SELECT p.polrelid::bigint AS oid,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS expression
FROM pg_catalog.pg_policy AS p
WHERE p.polcmd IN ('*', 'r') AND p.polqual IS NOT NULL;
