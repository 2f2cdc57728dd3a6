"""PL/pgSQL by its tokens: the SQL statements in a body, and whether each is sure to run."""

from typing import NamedTuple

from pgadvisor.sql.parse import tokens_of

_THOUGHTS = frozenset(
    ("raise", "exit", "continue", "get", "open", "fetch", "move", "close", "assert", "null", "return")
)
"""Statements that change nothing outside the body."""
_LOOPS = frozenset(("while", "for", "foreach"))
_OPEN, _CLOSE = frozenset("(["), frozenset(")]")
_JOINED = frozenset((".", "[", "]", "%"))


class Piece(NamedTuple):
    """A statement of a body."""

    sql: str
    """SQL without what PL/pgSQL adds, as long as its place; of EXECUTE the expression."""
    start: int
    end: int
    is_conditional: bool
    is_dynamic: bool


def pieces_of(source: str) -> list[Piece]:
    """The SQL statements of a body, in the order of the text."""
    return _Reader(source).read()


class _Reader:
    """Walks the tokens once; `_blocks` holds the constructs that are open, and which of them may not run."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tuple(token for token in tokens_of(source) if token.kind != "comment")
        self._words = tuple(token.text.lower() for token in self._tokens)
        self._blocks: list[bool] = []
        self._pieces: list[Piece] = []
        self._at = 0

    def read(self) -> list[Piece]:
        while self._at < len(self._words):
            self._statement()
        return self._pieces

    def _statement(self) -> None:
        """One statement, or the head of a construct."""
        word = self._words[self._at]
        if word == "<<":
            self._skip_past(">>")
        elif word == "declare":
            self._declarations()
        elif word == "begin":
            self._open(is_conditional=False)
        elif word == "exception" and self._blocks:
            self._blocks[-1] = True
            self._at += 1
        elif word in ("if", "elsif", "elseif", "when"):
            if word == "if":
                self._blocks.append(True)
            self._at += 1
            self._skip_to("then")
        elif word == "else":
            self._at += 1
        elif word == "case":
            self._blocks.append(True)
            self._at += 1
            self._skip_to("when", keep=True)
        elif word == "loop":
            self._open(is_conditional=True)
        elif word in _LOOPS:
            self._loop_head()
        elif word == "end":
            self._close()
        else:
            self._simple(word)

    def _open(self, *, is_conditional: bool) -> None:
        self._blocks.append(is_conditional)
        self._at += 1

    def _close(self) -> None:
        if self._blocks:
            self._blocks.pop()
        self._skip_past(";")

    def _skip_past(self, word: str) -> None:
        while self._at < len(self._words) and self._words[self._at] != word:
            self._at += 1
        self._at += 1

    def _skip_to(self, word: str, *, keep: bool = False) -> int:
        """Past that word outside brackets and CASE … END; the number of the token before it."""
        depth = cases = 0
        while self._at < len(self._words):
            here = self._words[self._at]
            if here == word and depth == cases == 0:
                break
            depth += (here in _OPEN) - (here in _CLOSE)
            cases = max(0, cases + (here == "case") - (here == "end"))
            self._at += 1
        last = self._at - 1
        self._at += 0 if keep else 1
        return last

    def _declarations(self) -> None:
        """Up to the BEGIN that follows the last declaration."""
        self._at += 1
        while self._at < len(self._words) and self._words[self._at] != "begin":
            self._skip_past(";")

    def _loop_head(self) -> None:
        """FOR, FOREACH, WHILE … LOOP: a query in it is run."""
        first = self._at
        last = self._skip_to("loop")
        self._blocks.append(True)
        words = self._words[first : last + 1]
        if "in" not in words:
            return
        start = first + words.index("in") + 1
        is_dynamic = start <= last and self._words[start] == "execute"
        if is_dynamic or (start <= last and self._words[start] in ("select", "with", "update", "delete", "insert")):
            outer = any(self._blocks[:-1])
            self._add(start + is_dynamic, last, is_dynamic=is_dynamic, is_conditional=outer)

    def _simple(self, word: str) -> None:
        """A statement that ends at its semicolon."""
        first = self._at
        last = self._skip_to_semicolon()
        is_conditional = any(self._blocks)
        if word == "execute":
            self._add(first + 1, last, is_dynamic=True, is_conditional=is_conditional)
        elif word == "return" and self._words[first + 1 : first + 2] == ("query",):
            dynamic = self._words[first + 2 : first + 3] == ("execute",)
            self._add(first + 2 + dynamic, last, is_dynamic=dynamic, is_conditional=is_conditional)
        elif word not in _THOUGHTS and not self._is_assignment(first, last):
            self._add(first, last, is_dynamic=False, is_conditional=is_conditional)

    def _skip_to_semicolon(self) -> int:
        """Past the semicolon; the number of the token before it."""
        depth = 0
        while self._at < len(self._words) and not (self._words[self._at] == ";" and depth <= 0):
            depth += (self._words[self._at] in _OPEN) - (self._words[self._at] in _CLOSE)
            self._at += 1
        self._at += 1
        return self._at - 2

    def _is_assignment(self, first: int, last: int) -> bool:
        """`name := …` or `name = …`, with fields and subscripts."""
        number = first + 1
        while number <= last and (self._words[number] in _JOINED or self._words[number - 1] in (".", "[")):
            number += 1
        return number <= last and self._words[number] in (":=", "=")

    def _add(self, first: int, last: int, *, is_dynamic: bool, is_conditional: bool) -> None:
        if first > last:
            return
        if is_dynamic:
            last = self._without_using(first, last)
        start, end = self._tokens[first].start, self._tokens[last].end
        sql = self._source[start:end] if is_dynamic else self._as_sql(first, last)
        self._pieces.append(Piece(sql, start, end, is_conditional, is_dynamic))

    def _without_using(self, first: int, last: int) -> int:
        """The end of EXECUTE's expression: before INTO and USING."""
        depth = 0
        for number in range(first, last + 1):
            if depth == 0 and self._words[number] in ("into", "using") and number > first:
                return number - 1
            depth += (self._words[number] in _OPEN) - (self._words[number] in _CLOSE)
        return last

    def _as_sql(self, first: int, last: int) -> str:
        """The statement as SQL, in its own place: PERFORM is SELECT, INTO targets are blanks."""
        start = self._tokens[first].start
        text = self._source[start : self._tokens[last].end]
        for number in range(first, last + 1):
            if self._words[number] == "into" and self._words[number - 1 : number] not in (("insert",), ("merge",)):
                end = self._targets_end(number + 1, last)
                text = _blanked(text, self._tokens[number].start - start, self._tokens[end].end - start)
        return "SELECT " + text[len("PERFORM") :] if self._words[first] == "perform" else text

    def _targets_end(self, number: int, last: int) -> int:
        """The last token of the list of variables after INTO."""
        number += self._words[number] == "strict"
        while number < last and (self._words[number + 1] in (",", ".") or self._words[number] in (",", ".")):
            number += 1
        return min(number, last)


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]
