"""Programs that run in the Python of an audited project, with its packages and without ours."""
