-- When pg_stat_statements was last reset, and how many entries it threw away for lack of room.
-- Extension version 1.9 and later (PostgreSQL 14 and later).
SELECT dealloc AS evicted, stats_reset AS since
FROM public.pg_stat_statements_info;
