"""How far a long job has come: what the command line shows while it waits."""

from typing import Protocol


class Progress(Protocol):
    """Is told of each step: `progress("statistics", 3, 12)`; a total of 0 means that the end is not known."""

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """`done` of `total` steps of the stage are over."""


def no_progress(stage: str, done: int, total: int, /) -> None:
    """The Progress that tells nobody."""
