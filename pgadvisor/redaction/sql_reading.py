"""An SQL text, or a part of one, as tokens that know where they stand: what surrounds them, which may be names."""

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

from pgadvisor.sql.identifiers import NAME_BYTES
from pgadvisor.sql.lexer import Token
from pgadvisor.sql.parse import Unread, is_valid, parse_tree, tokens_of

WRAPPERS = (
    "",
    "CREATE TABLE x (y int) PARTITION BY ",
    "SELECT 1 ORDER BY ",
    "ALTER TABLE x ADD ",
    "ALTER TABLE x ATTACH PARTITION y ",
    "CREATE INDEX ON x ",
)
"""What makes a statement of a part: a partition key, conditions or sort keys, a constraint, a bound, keys."""
_UNKNOWN = re.compile(r"(?<![\w?])\?(?![\w?])")


class SqlReading:
    """The tokens of a text without comments, each with its neighbours."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = tokens_of(_UNKNOWN.sub("0", text))  # a plan's `?` would join the operator before it
        self.comments = tuple(token for token in found if token.kind == "comment")
        self.tokens = tuple(
            Token(token.kind, token.start, token.end, text[token.start : token.end])
            for token in found
            if token.kind != "comment"
        )
        self.words = tuple(token.text.lower() for token in self.tokens)
        self.openings, self.firsts = _places(self.words)

    def word(self, at: int) -> str:
        """The token's text in lower case; empty beyond either end."""
        return self.words[at] if 0 <= at < len(self.words) else ""

    def kind(self, at: int) -> str:
        """The token's kind; empty beyond either end."""
        return self.tokens[at].kind if 0 <= at < len(self.tokens) else ""

    def first(self, at: int) -> str:
        """The first word of the statement that the token is in."""
        return self.word(self.firsts[at])

    def before_opening(self, at: int) -> str:
        """The word before the parenthesis that the token is in; empty outside of all."""
        return self.word(self.openings[at] - 1) if self.openings[at] >= 0 else ""

    def chain_start(self, at: int) -> int:
        """Where the dotted name begins that the token is a part of."""
        while at >= 2 and self.words[at - 1] == "." and self.is_word(at - 2):
            at -= 2
        return at

    def is_word(self, at: int) -> bool:
        """Whether the token is a name or a keyword."""
        return self.kind(at) in ("name", "keyword")

    def may_be_name(self, at: int) -> bool:
        """Whether the token is a name: an identifier, or a keyword that stands for one."""
        if not self.is_word(at):
            return False
        if self.tokens[at].text.startswith('"'):
            return True
        if self.kind(at) == "name" and not is_keyword(self.words[at]):
            return True
        if self.names_in_tree is not None:
            can_be = may_be_column(self.words[at]) or self.word(at - 1) in (".", "as")
            return can_be and self.words[at] in self.names_in_tree
        return self.word(at - 1) == "." or self.word(at + 1) == "."

    @cached_property
    def names_in_tree(self) -> frozenset[str] | None:
        """What the parser takes for a name; None where it understands the text in no way."""
        text = _UNKNOWN.sub("0", self.text)
        for wrapper in WRAPPERS:
            tree = parse_tree(wrapper + text)
            if not isinstance(tree, Unread) and tree:
                return frozenset(_names(tree))
        return None


def _places(words: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """For each token where the parenthesis around it opens, -1 outside; and where its statement begins."""
    openings, firsts, stack, first = [], [], [-1], 0
    for at, word in enumerate(words):
        if word == ")" and len(stack) > 1:
            stack.pop()
        openings.append(stack[-1])
        firsts.append(first)
        if word == "(":
            stack.append(at)
        if word == ";":
            first, stack = at + 1, [-1]
    return openings, firsts


def _names(tree: Any) -> Iterator[str]:
    """The strings of a tree that are no constants: libpg_query keeps those in `A_Const`."""
    if isinstance(tree, list):
        for each in tree:
            yield from _names(each)
    elif isinstance(tree, dict):
        for key, each in tree.items():
            if isinstance(each, str) and key != "defname":  # an option: CONCURRENTLY
                yield each
            elif key != "A_Const":
                yield from _names(each)


@lru_cache(maxsize=10_000)
def is_keyword(word: str) -> bool:
    """Whether PostgreSQL's grammar knows the word, be it reserved or not."""
    found = tokens_of(word)
    return len(found) == 1 and found[0].kind == "keyword"


@lru_cache(maxsize=10_000)
def may_be_column(keyword: str) -> bool:
    """Whether the keyword can name a column without quotes: `name` and `timestamp`, not `select`."""
    return is_valid(f"UPDATE x SET {keyword} = 1")


@lru_cache(maxsize=10_000)
def name_of(written: str) -> str:
    """The name that an identifier in SQL spells, as PostgreSQL keeps it: folded or unquoted, cut to fit."""
    if written.startswith('"'):
        name = written[1 : -1 if written.endswith('"') and len(written) > 1 else None].replace('""', '"')
    else:
        name = written.lower()
    return name.encode("utf-8", "surrogatepass")[:NAME_BYTES].decode("utf-8", "ignore") if len(name) > 15 else name
