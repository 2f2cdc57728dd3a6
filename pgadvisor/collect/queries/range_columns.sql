-- Whether there are columns of range types, and the role may read what pg_stats does not show of them.
-- PostgreSQL 13 to 16.
SELECT pg_catalog.has_table_privilege('pg_catalog.pg_statistic', 'SELECT')
       AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                   JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
                   JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                   JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
                   WHERE t.typtype = 'r'
                     AND c.relkind IN ('r', 'p', 'm')
                     AND n.nspname NOT LIKE 'pg\_%'
                     AND n.nspname <> 'information_schema') AS is_wanted;
