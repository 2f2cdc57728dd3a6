-- Replication slots: the dead rows and the WAL that each keeps. PostgreSQL 13 and later.
SELECT slot_name AS name,
       slot_type = 'logical' AS is_logical,
       active AS is_active,
       pg_catalog.age(xmin) AS snapshot_age,
       pg_catalog.age(catalog_xmin) AS catalog_age,
       CASE WHEN NOT pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)
       END::bigint AS retained_bytes
FROM pg_catalog.pg_replication_slots
WHERE NOT temporary
ORDER BY slot_name;
