"""Tests of how a Report is shown."""
