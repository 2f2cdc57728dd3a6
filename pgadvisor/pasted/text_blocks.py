"""From the lines of a text to its plans: where each begins and ends, and lines that were wrapped made whole again."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from pgadvisor.pasted.pasted import Line
from pgadvisor.pasted.text_details import DETAIL, KNOWN
from pgadvisor.pasted.text_nodes import FIGURES, HEADING, is_node_name
from pgadvisor.pasted.text_summary import LAST, SECTIONS, SUMMARY

ARROW = re.compile(r"->\s*")
WORKER = re.compile(r"Worker \d+: ")
_WHOLE = re.compile(r"\((?:cost=[^()]*|actual [^()]*|never executed)\)$")
_BEGUN = re.compile(r"\((?:cost=|actual )[^()]*$|  ?\((?:c(?:o(?:s(?:t)?)?)?|a(?:c(?:t(?:u(?:a(?:l)?)?)?)?)?)?$")
_FIGURE = re.compile(
    r"\((?:cost=[\d.]+\.\.[\d.]+ rows=[\d.]+ width=\d+|actual (?:time=[\d.]+\.\.[\d.]+ )?rows=[\d.]+ loops=\d+)\)"
)
_FIGURES_ONLY = re.compile(r"\((?:cost=|actual |never executed)|(?:rows|width|loops|time)=[\d.]")
_FEW_WORDS = 3
LONGEST = 100_000
"""Characters of a wrapped line: what goes on for longer is no expression."""


class Block(NamedTuple):
    """A plan's lines, and those before it that belong to no plan."""

    before: tuple[Line, ...]
    lines: tuple[Line, ...]


def blocks(lines: Sequence[Line]) -> tuple[Block, ...]:
    """The plans in the lines, in order. Each line of a block is whole: a node, a heading, a detail or a summary."""
    found: list[Block] = []
    before: list[Line] = []
    at = 0
    while at < len(lines):
        if not _is_root(lines, at):
            before.append(lines[at])
            at += 1
            continue
        end, whole = _plan_from(lines, at)
        found.append(Block(tuple(before), tuple(whole)))
        before, at = [], end
    return tuple(found)


def _is_root(lines: Sequence[Line], at: int) -> bool:
    """Whether a plan begins here: a node with figures; or one that is known, with a line of a plan after it."""
    text = lines[at].text.strip()
    if ARROW.match(text):
        return bool(FIGURES.search(text))
    if re.search(r"\s\((?:cost=\d|actual (?:time|rows)=\d|never executed\))", text):
        return True
    if not is_node_name(text) or text.endswith(":"):
        return False
    after = next((each.text.strip() for each in islice(lines, at + 1, None) if each.text.strip()), "")
    if _FIGURES_ONLY.match(after) or ARROW.match(after) or HEADING.match(after) or _is_known_detail(after):
        return True
    is_first = not any(each.text.strip() for each in lines[max(at - 1, 0) : at])
    return is_first and (not after or bool(SUMMARY.match(after)) or len(text.split()) >= _FEW_WORDS)


def _plan_from(lines: Sequence[Line], start: int) -> tuple[int, list[Line]]:
    """The line after the plan that begins there, and the plan's lines, each whole."""
    whole = [lines[start]]
    at, is_ending = start + 1, False
    while at < len(lines):
        text = lines[at].text.strip()
        if not text:
            if not _goes_on(lines, at, whole[-1].text):
                break
        elif _is_torn(whole[-1].text) or _FIGURES_ONLY.match(text):
            whole[-1] = _joined(whole[-1], text)
        elif _is_line(text, lines[at].column):
            whole.append(lines[at])
        elif _is_root(lines, at) and _has_figures(whole[-1].text, whole):
            break
        elif len(whole[-1].text) < LONGEST and _continues(whole[-1].text, lines[at]):
            whole[-1] = _joined(whole[-1], text)
        else:
            break
        at += 1
        if LAST.match(whole[-1].text.strip()):
            is_ending = True
        if is_ending and not (at < len(lines) and SUMMARY.match(lines[at].text.strip())):
            break
    return at, whole


def _is_line(text: str, column: int) -> bool:
    """Whether a line of a plan begins here, other than a root's."""
    if ARROW.match(text) or HEADING.match(text) or SUMMARY.match(text) or WORKER.match(text):
        return True
    return (bool(DETAIL.match(text)) and (column > 0 or _is_known_detail(text))) or _is_target(text, column)


def _is_target(text: str, column: int) -> bool:
    """`Update on orders_2024`: one of several tables that a ModifyTable changes."""
    is_named = re.match(r"(?:Foreign )?(?:Insert|Update|Delete|Merge) on \S", text) is not None
    return column > 0 and is_named and is_node_name(text) and not FIGURES.search(text)


def _is_known_detail(text: str) -> bool:
    match = DETAIL.match(text)
    return match is not None and match["key"] in KNOWN


def _goes_on(lines: Sequence[Line], at: int, last: str) -> bool:
    """Whether after empty lines the same plan goes on."""
    after = next((each for each in islice(lines, at, None) if each.text.strip()), None)
    if after is None:
        return False
    text = after.text.strip()
    if SUMMARY.match(text) or _is_known_detail(text) or HEADING.match(text) or _is_torn(last):
        return True
    return bool(ARROW.match(text)) and after.column > 0


def _is_torn(text: str) -> bool:
    """Whether a line ends in the middle of its figures."""
    return _BEGUN.search(text) is not None


def _has_figures(text: str, whole: Sequence[Line]) -> bool:
    """Whether the last line is complete: where a plan has figures each node has them."""
    is_node = ARROW.match(text.strip()) is not None or len(whole) == 1
    return not is_node or not FIGURES.search(whole[0].text) or _WHOLE.search(text) is not None


def _continues(last: str, line: Line) -> bool:
    """Whether it is the rest of a wrapped line: of an expression, or of a node's name."""
    if SUMMARY.match(last.strip()) and last.strip().rstrip(":") not in SECTIONS:
        return False
    is_open = last.count("(") > last.count(")") or last.count("'") % 2 == 1
    is_name = ARROW.match(last.strip()) is not None and not _WHOLE.search(last)
    is_list = last.rstrip().endswith((",", " AND", " OR"))
    return is_open or is_name or is_list or line.column > 0


def _joined(line: Line, rest: str) -> Line:
    """Both as one: where a terminal cut figures in the middle of a number or a word, without a space between."""
    apart, together = f"{line.text} {rest}", f"{line.text}{rest}"
    if not _is_torn(line.text):
        return Line(line.number, apart)
    is_cut = len(_FIGURE.findall(together)) > len(_FIGURE.findall(apart))
    is_torn = not re.match(r"(?:rows|width|loops|time)=|\.\.", rest)
    return Line(line.number, together if is_cut or (is_torn and _is_torn(together)) else apart)
