"""pgadvisor: audits the queries of a PostgreSQL database and says what to change, with proof."""

__version__ = "0.1.0"
