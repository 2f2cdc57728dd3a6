"""Partitioning reasoned about: what speaks for it, and how a table becomes partitioned."""
