-- The database's size in bytes, one row; needs CONNECT or pg_read_all_stats. PostgreSQL 13 and later.
SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) AS size_bytes;
