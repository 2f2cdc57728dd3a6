"""Tests of jobs side by side: each has a process of its own, so that nothing it does reaches another."""

import os
import signal
from typing import Any

from pgadvisor.cli.side_by_side import Failure, Tell, side_by_side
from pgadvisor.errors import UsageError


def _work(job: str, tell: Tell) -> str:
    """What a job's process does."""
    tell("looking")
    tell("writing")
    if job == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "refused":
        raise UsageError("this is not for us: ask another")
    if job == "crashed":
        raise ZeroDivisionError("words of a stranger")
    return f"{job} done"


def test_a_crash_takes_no_other_job_along() -> None:
    found: dict[int, Any] = {}
    most: list[int] = []
    running: set[int] = set()
    stages: list[tuple[int, str]] = []

    def started(place: int) -> None:
        running.add(place)
        most.append(len(running))

    def ended(place: int, result: object) -> None:
        running.remove(place)
        found[place] = result

    def reached(place: int, stage: str) -> None:
        assert place in running
        stages.append((place, stage))

    jobs = ["a", "killed", "refused", "crashed", "b"]
    side_by_side(_work, jobs, at_once=2, started=started, reached=reached, ended=ended)
    assert sorted(stages) == [(place, stage) for place in range(5) for stage in ("looking", "writing")]
    assert max(most) == 2 and not running
    assert (found[0], found[4]) == ("a done", "b done")
    killed, refused, crashed = (found[place] for place in (1, 2, 3))
    assert isinstance(killed, Failure) and "was ended by signal 9: audit it alone" in killed.sentence
    assert refused == Failure(sentence="this is not for us: ask another")
    assert "internal error (ZeroDivisionError): run again with --debug" in crashed.sentence
    assert "stranger" not in crashed.sentence
