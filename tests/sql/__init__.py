"""Tests of `pgadvisor.sql`."""
