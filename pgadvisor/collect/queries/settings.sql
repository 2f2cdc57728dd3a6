-- Settings that say how statements are planned, run, cleaned up after and tracked. PostgreSQL 13 and later.
-- reset_val is the value of a new session of this role in this database; setting may be what this session has set.
SELECT name,
       COALESCE(reset_val, setting, '') AS value,
       unit,
       COALESCE(reset_val, '') = COALESCE(boot_val, '') AS is_default
FROM pg_catalog.pg_settings
WHERE category LIKE 'Query Tuning%'
   OR category LIKE 'Resource Usage / Memory%'
   OR category LIKE 'Resource Usage / Asynchronous%'
   OR category LIKE 'Resource Usage / I/O%'
   OR category LIKE 'Resource Usage / Worker%'
   OR category LIKE 'Autovacuum%'
   OR category LIKE 'Vacuuming%'
   OR category LIKE 'Statistics%'
   OR category LIKE 'Write-Ahead Log / Checkpoints%'
   OR category LIKE 'Client Connection Defaults / Statement Behavior%'
   OR name LIKE 'pg\_stat\_statements.%'
   OR name LIKE 'auto\_explain.%'
   OR name IN ('block_size', 'checkpoint_timeout', 'compute_query_id', 'data_checksums', 'DateStyle', 'fsync',
               'full_page_writes', 'hot_standby_feedback', 'IntervalStyle', 'jit', 'lc_messages',
               'log_lock_waits', 'log_min_duration_statement', 'log_temp_files', 'max_connections',
               'max_locks_per_transaction', 'max_standby_streaming_delay', 'max_wal_size', 'server_encoding',
               'server_version_num', 'shared_preload_libraries', 'standard_conforming_strings',
               'synchronous_commit', 'TimeZone', 'track_io_timing', 'wal_level')
ORDER BY name;
