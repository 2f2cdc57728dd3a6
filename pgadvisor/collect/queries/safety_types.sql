-- Types that are not PostgreSQL's own, with what they are made of. PostgreSQL 13 and later.
SELECT t.oid::bigint AS oid,
       n.nspname AS schema,
       t.typname AS name,
       t.typtype AS kind,
       CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END::bigint AS inner_type,
       e.extname AS extension,
       ARRAY(SELECT pg_catalog.pg_get_expr(k.conbin, 0) FROM pg_catalog.pg_constraint AS k
             WHERE k.contypid = t.oid AND k.contype = 'c') AS checks
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
LEFT JOIN pg_catalog.pg_depend AS d
       ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
WHERE t.oid >= 16384 AND (c.relkind IS NULL OR c.relkind = 'c');
