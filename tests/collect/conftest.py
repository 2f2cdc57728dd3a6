"""Fixtures of the tests of `collect`."""

from tests.collect.fix_collect import either, empty, pooler, standby, without_library

__all__ = ["either", "empty", "pooler", "standby", "without_library"]
