-- Casts through functions that users or extensions made; context: e only where written, a also in assignments,
-- i anywhere. PostgreSQL 13 and later.
SELECT c.castsource::bigint AS source_type,
       c.casttarget::bigint AS target_type,
       t.typname AS target_name,
       c.castfunc::bigint AS function,
       c.castcontext AS context
FROM pg_catalog.pg_cast AS c
JOIN pg_catalog.pg_type AS t ON t.oid = c.casttarget
WHERE c.oid >= 16384 AND c.castfunc <> 0;
