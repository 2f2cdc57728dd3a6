"""Which columns the WHERE of a change of rows binds to constants."""

import pytest

from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.parse import Unread


@pytest.mark.parametrize(
    ("condition", "pinned"),
    [
        ("id = 1", ("id",)),
        ("u.id IN (1, 2) AND name = 'a'", ("id", "name")),
        ("id BETWEEN 1 AND 5", ("id",)),
        ("id = -1", ("id",)),
        ("id = other", ()),
        ("id <> 1", ()),
        ("id NOT IN (1, 2)", ()),
        ("id NOT BETWEEN 1 AND 5", ()),
        ("id = 1 OR name = 'a'", ()),
        ("name IS NULL", ()),
        ("lower(name) = 'a'", ()),
        ("id IN (SELECT 1)", ()),
    ],
)
def test_pinned(condition: str, pinned: tuple[str, ...]) -> None:
    steps = read_ddl(f"UPDATE u SET a = 1 WHERE {condition}")
    assert not isinstance(steps, Unread)
    assert steps[0].pinned == pinned
