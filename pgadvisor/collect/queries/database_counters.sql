-- What happened in this database, and since when at most: its counters' last reset, or when the cluster was made, which
-- stands in the upper half of its identifier. PostgreSQL 13 and later.
SELECT s.deadlocks,
       s.temp_files,
       s.temp_bytes,
       GREATEST(s.stats_reset, pg_catalog.to_timestamp((c.system_identifier >> 32)::float8)) AS since
FROM pg_catalog.pg_stat_database AS s
CROSS JOIN pg_catalog.pg_control_system() AS c
WHERE s.datname = pg_catalog.current_database();
