-- The database's locale under the names that settings had before PostgreSQL 16, one row. PostgreSQL 13 and later.
SELECT datcollate AS lc_collate, datctype AS lc_ctype
FROM pg_catalog.pg_database
WHERE datname = pg_catalog.current_database();
