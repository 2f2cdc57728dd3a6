"""What is measured, and what came out."""

from pgadvisor.model.advice import Measured
from pgadvisor.model.record import Record

SLOWER = 1.2
"""Times as long: what becomes slower than that is told. Medians of short runs differ by a tenth by themselves."""


class Timed(Record):
    """A statement to run."""

    key: str
    """`Statement.key`."""
    texts: tuple[tuple[str, float], ...]
    """Texts with values in the place of parameters, and the share of the calls that each stands for."""
    calls: float


class BuiltIndex(Record):
    """An index as it was really built."""

    definition: str
    """As it was asked for."""
    size_bytes: int
    """With its partitions' indexes."""
    build_s: float


class Measurement(Record):
    """What all of the advice did, built."""

    statements: tuple[Measured, ...] = ()
    """In the order in which they were given."""
    built: tuple[BuiltIndex, ...] = ()
    ratio: float | None = None
    """Time of all calls with the advice over that without; None: nothing could be measured."""
    slower: tuple[str, ...] = ()
    """Keys of those that take more than 1.2 times as long, in a second look as well; the most lost first."""
    stopped: tuple[str, ...] = ()
    """Keys of those that were stopped on one side: their time there is at least what is told."""
    left_out: tuple[tuple[str, str], ...] = ()
    """(key, why) of those that were not measured."""
    doubts: tuple[str, ...] = ()
    """As sentences."""
