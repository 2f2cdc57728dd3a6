"""Migration files and projects become Migrations, in the order in which their tool would run them."""
