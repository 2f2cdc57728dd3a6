"""A mapping that is not changed but followed by another one: the next costs the size of what is new, not of all."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")
_MOST_NEW = 64
"""About the root of how many tables a schema has: copying what is new, and now and then all, costs the same."""


class Layered(Mapping[str, Value], Generic[Value]):
    """What stood there, and over it what is new since; a new value of None: it is gone."""

    def __init__(self, known: Mapping[str, Value] | None = None) -> None:
        self._known: Mapping[str, Value] = known or {}
        self._new: Mapping[str, Value | None] = {}

    def having(self, key: str, value: Value) -> "Layered[Value]":
        """The same with this value for the key."""
        return self._followed({key: value})

    def without(self, *keys: str) -> "Layered[Value]":
        """The same without these keys."""
        gone = dict.fromkeys(each for each in keys if each in self)
        return self._followed(gone) if gone else self

    def _followed(self, new: Mapping[str, Value | None]) -> "Layered[Value]":
        found: Layered[Value] = Layered(self._known)
        found._new = {**self._new, **new}
        return Layered(dict(found.items())) if len(found._new) > _MOST_NEW else found

    def __getitem__(self, key: str) -> Value:
        if key not in self._new:
            return self._known[key]
        value = self._new[key]
        if value is None:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        yield from (each for each in self._known if each not in self._new or self._new[each] is not None)
        yield from (each for each, value in self._new.items() if value is not None and each not in self._known)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return self._new[str(key)] is not None if key in self._new else key in self._known
