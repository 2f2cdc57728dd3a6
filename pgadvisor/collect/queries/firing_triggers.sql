-- Triggers that users made and that a write to a table may fire: its own, those of its partitions and children, and
-- those of tables whose rows its foreign keys change or delete with it. PostgreSQL 13 and later.
WITH RECURSIVE spreads (source, event, target, caused) AS (
    SELECT i.inhparent, e.event, i.inhrelid, e.event
    FROM pg_catalog.pg_inherits AS i CROSS JOIN (VALUES ('insert'), ('update'), ('delete')) AS e (event)
    UNION
    SELECT f.confrelid, 'delete', f.conrelid, CASE f.confdeltype WHEN 'c' THEN 'delete' ELSE 'update' END
    FROM pg_catalog.pg_constraint AS f
    WHERE f.contype = 'f' AND f.confdeltype IN ('c', 'n', 'd')
    UNION
    SELECT f.confrelid, 'update', f.conrelid, 'update'
    FROM pg_catalog.pg_constraint AS f
    WHERE f.contype = 'f' AND f.confupdtype IN ('c', 'n', 'd')
), reached (source, event, target, caused) AS (
    SELECT c.oid, e.event, c.oid, e.event
    FROM pg_catalog.pg_class AS c CROSS JOIN (VALUES ('insert'), ('update'), ('delete')) AS e (event)
    WHERE c.relkind IN ('r', 'p', 'v', 'f')
    UNION
    SELECT r.source, r.event, s.target, s.caused
    FROM reached AS r
    JOIN spreads AS s ON s.source = r.target AND s.event = r.caused
)
-- The bits of tgtype stand in src/include/catalog/pg_trigger.h.
SELECT r.source::bigint AS oid, r.event, t.tgname AS name, c.relname AS table_name
FROM reached AS r
JOIN pg_catalog.pg_trigger AS t
  ON t.tgrelid = r.target
 AND t.tgtype & CASE r.caused WHEN 'insert' THEN 4 WHEN 'delete' THEN 8 ELSE 16 END <> 0
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled NOT IN ('D', 'R')
ORDER BY 1, 2, 4, 3;
