"""Blocks of Markdown: tables, lists, what is folded away, and as much of them as there is room for."""

from collections.abc import Iterable, Iterator, Sequence

from pgadvisor.reports import format_numbers as numbers

SECTION_BYTES = 4_000
"""Of a section that is not the first thing to read."""


def table(titles: Sequence[str], rows: Sequence[str], *, right: Sequence[str] = ()) -> str:
    """A table; `right`: titles of the columns of numbers."""
    ruler = " | ".join("--:" if title in right else "---" for title in titles)
    return "\n".join((f"| {' | '.join(titles)} |", f"| {ruler} |", *rows))


def listed(items: Sequence[str], noun: str, room: int = SECTION_BYTES) -> str:
    """A list, as much of it as there is room for; the rest is counted."""
    shown = list(fitting(items, room))
    more = [f"- and {numbers.plural(len(items) - len(shown), f'more {noun}')}"] if len(shown) < len(items) else []
    return "\n".join((*shown, *more))


def disclosed(title: str, blocks: Iterable[str]) -> str:
    """What opens at a click. `title`: HTML. The blank lines let Markdown be read within."""
    return "\n\n".join((f"<details>\n<summary>{title}</summary>", *blocks, "</details>"))


def fitting(blocks: Iterable[str], room: int) -> Iterator[str]:
    """The first blocks, as many as there is room for, counted in bytes."""
    for block in blocks:
        room -= size(block)
        if room < 0:
            return
        yield block


def size(block: str) -> int:
    """With the blank line after it."""
    return len(block.encode()) + 2
