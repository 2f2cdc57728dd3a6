"""Advice tried for real: on a copy of the database that the user names, all of it taken back at the end."""
