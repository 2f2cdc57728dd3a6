-- What happened to each table since its counters were reset. PostgreSQL 13 and later.
SELECT relid AS oid,
       COALESCE(seq_scan, 0) AS sequential_scans,
       COALESCE(seq_tup_read, 0) AS sequential_rows_read,
       COALESCE(idx_scan, 0) AS index_scans,
       COALESCE(n_tup_ins, 0) AS rows_inserted,
       COALESCE(n_tup_upd, 0) AS rows_updated,
       COALESCE(n_tup_del, 0) AS rows_deleted,
       COALESCE(n_tup_hot_upd, 0) AS rows_hot_updated,
       COALESCE(n_live_tup, 0) AS live_rows,
       COALESCE(n_dead_tup, 0) AS dead_rows,
       COALESCE(n_mod_since_analyze, 0) AS modified_since_analyze,
       n_ins_since_vacuum AS inserted_since_vacuum,
       GREATEST(last_vacuum, last_autovacuum) AS last_vacuum_at,
       GREATEST(last_analyze, last_autoanalyze) AS last_analyze_at
FROM pg_catalog.pg_stat_user_tables;
