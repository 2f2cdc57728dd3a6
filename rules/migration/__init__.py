"""Rules of the gate, whose check receives one step of a migration."""
