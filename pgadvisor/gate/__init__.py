"""Migrations of a pull request: found, judged, traced, planned, mended."""
