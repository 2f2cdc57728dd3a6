CREATE INDEX CONCURRENTLY "Order_id_total_idx" ON "Order"("id", "total");
