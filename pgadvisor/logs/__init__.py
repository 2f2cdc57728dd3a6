"""Log files to what they tell: records, statements, plans, requests, events; read in chunks whose results merge."""
