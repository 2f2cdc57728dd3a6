-- Operators that users or extensions made, with their functions and operand types (0: none). PostgreSQL 13 and later.
SELECT n.nspname AS schema,
       o.oprname AS name,
       o.oprcode::pg_catalog.oid::bigint AS function,
       o.oprleft::bigint AS left_type,
       o.oprright::bigint AS right_type,
       o.oprrest <> 0 OR o.oprjoin <> 0 AS is_estimated
FROM pg_catalog.pg_operator AS o
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
WHERE o.oid >= 16384;
