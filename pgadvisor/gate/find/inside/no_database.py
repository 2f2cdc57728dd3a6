"""Shuts PostgreSQL's drivers, so that a project's code that connects by an address in a file of its own is refused."""

from __future__ import annotations

import importlib
from typing import Any

_DOORS = (
    ("psycopg", "connect"),
    ("psycopg", "Connection.connect"),
    ("psycopg", "AsyncConnection.connect"),
    ("psycopg2", "connect"),
    ("asyncpg", "connect"),
    ("asyncpg", "create_pool"),
    ("pg8000", "connect"),
    ("pg8000.dbapi", "connect"),
    ("pg8000.native", "Connection"),
)


class NoDatabaseError(Exception):
    """The project asked a database."""


def refuse(*args: Any, **kwargs: Any) -> None:
    """Stands where something connects."""
    raise NoDatabaseError("it connects to a database, and none is asked here")


def shut_drivers() -> None:
    """Before any of the project's code runs, which may take a driver's function to itself."""
    for module, path in _DOORS:
        try:
            place: Any = importlib.import_module(module)
        except Exception:  # noqa: BLE001 - a driver that cannot be imported connects to nothing
            continue
        *classes, name = path.split(".")
        for each in classes:
            place = getattr(place, each)
        setattr(place, name, refuse)
