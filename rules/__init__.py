"""What pgadvisor knows: a file is a rule, the folder says what its check receives."""
