"""What a new index must say of itself so that it can be named and built: a candidate, or one that a scan asks for."""

from collections.abc import Sequence
from typing import Protocol


class NewKey(Protocol):
    """One key."""

    @property
    def label(self) -> str:
        """What stands for it in the index's name."""

    @property
    def is_descending(self) -> bool:
        """Whether it is in falling order."""

    @property
    def is_column(self) -> bool:
        """Whether it is a bare column."""

    @property
    def operator_class(self) -> str | None:
        """Only where it is not the type's default."""


class NewIndex(Protocol):
    """An index that does not exist yet."""

    @property
    def table(self) -> str:
        """`schema.table`."""

    @property
    def keys(self) -> Sequence[NewKey]:
        """In order."""

    @property
    def method(self) -> str:
        """`btree`, `gin`, …"""

    @property
    def predicate_columns(self) -> Sequence[str]:
        """Columns of its WHERE."""

    @property
    def columns(self) -> frozenset[str]:
        """Every column it holds or speaks of."""

    @property
    def extension(self) -> str | None:
        """The extension whose operator class it needs."""

    @property
    def spelled(self) -> str:
        """All that follows the table's name in CREATE INDEX."""
