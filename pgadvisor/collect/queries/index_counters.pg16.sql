-- How often each index was scanned, and when last. PostgreSQL 16 and later.
SELECT indexrelid AS oid, idx_scan AS scans, last_idx_scan AS last_scan_at
FROM pg_catalog.pg_stat_user_indexes;
