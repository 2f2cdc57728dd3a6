-- What ANALYZE found for objects made by CREATE STATISTICS. Only superusers and pg_read_all_data may read it; not of
-- tables that row security filters for the role. PostgreSQL 15 and later.
SELECT s.oid,
       d.stxdinherit AS with_children,
       d.stxdndistinct::text AS n_distinct,
       d.stxddependencies::text AS dependencies,
       d.stxdmcv::bytea AS most_common
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_statistic_ext_data AS d ON d.stxoid = s.oid
JOIN pg_catalog.pg_class AS c ON c.oid = s.stxrelid
WHERE NOT (c.relrowsecurity AND pg_catalog.row_security_active(c.oid));
