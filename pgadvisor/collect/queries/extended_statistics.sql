-- Objects made by CREATE STATISTICS; not of a table that another session locks. PostgreSQL 13 and later.
WITH locked AS MATERIALIZED (
    SELECT DISTINCT l.relation
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation'
      AND l.mode = 'AccessExclusiveLock'
      AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
)
SELECT s.stxrelid AS table_oid,
       s.oid,
       n.nspname AS schema,
       s.stxname AS name,
       pg_catalog.pg_get_statisticsobjdef(s.oid) AS definition,
       ARRAY(SELECT a.attname
             FROM pg_catalog.unnest(s.stxkeys::smallint[]) WITH ORDINALITY AS u(number, place)
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = s.stxrelid AND a.attnum = u.number
             ORDER BY u.place) AS columns,
       s.stxkeys::smallint[] AS numbers,
       ARRAY(SELECT CASE kind WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies' WHEN 'm' THEN 'mcv'
                              WHEN 'e' THEN 'expressions' ELSE kind::text END
             FROM pg_catalog.unnest(s.stxkind) AS kind) AS kinds,
       pg_catalog.has_table_privilege('pg_catalog.pg_statistic_ext_data', 'SELECT') AS may_read
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
WHERE NOT EXISTS (SELECT FROM locked WHERE locked.relation = s.stxrelid)
ORDER BY s.stxrelid, s.stxname;
