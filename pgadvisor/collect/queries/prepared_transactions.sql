-- Transactions prepared for a two-phase commit. PostgreSQL 13 and later.
SELECT gid AS name,
       database,
       pg_catalog.age(transaction) AS age,
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - prepared) AS prepared_s
FROM pg_catalog.pg_prepared_xacts
ORDER BY prepared;
