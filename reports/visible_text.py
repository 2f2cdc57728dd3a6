"""Characters that cannot be seen, made visible: nothing in a report may hide, reorder or command."""

import re

UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f"  # controls, but not tab and line feed: an escape would command a terminal
    "\x80-\x9f"  # the second set of controls; 0x9b is an escape of its own
    "\xad\u061c\u180e\u200b\u200e\u200f"  # without width; marks of direction
    "\u2028\u2029\u202a-\u202e\u2060-\u206f"  # line separators; overrides and isolates of direction
    "\ufeff\ufff9-\ufffb"
    "\ud800-\udfff"  # halves of a pair, which no encoding can write
    "\U000e0000-\U000e007f"  # tags
    "]"
)
"""After https://www.unicode.org/reports/tr36/ and https://trojansource.codes. Joiners stay: emoji need them."""


def visible(text: str) -> str:
    """The text with each unseen character shown as `⟨U+202E⟩`."""
    if text.isascii() and text.isprintable():
        return text
    return UNSEEN.sub(_shown, text.replace("\r\n", "\n"))


def folded(text: str, width: int) -> str:
    """The text on one line, cut to the width with an ellipsis."""
    # Far more than the width holds, so that a text of megabytes costs nothing.
    line = " ".join(text[: 4 * width + 400].split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def _shown(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match[0]):04X}⟩"
