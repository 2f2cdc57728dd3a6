-- Casts through functions that users or extensions made. PostgreSQL 13 and later.
SELECT c.castsource::bigint AS source_type,
       c.casttarget::bigint AS target_type,
       c.castfunc::bigint AS function
FROM pg_catalog.pg_cast AS c
WHERE c.oid >= 16384 AND c.castfunc <> 0;
