-- Sessions that wait for a lock: since when, for whom, and the table, where it is one of this database.
-- PostgreSQL 14 and later.
SELECT a.pid,
       pg_catalog.pg_blocking_pids(a.pid) AS blocked_by,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
               - (SELECT w.waitstart FROM pg_catalog.pg_locks AS w WHERE w.pid = a.pid AND NOT w.granted
                  LIMIT 1)) AS waited_s,
       (SELECT n.nspname || '.' || c.relname
        FROM pg_catalog.pg_locks AS l
        JOIN pg_catalog.pg_database AS d ON d.oid = l.database
        JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE l.pid = a.pid
          AND d.datname = pg_catalog.current_database()
          AND (l.locktype = 'tuple' OR NOT l.granted)
        ORDER BY l.granted
        LIMIT 1) AS waits_for
FROM pg_catalog.pg_stat_activity AS a
WHERE a.wait_event_type = 'Lock'
  AND a.pid <> pg_catalog.pg_backend_pid()
ORDER BY a.query_start
LIMIT 100;
