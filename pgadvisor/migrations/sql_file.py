"""A migration as plain SQL: the way up, and the way down in comments."""

import re
from collections.abc import Iterable, Iterator, Sequence

from pgadvisor.migrations.steps import HEED, Line, Step, summary, way_down, way_up

_RUN = (
    "psql -v ON_ERROR_STOP=1 -f FILE (without -1) sends each statement by itself, as it has to be.",
    "Flyway: executeInTransaction=false in FILE.conf. goose: -- +goose NO TRANSACTION. golang-migrate:",
    "x-multi-statement=true. dbmate: transaction:false, and one statement a file.",
)
_BREAK = re.compile(r"(\r\n?|\n)")


def sql_file(steps: Sequence[Step]) -> str:
    """The file."""
    head = [f"-- {each}" for each in (summary(steps), *HEED, *_RUN)]
    down = _commented("\n".join(_lines(way_down(steps))))
    return "\n".join([*head, "", "-- up", *_lines(way_up(steps)), "", "-- down", down, ""])


def _lines(script: Iterable[Line]) -> Iterator[str]:
    for each in script:
        yield f"-- {each.text}" if each.is_comment else f"{each.text};" if each.text else ""


def _commented(text: str) -> str:
    """Each line as a comment; PostgreSQL ends one at a carriage return as well, which a name may hold."""
    pieces = _BREAK.split(text)
    return "".join(piece if at % 2 else f"-- {piece}" if piece else "--" for at, piece in enumerate(pieces))
