-- Functions of users and extensions, as statements and expressions may call them. The definition is told where the
-- planner may inline or run the function: SQL, PL/pgSQL that is not volatile, aggregates. Left out: functions that only
-- the system calls, and those that come with a range type. Needs no privilege. PostgreSQL 13 and later.
SELECT n.nspname AS schema,
       p.proname AS name,
       CASE p.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
                      ELSE 'window' END AS kind,
       l.lanname AS language,
       pg_catalog.pg_get_function_arguments(p.oid) AS arguments,
       pg_catalog.pg_get_function_identity_arguments(p.oid) AS signature,
       ARRAY(SELECT pg_catalog.format_type(u.type, NULL)
             FROM pg_catalog.unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u(type, place)
             ORDER BY u.place) AS argument_types,
       pg_catalog.pg_get_function_result(p.oid) AS result,
       p.proretset OR ('{o,b,t}'::"char"[] && p.proargmodes) IS TRUE AS returns_row,
       CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
       p.proisstrict AS is_strict,
       CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel,
       p.procost AS cost,
       NULLIF(p.prorows, 0) AS rows,
       e.extname AS extension,
       CASE WHEN e.extname IS NOT NULL THEN NULL
            WHEN p.prokind IN ('f', 'p') AND (l.lanname = 'sql' OR (l.lanname = 'plpgsql' AND p.provolatile <> 'v'))
            THEN pg_catalog.pg_get_functiondef(p.oid)
            WHEN a.aggkind = 'n' AND a.aggmtransfn::oid = 0
            THEN pg_catalog.concat(
                    'CREATE AGGREGATE ', pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(p.proname), '(',
                    CASE p.pronargs WHEN 0 THEN '*' ELSE pg_catalog.pg_get_function_arguments(p.oid) END,
                    ') (SFUNC = ', a.aggtransfn, ', STYPE = ', pg_catalog.format_type(a.aggtranstype, NULL),
                    ', FINALFUNC = ' || NULLIF(a.aggfinalfn::text, '-'),
                    ', COMBINEFUNC = ' || NULLIF(a.aggcombinefn::text, '-'),
                    ', INITCOND = ' || pg_catalog.quote_literal(a.agginitval), ')')
       END AS definition
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_aggregate AS a ON a.aggfnoid = p.oid
LEFT JOIN pg_catalog.pg_depend AS d
       ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i')
LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
WHERE p.oid >= 16384
  AND d.deptype IS DISTINCT FROM 'i'
  AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'information_schema'
  AND pg_catalog.format_type(p.prorettype, NULL) NOT LIKE '%\_handler'
  AND NOT (p.proargtypes::oid[] || p.prorettype)
          && '{internal,cstring,trigger,event_trigger}'::pg_catalog.regtype[]::oid[]
ORDER BY n.nspname, p.proname, signature;
