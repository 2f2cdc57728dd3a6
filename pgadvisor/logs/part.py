"""What one stretch of a log told, as sums that merge: whatever the stretches, all of them together say the same."""

from collections.abc import Iterable
from typing import NamedTuple

from pgadvisor.logs.figures import Figures
from pgadvisor.logs.requests import Requests
from pgadvisor.sql.tags import Tags

FAIR, SLOWEST = 4, 2
"""Plans kept of a statement: of all runs alike, and of the slowest."""
VALUES = 8
"""Runs of a statement whose parameters are kept, where values are."""
MOST_GROUPS = 20_000
"""So many kinds of statements are told apart, the first of them."""
OTHERS = ""
"""The key of the group that takes in all statements of kinds beyond the most."""
MOST_EVENTS = 1_000
"""So many kinds of events: an error may be worded otherwise each time."""
OTHER_EVENTS = f"others, beyond the first {MOST_EVENTS:,} kinds"
TAG_SETS = 32
"""Different tags of one statement that are remembered before only what they share is."""

Place = int
"""Where a record stands: the file's number, and the byte in it."""
FILE = 1 << 44
"""Bytes that a file has at most: so much a file's number counts in a place."""


class Line(NamedTuple):
    """A line of a file, counted from the beginning of a stretch; in their order."""

    file: int
    stretch: int
    line: int


class Plan(NamedTuple):
    """One logged plan; the least of them in this order are kept."""

    rank: int
    """Of the slowest: minus its time. Else by chance, but the same whenever the same log is read."""
    place: Place
    us: int
    at: float
    packed: bytes


class Values(NamedTuple):
    """Parameters of one run."""

    rank: int
    place: Place
    values: tuple[str | None, ...]


class Group:
    """Runs of one statement."""

    __slots__ = (
        "cancelled", "errors", "fair", "first", "key", "kind", "lock_us", "lock_waits", "lone", "nested", "number",
        "runs", "slowest", "tag_sets", "temp_bytes", "temp_files", "text", "times", "values",
    )  # fmt: skip

    def __init__(self, key: str, kind: str, number: int) -> None:
        self.key, self.kind, self.number = key, kind, number
        self.first: Place | None = None
        self.text = b""
        """As first logged, without tags."""
        self.runs = self.nested = self.errors = self.cancelled = 0
        self.temp_bytes = self.temp_files = self.lock_us = self.lock_waits = 0
        self.times = Figures()
        """Durations in microseconds."""
        self.lone: dict[int, Figures] = {}
        """Of plans that came without a duration of the statement, by bin: runs of their own, if it is not logged."""
        self.tag_sets: set[Tags] = set()
        self.fair: list[Plan] = []
        self.slowest: list[Plan] = []
        self.values: list[Values] = []

    def note(self, place: Place, text: bytes) -> None:
        """Remember the first text."""
        if self.first is None or place < self.first:
            self.first, self.text = place, text

    def note_tags(self, tags: Tags) -> None:
        """Remember what a run was tagged with."""
        self.tag_sets.add(tags)
        if len(self.tag_sets) > TAG_SETS:
            self.tag_sets = {shared_tags(self.tag_sets)}

    def merge(self, other: "Group") -> None:
        """Add what the other counted."""
        if other.first is not None:
            self.note(other.first, other.text)
        for name in ("runs", "nested", "errors", "cancelled", "temp_bytes", "temp_files", "lock_us", "lock_waits"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.times.merge(other.times)
        for number, times in other.lone.items():
            self.lone.setdefault(number, Figures()).merge(times)
        for tags in other.tag_sets:
            self.note_tags(tags)
        self.fair = sorted(self.fair + other.fair)[:FAIR]
        self.slowest = sorted(self.slowest + other.slowest)[:SLOWEST]
        self.values = sorted(self.values + other.values)[:VALUES]


def shared_tags(sets: Iterable[Tags]) -> Tags:
    """The tags that are in all of them."""
    first, *others = sorted(sets)
    return tuple(tag for tag in first if all(tag in other for other in others))


class Happening:
    """One kind of event, counted."""

    __slots__ = ("bytes", "count", "first", "first_at", "last_at", "us")

    def __init__(self) -> None:
        self.count = 0
        self.first: Line | None = None
        self.first_at = self.last_at = None  # type: float | None
        self.us: int | None = None
        self.bytes: int | None = None

    def add(self, line: Line, at: float | None, us: int | None = None, size: int | None = None) -> None:
        """Count one."""
        self.count += 1
        self._widen(line, at, at)
        self._sum(us, size)

    def merge(self, other: "Happening") -> None:
        """Add what the other counted."""
        self.count += other.count
        if other.first is not None:
            self._widen(other.first, other.first_at, other.last_at)
        self._sum(other.us, other.bytes)

    def _widen(self, line: Line, first: float | None, last: float | None) -> None:
        self.first = line if self.first is None else min(self.first, line)
        self.first_at = least(self.first_at, first)
        self.last_at = most(self.last_at, last)

    def _sum(self, us: int | None, size: int | None) -> None:
        if us is not None:
            self.us = (self.us or 0) + us
        if size is not None:
            self.bytes = (self.bytes or 0) + size


class Part:
    """All that one stretch told."""

    def __init__(self, *, at_start: bool = False) -> None:
        self.groups: dict[str, Group] = {}
        self.events: dict[tuple[str, str], Happening] = {}
        self.unread: dict[tuple[int, str], Happening] = {}
        """By file and reason."""
        self.records: dict[int, int] = {}
        self.sizes: dict[int, int] = {}
        """Bytes read, by file."""
        self.lines: dict[tuple[int, int], int] = {}
        """How many lines a stretch has, by file and stretch."""
        self.first_at: dict[int, float] = {}
        self.last_at: dict[int, float] = {}
        self.databases: set[str] = set()
        self.least_us: int | None = None
        """The shortest duration that was logged with a statement."""
        self.requests = Requests(at_start=at_start)

    def merge(self, other: "Part") -> None:
        """Add what comes right after this in the log; `other` is used up."""
        for group in other.groups.values():
            self._merge_group(group)
        for event, happening in other.events.items():
            self.event(*event).merge(happening)
        for fault, happening in other.unread.items():
            self.unread.setdefault(fault, Happening()).merge(happening)
        for sums, more in ((self.records, other.records), (self.sizes, other.sizes)):
            for file, count in more.items():
                sums[file] = sums.get(file, 0) + count
        self.lines.update(other.lines)
        for file, at in other.first_at.items():
            self.first_at[file] = min(at, self.first_at.get(file, at))
        for file, at in other.last_at.items():
            self.last_at[file] = max(at, self.last_at.get(file, at))
        self.databases |= other.databases
        if other.least_us is not None:
            self.least_us = other.least_us if self.least_us is None else min(self.least_us, other.least_us)
        self.requests.merge(other.requests)

    @property
    def is_full(self) -> bool:
        """Whether a kind of statement that is not known yet is counted with the others."""
        return len(self.groups) - (OTHERS in self.groups) >= MOST_GROUPS

    def _merge_group(self, group: Group) -> None:
        known = self.groups.get(group.key)
        if known is None and self.is_full:
            known = self.groups.setdefault(OTHERS, Group(OTHERS, group.kind, group.number))
        if known is None:
            self.groups[group.key] = group
        else:
            known.merge(group)

    def event(self, kind: str, what: str) -> Happening:
        """The count of such events."""
        if (kind, what) not in self.events and len(self.events) >= MOST_EVENTS:
            what = OTHER_EVENTS
        return self.events.setdefault((kind, what), Happening())


def least(one: float | None, other: float | None) -> float | None:
    """The lesser of those that are known."""
    return one if other is None else other if one is None else min(one, other)


def most(one: float | None, other: float | None) -> float | None:
    """The greater of those that are known."""
    return one if other is None else other if one is None else max(one, other)
