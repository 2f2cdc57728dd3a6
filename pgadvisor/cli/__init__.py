"""The command line: a file a command; alone reads the environment, prints and exits."""
