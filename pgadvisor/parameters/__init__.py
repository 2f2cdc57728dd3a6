"""Values for the parameters of statements: what each parameter is compared with, and what the statistics hold."""
