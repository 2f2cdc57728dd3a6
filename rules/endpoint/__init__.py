"""Rules whose check receives the requests of one endpoint."""
