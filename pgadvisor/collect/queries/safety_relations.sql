-- Everything that a statement may name as a table: what a scan of it may run, and what planning a write to it may run
-- (functions of users in defaults, generated columns and policies; rules). PostgreSQL 13 and later.
WITH RECURSIVE above (child, parent) AS (
    SELECT i.inhrelid, i.inhparent
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    WHERE c.relkind = 'f'
    UNION
    SELECT a.child, i.inhparent
    FROM above AS a
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = a.parent
)
SELECT c.oid::bigint AS oid,
       n.nspname AS schema,
       c.relname AS name,
       c.relkind AS kind,
       c.relrowsecurity AS has_row_security,
       EXISTS (SELECT FROM above AS a WHERE a.parent = c.oid) AS has_foreign_child,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE')
           AND CASE WHEN c.relkind IN ('S', 'c') THEN true
                    ELSE pg_catalog.has_any_column_privilege(c.oid, 'SELECT') END AS is_readable,
       ARRAY(SELECT DISTINCT a.atttypid::bigint FROM pg_catalog.pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384) AS user_types,
       c.relkind = 'v'
           OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                      WHERE a.attrelid = c.oid AND a.attgenerated = 'v') AS has_computed_columns,
       EXISTS (SELECT FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = c.oid AND r.ev_type <> '1') AS has_rules,
       ARRAY(SELECT d.refobjid::bigint
             FROM pg_catalog.pg_attrdef AS f
             JOIN pg_catalog.pg_depend AS d
               ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
             WHERE f.adrelid = c.oid
               AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid >= 16384
             UNION
             SELECT d.refobjid::bigint
             FROM pg_catalog.pg_policy AS p
             JOIN pg_catalog.pg_depend AS d
               ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
             WHERE p.polrelid = c.oid
               AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid >= 16384
            ) AS writing_functions
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
  AND n.nspname NOT LIKE 'pg\_toast%'
  AND n.nspname NOT LIKE 'pg\_temp\_%';
