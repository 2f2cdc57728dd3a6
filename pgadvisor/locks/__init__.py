"""What each command of a migration locks, rewrites and scans, by version of the server."""
