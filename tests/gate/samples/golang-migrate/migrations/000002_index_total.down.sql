DROP INDEX CONCURRENTLY orders_id_total_idx;
