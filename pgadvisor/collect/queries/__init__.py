"""Catalog queries, one a file; each runs in psql as it is."""
