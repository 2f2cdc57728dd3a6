"""Which form a log has, told from its first lines."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pgadvisor.logs.csvlog import Csvlog
from pgadvisor.logs.entry import Form, text_of
from pgadvisor.logs.jsonlog import Jsonlog
from pgadvisor.logs.prefix import HEAD, Prefix, find_prefix
from pgadvisor.logs.stderr import Stderr
from pgadvisor.logs.wrapping import wrapping_named, wrapping_of

SAMPLE = 300_000
"""Bytes from a file's beginning that tell its form."""


class Shape(NamedTuple):
    """How a log is written: what makes its Form, in this or in another process."""

    form: Literal["stderr", "csv", "json"]
    prefix: str | None = None
    wrapping: str | None = None
    """The key of the Wrapping."""

    def made(self) -> Form:
        """The Form."""
        if self.form == "csv":
            return Csvlog()
        if self.form == "json":
            return Jsonlog()
        return Stderr(Prefix(self.prefix or ""))


def shape_of(sample: bytes, prefix: str | None = None, others: Sequence[str] = ()) -> Shape | None:
    """The form of the log that begins so; None: it is no log of PostgreSQL.

    `prefix`: log_line_prefix, where the user says it; `others`: those worth a try, such as the server's setting now.
    """
    sample = sample.replace(b"\0", b" ")
    if wrapping := wrapping_of(sample):
        inner = shape_of(wrapping.unwrap(sample[: sample.rfind(b"\n") + 1] or sample), prefix, others)
        return inner and inner._replace(wrapping=wrapping.key)
    counts = {
        form: len(re.findall(rb"^(?:" + start.pattern + rb")", sample, re.MULTILINE))
        for form, start in (("csv", Csvlog.start), ("json", Jsonlog.start), ("stderr", HEAD))
    }  # a collector writes a row or two of one form into the file of another while it is set anew
    best = max(counts, key=lambda form: counts[form])
    if counts[best] and best != "stderr":
        return Shape(best)  # type: ignore[arg-type]
    if prefix is not None:
        return Shape("stderr", prefix)
    found = find_prefix(sample, others)
    return Shape("stderr", found.spelled) if found else None


def first_time(shape: Shape, sample: bytes) -> str:
    """The time of the first record, as written; empty where there is none."""
    if shape.wrapping:
        sample = wrapping_named(shape.wrapping).unwrap(sample)
    times = (entry[1] for entry in shape.made().entries(sample[:100_000]) if entry[1])
    return text_of(next(times, b""))
