-- Standbys that receive from this server; state is null where the role may not see it. PostgreSQL 13 and later.
SELECT COALESCE(NULLIF(application_name, ''), 'replica ' || pid) AS name,
       state,
       sync_state IN ('sync', 'quorum') AS is_synchronous,
       CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_receive_lsn(), replay_lsn)
            ELSE pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn)
       END::bigint AS lag_bytes
FROM pg_catalog.pg_stat_replication
ORDER BY name;
