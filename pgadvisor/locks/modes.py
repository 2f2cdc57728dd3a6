"""Lock modes of tables: their order, and what each keeps from running."""

from typing import Literal

LockMode = Literal[
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
]
"""As the documentation names them (https://www.postgresql.org/docs/current/explicit-locking.html)."""

MODES: tuple[LockMode, ...] = LockMode.__args__  # type: ignore[attr-defined]
"""From the weakest to the strongest."""


def stronger(one: LockMode | None, other: LockMode | None) -> LockMode | None:
    """The stronger of two modes; None is none."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=MODES.index)


def blocks_reads(mode: LockMode | None) -> bool:
    """Whether a SELECT has to wait."""
    return mode == "ACCESS EXCLUSIVE"


def blocks_writes(mode: LockMode | None) -> bool:
    """Whether INSERT, UPDATE and DELETE have to wait."""
    return mode is not None and MODES.index(mode) >= MODES.index("SHARE")


def mode_of(name: str) -> LockMode:
    """The mode that pg_locks calls `AccessExclusiveLock`."""
    plain = name.removesuffix("Lock").lower()
    return next(mode for mode in MODES if mode.replace(" ", "").lower() == plain)
