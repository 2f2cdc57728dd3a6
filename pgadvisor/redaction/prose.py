"""Sentences without names and literals: what pgadvisor itself says stays, all that was put into it is replaced."""

import re
from collections.abc import Iterator

from pgadvisor.redaction import postgres_names
from pgadvisor.redaction.own_words import own_words
from pgadvisor.redaction.pseudonyms import Pseudonyms
from pgadvisor.redaction.sql_reading import is_keyword, name_of
from pgadvisor.redaction.sql_text import Known, pseudonym_of, redact_sql

_TOKEN = re.compile(
    r"""`[^`\n]+` | (?<=\w)'s(?!\w) | "(?:[^"]|"")*" | (?<!\w)'(?:[^']|'')*'(?!\w) | [a-z]+(?:-[a-z0-9]+)+(?!\w)
      | [^\W\d][\w$]*…? | \d+(?:\.\d+){3}(?![\w.]*\w) | \d[\d.,]*(?<![.,]) | \s+ | .""",
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[^\W\d][\w$]*")
_AMOUNT = re.compile(r"'\d+ ?(?:kB|MB|GB|TB|ms|s|min|h|d)'")
"""What a setting is set to: `SET statement_timeout = '5s'`."""
_OPERATORS = frozenset(("=", "<", ">", "+", "*", "/", "%"))
_UNITS = frozenset(("kb", "mb", "gb", "tb", "ms", "s", "min", "h", "d", "x", "e", "n", "utf"))
_SHORT_WORDS = frozenset(
    ("a", "an", "as", "at", "be", "by", "if", "in", "is", "it", "no", "of", "on", "or", "so", "to")
)
"""Words of sentences that are names of columns and aliases as well: they are only where SQL stands around them."""
_PARSER_WORDS = frozenset(("syntax", "near", "unterminated", "identifier", "literal", "hexadecimal", "unrecognized"))
"""In what the parser says of a text it does not understand."""


class Prose:
    """Redacts sentences that speak of one report's names."""

    def __init__(self, pseudonyms: Pseudonyms, known: Known, whole: dict[str, str], rules: frozenset[str]) -> None:
        """`whole`: texts that stand in sentences as they are (`schema.table`, an index's definition), redacted."""
        self._pseudonyms = pseudonyms
        self._known = known
        self._rules = rules
        self._by_word: dict[str, list[str]] = {}
        odd = {
            name: pseudonym_of(name, "name", pseudonyms, known) for name in known if name and not _WORD.fullmatch(name)
        }
        self.whole = {**odd, **{text: each for text, each in whole.items() if text}}
        """Texts that are replaced as they stand, with what stands for each."""
        for text in self.whole:
            self._by_word.setdefault(max(_WORD.findall(text), key=len, default=""), []).append(text)

    def redacted(self, text: str) -> str:
        """The sentence, or whatever it is, with pseudonyms."""
        if text in self.whole:
            return self.whole[text]
        if text in self._known:
            return pseudonym_of(text, "name", self._pseudonyms, self._known)
        return "".join(self._around_whole(text))

    def _around_whole(self, text: str) -> Iterator[str]:
        """The parts of the text, the longest of the whole texts in it replaced first."""
        held = (each for word in {"", *_WORD.findall(text)} for each in self._by_word.get(word, ()) if each in text)
        found = sorted(held, key=len, reverse=True)
        if not found:
            yield from self._words(text)
            return
        at = 0
        for match in re.finditer("|".join(map(_bounded, found)), text):
            yield from self._words(text[at : match.start()])
            yield self.whole[match[0]]
            at = match.end()
        yield from self._words(text[at:])

    def _words(self, text: str) -> Iterator[str]:
        tokens = _TOKEN.findall(text)
        solid = [at for at, token in enumerate(tokens) if not token.isspace()]
        beside = {at: (before, after) for before, at, after in zip([-1, *solid], solid, [*solid[1:], -1], strict=False)}
        for at, token in enumerate(tokens):
            if token.isspace():
                yield token
                continue
            before, after = (tokens[each] if each >= 0 else "" for each in beside[at])
            yield self._token(token, before, after)

    def _token(self, token: str, before: str, after: str) -> str:
        if len(token) > 1 and token[0] == token[-1] == "`":
            return f"`{redact_sql(token[1:-1], self._pseudonyms, self._known).text}`"
        if len(token) > 1 and token[0] == token[-1] == '"':
            return self._quoted(token)
        if len(token) > 1 and token[0] == token[-1] == "'":
            return token if _AMOUNT.fullmatch(token) else redact_sql(token, self._pseudonyms, self._known).text
        if token.count(".") == 3:
            return self._pseudonyms.name(token, "host")
        if token[0].isdecimal() and before in _OPERATORS:
            return self._pseudonyms.number(token) if token not in ("0", "1") else token
        if not (token[0].isalpha() or token[0] == "_"):
            return token
        if token in self._rules:
            return token
        if "-" in token:
            return "-".join(self._word(part, "-", "-") for part in token.split("-"))
        return self._word(token, before, after)

    def _quoted(self, token: str) -> str:
        """A quoted name; or more words, which our own sentences quote: `"dbname=shop"`."""
        name = name_of(token)
        if name in self._known or _WORD.fullmatch(name) or not all(map(self._is_own, _WORD.findall(name))):
            return f'"{pseudonym_of(name, "name", self._pseudonyms, self._known)}"'
        return token

    def _word(self, word: str, before: str, after: str) -> str:
        bare = word.removesuffix("…")
        is_own = self._is_own(bare)
        candidates = (bare,) if is_own else (bare, bare.lower())
        name = next((each for each in candidates if each in self._known), None)
        if name is None and is_own and not (bare != word and self._begins_name(bare)):
            return word
        sides = ("" if self._is_value(each) else each for each in (before, after))
        if name is not None and own_words().has_place(bare, *sides):
            return word
        if bare in _SHORT_WORDS and not {".", "(", ",", ")"}.intersection((before, after)):
            return word
        cut = "…" if bare != word else ""
        return pseudonym_of(name or bare, "name", self._pseudonyms, self._known) + cut

    def _is_own(self, word: str) -> bool:
        """Whether the word is one that pgadvisor, or PostgreSQL, uses."""
        lower = word.lower()
        return (
            lower in own_words().words
            or lower in _UNITS
            or lower in _PARSER_WORDS
            or lower in postgres_names.SCHEMAS
            or word in postgres_names.all_names()
            or is_keyword(lower)
        )

    def _is_value(self, token: str) -> bool:
        return bool(token) and (token[0].isdecimal() or token[0] in "`\"'" or token in self._known)

    def _begins_name(self, word: str) -> bool:
        return any(name.startswith(word) and name != word for name in self._known)


def _bounded(text: str) -> str:
    """A pattern for the text that does not match within a longer word."""
    start = r"(?<![\w$])" if text[0].isalnum() else ""
    end = r"(?![\w$])" if text[-1].isalnum() else ""
    return f"{start}{re.escape(text)}{end}"
