-- Sessions of clients and standbys, and autovacuum workers; of what the role may not see, also what kind it is is null.
-- PostgreSQL 13 and later.
SELECT a.pid,
       a.backend_type AS kind,
       a.state,
       NULLIF(a.application_name, '') AS application,
       a.datname AS database,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start) AS transaction_s,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.state_change) AS state_s,
       a.backend_xid IS NOT NULL AS has_written,
       GREATEST(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid)) AS snapshot_age,
       a.wait_event_type IS NOT DISTINCT FROM 'Lock' AS is_blocked
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid <> pg_catalog.pg_backend_pid()
  AND (a.backend_type IN ('client backend', 'walsender', 'autovacuum worker')
       OR (a.backend_type IS NULL AND a.datid IS NOT NULL))
ORDER BY a.xact_start, a.pid;
