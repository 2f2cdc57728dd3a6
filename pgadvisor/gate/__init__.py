"""The gate: migrations of a pull request found, read, judged, tried and repaired."""
