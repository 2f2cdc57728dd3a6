-- The database's locale, one row: under the names that settings had before PostgreSQL 16, its provider, and the
-- provider's own name of it, whose column is another in each of 15 to 16 and 17. PostgreSQL 13 and later.
SELECT datcollate AS lc_collate,
       datctype AS lc_ctype,
       CASE pg_catalog.to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin'
                                                         ELSE 'libc' END AS locale_provider,
       COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale', '') AS locale
FROM pg_catalog.pg_database AS d
WHERE datname = pg_catalog.current_database();
