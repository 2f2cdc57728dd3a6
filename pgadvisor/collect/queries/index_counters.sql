-- How often each index was scanned. PostgreSQL 13 to 15.
SELECT indexrelid AS oid, idx_scan AS scans, NULL::timestamptz AS last_scan_at
FROM pg_catalog.pg_stat_user_indexes;
