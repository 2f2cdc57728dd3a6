"""The table of locks as data: `locks.json`, a row a command and range of versions."""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from pgadvisor.locks.modes import LockMode
from pgadvisor.model.record import Record

Depends = Literal["yes", "no", "depends"]
Other = Literal[
    "referenced table", "partition", "parent", "default partition", "source", "users", "referencing", "checking"
]


class OtherLock(Record):
    """A lock on a table beside the one that the step names."""

    of: Other
    mode: LockMode


class LockRow(Record):
    """What a command does."""

    command: str
    lock: LockMode | None = None
    """On the table concerned; None: on no table of the user's."""
    min_version: int | None = None
    """First major version that it holds for; None: all."""
    max_version: int | None = None
    others: tuple[OtherLock, ...] = ()
    rewrite: Depends = "no"
    scan: Depends = "no"
    index: Depends = "no"
    on_index: bool = False
    """Its own lock is on the index alone, not on the table."""
    new_file: bool = False
    """It gives the table a new, empty file, which takes no time (TRUNCATE)."""
    transaction: bool = True
    """Whether it may run in a transaction."""
    safe: str | None = None
    """The safe form, as a sentence."""


@cache
def lock_rows() -> tuple[LockRow, ...]:
    """All rows."""
    return msgspec.json.decode((files("pgadvisor.locks") / "locks.json").read_bytes(), type=tuple[LockRow, ...])


@cache
def _by_command() -> dict[str, tuple[LockRow, ...]]:
    found: dict[str, tuple[LockRow, ...]] = {}
    for row in lock_rows():
        found[row.command] = (*found.get(row.command, ()), row)
    return found


def row_of(command: str, version: int) -> LockRow | None:
    """The row of that command for a major version; None when there is none: the command is not known there."""
    return next((row for row in _by_command().get(command, ()) if _fits(row, version)), None)


def _fits(row: LockRow, version: int) -> bool:
    return (row.min_version or 0) <= version <= (row.max_version or version)
