"""Rules whose check receives the whole snapshot."""
