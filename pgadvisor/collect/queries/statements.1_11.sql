-- Statements of this database as pg_stat_statements keeps them, summed over users and levels; a queryid is null for
-- those the role may not see, a text where it is hidden or lost.
-- Extension version 1.11 and later (PostgreSQL 17 and later).
SELECT queryid,
       (pg_catalog.array_agg(query ORDER BY calls DESC) FILTER (WHERE query <> '<insufficient privilege>'))[1] AS text,
       pg_catalog.count(*) AS entries,
       pg_catalog.sum(calls)::bigint AS calls,
       pg_catalog.sum(total_exec_time) AS total_ms,
       pg_catalog.min(min_exec_time) AS min_ms,
       pg_catalog.max(max_exec_time) AS max_ms,
       pg_catalog.sqrt(GREATEST(pg_catalog.sum(calls * (stddev_exec_time ^ 2 + mean_exec_time ^ 2))
                                / NULLIF(pg_catalog.sum(calls), 0)::float8
                                - (pg_catalog.sum(total_exec_time) / NULLIF(pg_catalog.sum(calls), 0)::float8) ^ 2,
                                0)) AS stddev_ms,
       pg_catalog.sum(total_plan_time) AS planning_ms,
       pg_catalog.sum(rows)::bigint AS rows,
       pg_catalog.sum(shared_blks_hit)::bigint AS shared_hit_blocks,
       pg_catalog.sum(shared_blks_read)::bigint AS shared_read_blocks,
       pg_catalog.sum(shared_blks_dirtied)::bigint AS shared_dirtied_blocks,
       pg_catalog.sum(temp_blks_read)::bigint AS temp_read_blocks,
       pg_catalog.sum(temp_blks_written)::bigint AS temp_written_blocks,
       pg_catalog.sum(shared_blk_read_time + shared_blk_write_time + local_blk_read_time + local_blk_write_time
                      + temp_blk_read_time + temp_blk_write_time) AS io_ms,
       pg_catalog.sum(wal_bytes)::bigint AS wal_bytes,
       pg_catalog.sum(jit_generation_time + jit_inlining_time + jit_optimization_time + jit_emission_time
                      + jit_deform_time) AS jit_ms,
       pg_catalog.min(stats_since) AS since
FROM public.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
GROUP BY queryid
ORDER BY total_ms DESC, queryid;
