-- What CREATE RULE made on tables of users. PostgreSQL 13 and later.
SELECT r.ev_class AS table_oid,
       r.rulename AS name
FROM pg_catalog.pg_rewrite AS r
JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND r.ev_enabled <> 'D'
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                  WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                    AND d.objid = r.oid AND d.deptype = 'e')
ORDER BY r.ev_class, r.rulename;
