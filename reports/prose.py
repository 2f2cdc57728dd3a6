"""Prose with `code` in it, and the Markdown pages of rules, in pieces that a template can escape one by one."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["plain", "code", "link"]


class Inline(NamedTuple):
    """A part of a line of prose."""

    kind: Kind
    text: str


class Block(NamedTuple):
    """A block of a page: a heading, a paragraph, a list, or code as it is."""

    kind: Literal["heading", "paragraph", "list", "code"]
    lines: tuple[str, ...]
    level: int = 0
    """Of a heading: 2 for `##`."""


TICKS = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"https://[^\s<>\"'`]+[^\s<>\"'`.,;:)\]]")
FENCE = "```"
LONGEST = 3_000
"""Of a message; what is longer holds a name that somebody made to be too long."""


def inline(text: str) -> tuple[Inline, ...]:
    """A message of a finding: what stands between backticks is code. Never a link: the text may be a stranger's."""
    return tuple(_by(TICKS, "code", text if len(text) <= LONGEST else f"{text[:LONGEST]}…", group=1))


def inline_with_links(text: str) -> tuple[Inline, ...]:
    """A line of a rule's page, which is ours: https addresses are links."""
    return tuple(
        inner
        for piece in inline(text)
        for inner in (_by(LINK, "link", piece.text) if piece.kind == "plain" else (piece,))
    )


def _by(pattern: re.Pattern[str], kind: Kind, text: str, group: int = 0) -> Iterator[Inline]:
    at = 0
    for match in pattern.finditer(text):
        if match.start() > at:
            yield Inline("plain", text[at : match.start()])
        yield Inline(kind, match[group])
        at = match.end()
    if at < len(text):
        yield Inline("plain", text[at:])


def page_summary(page: str) -> str:
    """The fault a rule's page is about: its first line that is no heading."""
    return next((line.strip() for line in page.splitlines() if line.strip() and not line.startswith("#")), "")


def page_blocks(page: str) -> tuple[Block, ...]:
    """The blocks of a rule's page after its title and summary: the small part of Markdown that such pages use."""
    return tuple(_blocks(iter(_after_summary(page))))


def _after_summary(page: str) -> list[str]:
    lines = page.splitlines()
    for at, line in enumerate(lines):
        if line.strip() and not line.startswith("#"):
            return lines[at + 1 :]
    return []


def _blocks(lines: Iterator[str]) -> Iterator[Block]:
    paragraph: list[str] = []
    for line in lines:
        heading = re.match(r"(#{1,6}) +(.*)", line)
        ends = not line.strip() or heading is not None or line.startswith(FENCE)
        if ends and paragraph:
            yield _block(paragraph)
            paragraph = []
        if heading is not None:
            yield Block("heading", (heading[2],), len(heading[1]))
        elif line.startswith(FENCE):
            yield Block("code", tuple(iter(lambda: next(lines, FENCE), FENCE)))
        elif not ends:
            paragraph.append(line)
    if paragraph:
        yield _block(paragraph)


def _block(lines: list[str]) -> Block:
    """A list when its first line begins one: each item with the lines that belong to it."""
    if not re.match(r"([-*]|\d+\.) ", lines[0]):
        text = " ".join(line.strip() for line in lines)
        return Block("paragraph", (text.strip("*") if re.fullmatch(r"\*[^*]+\*", text) else text,))
    items: list[str] = []
    for line in lines:
        if item := re.match(r"([-*]|\d+\.) +(.*)", line):
            items.append(item[2])
        else:
            items[-1] = f"{items[-1]} {line.strip()}"
    return Block("list", tuple(items))
