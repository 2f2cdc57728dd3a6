"""Indexes reasoned about: which one a scan asks for, how big it gets, what it costs, which one covers which."""
