"""The runs of a block, counted by statement."""

import re
import zlib
from collections.abc import Sequence

from pgadvisor.logs.entry import text_of
from pgadvisor.logs.figures import Figures, bin_of
from pgadvisor.logs.part import VALUES, Group, Part, Values
from pgadvisor.logs.rows import LONE, NESTED, Row
from pgadvisor.logs.sessions import Sessions
from pgadvisor.logs.statements import LONGEST_TEXT
from pgadvisor.logs.sums import count_times
from pgadvisor.logs.tagging import Tagged

_PARAMETER = re.compile(r"\$\d+ = (?:'((?:[^']|'')*)'|(NULL))")


def count_runs(
    part: Part, numbered: Sequence[Group], rows: Sequence[Row], groups: Sequence[Group], texts: Sequence[bytes],
    times: list[int],
) -> None:  # fmt: skip
    """Count each run in its group. `numbered`: all groups, by their number; `texts`: without tags; `times`: µs."""
    numbers = [group.number for group in groups]
    fresh = dict(zip(reversed(numbers), range(len(numbers) - 1, -1, -1), strict=True))
    for number, at in fresh.items():
        numbered[number].note(rows[at][0], texts[at][:LONGEST_TEXT])
    special = [at for at, row in enumerate(rows) if row[5]]
    if min(times) < 0:
        special = sorted({*special, *[at for at, us in enumerate(times) if us < 0]})
    if special:
        _count_special(special, rows, groups, times)
        chosen = sorted(set(range(len(numbers))).difference(special))
        numbers, times = [numbers[at] for at in chosen], [times[at] for at in chosen]
    count_times(numbered, numbers, times)
    if times:
        least = min(times)
        part.least_us = least if part.least_us is None else min(part.least_us, least)


def _count_special(chosen: Sequence[int], rows: Sequence[Row], groups: Sequence[Group], times: Sequence[int]) -> None:
    """Runs without a duration, or known by a plan."""
    for at in chosen:
        group, us, how = groups[at], times[at], rows[at][5]
        if how == LONE:
            group.lone.setdefault(bin_of(us), Figures()).add_sums(1, us, us, us)
            continue
        group.runs += 1
        if how == NESTED:
            group.nested += 1
            group.times.add(us)


def note_tags(groups: Sequence[Group], tagged: Sequence[Tagged]) -> None:
    """Remember what the runs of each group were tagged with."""
    lasting = [each[0] for each in tagged]
    pairs = zip(map(id, groups), map(id, lasting), strict=True)
    for group, tags in dict(zip(pairs, zip(groups, lasting, strict=True), strict=True)).values():
        group.note_tags(tags)


def note_databases(part: Part, rows: Sequence[Row], sessions: Sessions) -> None:
    """Remember where the runs ran."""
    databases = {sessions[name].database for name in {row[3][3] for row in rows}}
    part.databases.update(name for name in databases if name is not None)


def keep_values(rows: Sequence[Row], groups: Sequence[Group], details: dict[int, bytes]) -> None:
    """The parameters of runs taken by chance: those of the slowest are not what most calls ask for."""
    for at, detail in details.items():
        place, group = rows[at][0], groups[at]
        rank = zlib.crc32(place.to_bytes(8, "big"))
        if len(group.values) == VALUES and (rank, place) >= group.values[-1][:2]:
            continue
        if told := _parameters(detail):
            group.values = sorted([*group.values, Values(rank, place, told)])[:VALUES]


def _parameters(detail: bytes) -> tuple[str | None, ...]:
    """`parameters: $1 = '42', $2 = NULL` to values."""
    return tuple(None if null else value.replace("''", "'") for value, null in _PARAMETER.findall(text_of(detail)))
