"""Rules whose check receives a parsed query."""
