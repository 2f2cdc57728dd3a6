-- The server and its clock, one row. PostgreSQL 13 and later.
SELECT pg_catalog.now() AS collected_at,
       pg_catalog.pg_postmaster_start_time() AS started_at,
       s.stats_reset AS statistics_reset_at
FROM pg_catalog.pg_database AS d
LEFT JOIN pg_catalog.pg_stat_database AS s ON s.datid = d.oid
WHERE d.datname = pg_catalog.current_database();
