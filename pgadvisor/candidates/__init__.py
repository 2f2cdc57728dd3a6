"""Indexes worth trying for a workload, from its queries and the catalog alone."""
