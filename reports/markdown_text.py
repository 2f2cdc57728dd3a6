"""Texts of a database in Markdown, of GitHub and GitLab alike: nothing in them formats, links or mentions."""

import html
import re
from typing import NamedTuple

from pgadvisor.reports import prose
from pgadvisor.reports.visible_text import folded, visible

LONGEST = 400
"""Characters of a message that are shown."""
LONGEST_LINE = 800
ACTIVE = re.compile(
    r"""
      [@\#$~^]                  # mentions, numbers of issues, formulas, labels
    | [!%&][^\s.,;:)]           # GitLab: merge requests, milestones, epics
    | :// | www\.               # what is linked by itself
    | :[\w+-]+: | [\[*]\w+:     # emoji; GitLab: [issue:1], *iteration:1
    | [0-9A-Fa-f]{7}            # commits
    | [A-Z]-\d                  # GitHub: GH-1 and the numbers of other trackers
    """,
    re.VERBOSE,
)
"""A word that a forge would make something of, even where its signs are escaped: it looks at the text when that is
rendered. In code it does not look. https://docs.gitlab.com/user/markdown/#gitlab-specific-references and
https://docs.github.com/en/get-started/writing-on-github."""
SIGNS = re.compile(r"[\\`*\[\]]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""Signs of Markdown within a line; `line` sees to those that matter where one begins."""
BEGINNING = re.compile(r"(?!\d+[.)])[^\W_]")
"""Of a line that is a paragraph, whatever follows."""
TICKS = re.compile("`+")
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
"""Of ASCII: as numbers none of it is a sign of anything."""


class Run(NamedTuple):
    """Neighbouring words that are all code, or all not."""

    is_code: bool
    text: str


def inline(text: str, most: int = LONGEST) -> str:
    """A message of a finding, on one line: what stands between backticks is code, and so is all that could act."""
    return "".join(_code(run.text) if run.is_code else _escaped(run.text) for run in _runs(text, most))


def line(text: str, most: int = LONGEST_LINE) -> str:
    """A text that begins a line, which its first sign could make a list, a heading or a command to GitLab."""
    told = inline(text, most)
    return told if BEGINNING.match(told) else f"&nbsp;{told}"


def code(text: str, most: int = LONGEST) -> str:
    """A name or a text on one line, as code."""
    return _code(_cut(text, most))


def in_html(text: str, most: int = LONGEST) -> str:
    """The same as `inline` for a place between tags, where Markdown is not read."""
    told = ((run.is_code, html.escape(run.text)) for run in _runs(text, most))
    return "".join(f"<code>{each}</code>" if is_code else each for is_code, each in told)


def fenced(sql: str, language: str = "sql") -> str:
    """A block of code; its fence is longer than any within, so that no text can end it."""
    shown = visible(sql)
    fence = "`" * max(3, 1 + max((len(run) for run in TICKS.findall(shown)), default=0))
    return f"{fence}{language}\n{shown.rstrip()}\n{fence}"


def _runs(text: str, most: int) -> list[Run]:
    """The text in runs: words that could act count as code, and joined code is one run."""
    runs: list[Run] = []
    for piece in prose.inline(_cut(text, most)):
        for word in re.split(r"(\s+)", piece.text) if piece.kind == "plain" else [piece.text]:
            is_code = piece.kind == "code" or ACTIVE.search(word) is not None
            if word and runs and runs[-1].is_code == is_code:
                runs[-1] = Run(is_code, runs[-1].text + word)
            elif word:
                runs.append(Run(is_code, word))
    return runs


def _cut(text: str, most: int) -> str:
    """The text on one line, cut before its unseen characters are shown and again after, so that none is slow."""
    return folded(visible(folded(text, most)), most)


def _code(text: str) -> str:
    """A span of code, in more backticks than there are in it; with a bar, which would end a cell, in tags."""
    if not text.strip():
        return text
    if "|" in text:
        return f"<code>{PUNCTUATION.sub(_as_number, text)}</code>"
    ticks = "`" * (1 + max((len(run) for run in TICKS.findall(text)), default=0))
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _escaped(text: str) -> str:
    return SIGNS.sub(lambda match: f"\\{match[0]}", html.escape(text, quote=False)).replace("|", "&#124;")


def _as_number(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
