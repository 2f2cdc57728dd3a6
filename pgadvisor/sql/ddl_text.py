"""The text of a DDL statement: which part of it a clause of the tree is."""

from pgadvisor.model.finding import Span
from pgadvisor.sql.nodes import strings
from pgadvisor.sql.parse import Node, Parsed
from pgadvisor.sql.syntax import location

Name = tuple[str | None, str]
"""(schema, name); no schema: the search path decides."""

_OPEN, _CLOSE = frozenset("(["), frozenset(")]")
_CLAUSES_WORDS = """
    not null constraint check primary unique references generated deferrable initially default collate storage
    compression using enforced no
"""
CLAUSES = frozenset(_CLAUSES_WORDS.split())
"""Words that begin the next clause of a column, outside parentheses."""


class DdlText:
    """One statement with its tokens; positions are those of its own text, moved by `offset` in spans."""

    def __init__(self, parsed: Parsed, offset: int = 0) -> None:
        self.parsed = parsed
        self.words = tuple(token.text.lower() for token in parsed.tokens)
        self._offset = offset

    def at(self, node: Node) -> int | None:
        """The number of the token where a node begins."""
        return self.parsed.positions.get(location(node))

    def whole(self) -> Span:
        """All of the statement without a closing semicolon."""
        last = len(self.words) - 1
        while last > 0 and self.words[last] == ";":
            last -= 1
        return self.span(0, last)

    def span(self, first: int, last: int) -> Span:
        """From the first to the last token."""
        tokens = self.parsed.tokens
        return Span(start=tokens[first].start + self._offset, end=tokens[last].end + self._offset)

    def text(self, first: int, last: int) -> str:
        """The text from the first to the last token."""
        tokens = self.parsed.tokens
        return self.parsed.text[tokens[first].start : tokens[last].end]

    def pieces(self, first: int) -> list[tuple[int, int]]:
        """The tokens from there on, cut at the commas outside brackets: first and last of each piece."""
        found, depth, start = [], 0, first
        last = len(self.words) - 1
        while last > first and self.words[last] == ";":
            last -= 1
        for number in range(first, last + 1):
            depth += (self.words[number] in _OPEN) - (self.words[number] in _CLOSE)
            if self.words[number] == "," and depth == 0:
                found.append((start, number - 1))
                start = number + 1
        return [*found, (start, last)]

    def partner(self, opening: int) -> int:
        """The bracket that closes the one of that number."""
        depth = 0
        for number in range(opening, len(self.words)):
            depth += (self.words[number] in _OPEN) - (self.words[number] in _CLOSE)
            if depth == 0:
                return number
        return len(self.words) - 1

    def clause(self, first: int, ends: frozenset[str] = CLAUSES) -> str | None:
        """The text from there to the next clause, comma or closing bracket; its first token always belongs to it."""
        number = first
        while number < len(self.words):
            word = self.words[number]
            if word in _CLOSE or word in (",", ";") or (number > first and word in ends):
                break
            number = (self.partner(number) if word in _OPEN else number) + 1
        return self.text(first, number - 1) if number > first else None

    def bracketed(self, first: int) -> str | None:
        """The text inside the first brackets from there on, spread over no comma or clause before them."""
        for number in range(first, len(self.words)):
            if self.words[number] == "(":
                closing = self.partner(number)
                return self.text(number + 1, closing - 1) if closing > number + 1 else None
        return None

    def after_words(self, start: int, *wanted: str) -> int | None:
        """The number of the token after the first place, from there on, where those words stand outside brackets."""
        number = start
        while number < len(self.words):
            if self.words[number : number + len(wanted)] == wanted:
                return number + len(wanted)
            number = (self.partner(number) if self.words[number] in _OPEN else number) + 1
        return None


def relation(node: Node | None) -> Name | None:
    """The name in a RangeVar."""
    if not node:
        return None
    return node.get("schemaname"), node["relname"]


def dotted(parts: list[Node]) -> Name:
    """The name that a list of String nodes spells."""
    names = strings(parts)
    return (names[-2] if len(names) > 1 else None), (names[-1] if names else "")
