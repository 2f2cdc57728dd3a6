-- How old the oldest row versions of each database are that are not frozen. PostgreSQL 13 and later.
SELECT datname AS name,
       pg_catalog.age(datfrozenxid) AS transactions,
       pg_catalog.mxid_age(datminmxid) AS multixacts
FROM pg_catalog.pg_database
ORDER BY pg_catalog.age(datfrozenxid) DESC, datname;
