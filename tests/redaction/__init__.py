"""Tests of reports without names and literals."""
