"""Tests of which columns an upsert sets in rows that are there."""

import pytest

from pgadvisor.selection.upserts import conflict_columns


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (
            "INSERT INTO c (id, n) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = c.n + excluded.n, at = now()",
            "n at",
        ),
        ('INSERT INTO c VALUES (1) ON CONFLICT (id) DO UPDATE SET ("N", m) = (SELECT 1, 2) WHERE c.m < 9', "N m"),
        ("INSERT INTO c VALUES ($1) ON CONFLICT DO NOTHING", ""),
        ("INSERT INTO c (id, n) VALUES ($1, $2)", ""),
        ("UPDATE c SET n = 1", ""),
        ("INSERT INTO", ""),
    ],
)
def test_conflict_columns(text: str, columns: str) -> None:
    assert conflict_columns(text) == set(columns.split())
