"""Tabs in a plan made spaces: how wide they were can be seen from the plan itself."""

import re
from collections.abc import Callable, Sequence

STEP = 6
"""Columns by which EXPLAIN sets a node's children to the right."""
_ARROW = re.compile(r"( *)->  ?\S")
_HEADING = re.compile(r"( *)(?:InitPlan|SubPlan|CTE) \S")


def untabbed(lines: Sequence[str]) -> list[str]:
    """The lines with spaces for tabs, in the width that makes the steps of a plan most regular."""
    if not any("\t" in each for each in lines):
        return list(lines)
    ways: list[Callable[[str], str]] = [lambda text: text.expandtabs(8), lambda text: text.expandtabs(4)]
    ways += [_replacing(width) for width in (1, 2, 4, 8)]
    tried = [[way(each) for each in lines] for way in ways]
    return min(tried, key=_irregular)


def _replacing(width: int) -> Callable[[str], str]:
    return lambda text: text.replace("\t", " " * width)


def _irregular(lines: Sequence[str]) -> int:
    """How many nodes stand where EXPLAIN would set none after those before them."""
    found, above, heading = 0, list[int](), -1
    for text in lines:
        if match := _HEADING.match(text):
            heading = len(match[1])
        match = _ARROW.match(text)
        if match is None:
            continue
        column = len(match[1])
        fitting = {*above, *((above[-1] + STEP,) if above else (column,)), heading + 2}
        found += column not in fitting
        above = [*(each for each in above if each < column), column]
    return found
