"""Rules whose check receives one table."""
