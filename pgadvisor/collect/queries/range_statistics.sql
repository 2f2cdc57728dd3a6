-- What ANALYZE knows of columns of range types, which pg_stats shows from PostgreSQL 17 on: bounds, lengths, share of
-- empty ones. Hidden: tables with row security. PostgreSQL 13 to 16.
SELECT n.nspname AS schema,
       c.relname AS table,
       a.attname AS column,
       s.stainherit AS is_inherited,
       CASE 7 WHEN s.stakind1 THEN s.stavalues1 WHEN s.stakind2 THEN s.stavalues2 WHEN s.stakind3 THEN s.stavalues3
              WHEN s.stakind4 THEN s.stavalues4 ELSE s.stavalues5 END::text::text[] AS range_bounds,
       CASE 6 WHEN s.stakind1 THEN s.stavalues1 WHEN s.stakind2 THEN s.stavalues2 WHEN s.stakind3 THEN s.stavalues3
              WHEN s.stakind4 THEN s.stavalues4 WHEN s.stakind5 THEN s.stavalues5 END::text::float8[] AS range_lengths,
       (CASE 6 WHEN s.stakind1 THEN s.stanumbers1 WHEN s.stakind2 THEN s.stanumbers2 WHEN s.stakind3 THEN s.stanumbers3
               WHEN s.stakind4 THEN s.stanumbers4 WHEN s.stakind5 THEN s.stanumbers5 END)[1]::float8
           AS range_empty_fraction
FROM pg_catalog.pg_statistic AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.starelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
WHERE 7 IN (s.stakind1, s.stakind2, s.stakind3, s.stakind4, s.stakind5)
  AND NOT (c.relrowsecurity AND pg_catalog.row_security_active(c.oid))
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'information_schema';
