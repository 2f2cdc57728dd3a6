"""Which indexes are best for the whole workload, and how near to the best that is."""
