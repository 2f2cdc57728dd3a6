"""Snapshot to Report: run the rules, merge, rank, suppress."""
