"""Rules whose check receives the plan of one statement."""
