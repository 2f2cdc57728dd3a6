"""The demo: a shop database with known problems, and the workload that shows them."""
