"""Comments with tags, taken off the texts of a log: nearly the same comment comes a million times."""

import re
from typing import NamedTuple
from urllib.parse import unquote_plus

from pgadvisor.logs.entry import text_of
from pgadvisor.logs.executed import OF_ONE_REQUEST, Sender, sender_of
from pgadvisor.sql.endpoint_name import request_id
from pgadvisor.sql.tags import Tags, read_tags

MOST_KNOWN = 5_000
_ID = re.compile(
    rb"(?<=[*, ])(" + b"|".join(re.escape(key.encode()) for key in sorted(OF_ONE_REQUEST, reverse=True))
    + rb")(?:='([^']*)'|:([^,]*?)(?=,|\s*\*/))"
)  # fmt: skip
_TRACE = b"traceparent='"
LENGTH_OF_TRACE = 55
"""Of a W3C Trace Context: version, trace, span, flags."""


class Tagged(NamedTuple):
    """What a comment tells."""

    lasting: Tags
    """The tags that do not name one request."""
    sender: Sender
    is_tagged: bool = True


UNTAGGED = Tagged((), Sender(), is_tagged=False)


class Tagging:
    """Reads tags, and remembers."""

    def __init__(self) -> None:
        self._known: dict[bytes, Tagged] = {}

    def read(self, text: bytes) -> tuple[bytes, Tagged]:
        """The text without the tags, and what they tell."""
        start = text.find(b"/*")
        if start <= 0 or not text.endswith((b"*/", b"*/;")):
            return self._whole(text) if start >= 0 else (text, UNTAGGED)
        comment = text[start:]
        tagged = self._known.get(comment) or self._learn(comment)
        return (text[:start].rstrip(), tagged) if tagged.is_tagged else self._whole(text)

    def read_all(self, texts: list[bytes]) -> tuple[list[bytes], list[Tagged]]:
        """The texts without tags, and what the tags of each tell."""
        tagged = [UNTAGGED] * len(texts)
        read = self.read
        for at, text in enumerate(texts):
            if b"/*" in text:
                texts[at], tagged[at] = read(text)
        return texts, tagged

    def _learn(self, comment: bytes) -> Tagged:
        """Of the one comment, or of a text that begins with one; comments that differ in ids alone are alike."""
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        tagged = self._learn_traced(comment)
        ids = _ID.findall(comment) if tagged is None else []
        if ids:
            tagged = self._known.get(alike := _ID.sub(_masked, comment)) or self._learn_alike(alike)
            if tagged.is_tagged:
                told = [(text_of(key), unquote_plus(text_of(value or other))) for key, value, other in ids]
                tagged = Tagged(tagged.lasting, Sender(request_id(told), *tagged.sender[1:]))
        elif tagged is None:
            return self._learn_alike(comment)
        self._known[comment] = tagged
        return tagged

    def _learn_traced(self, comment: bytes) -> Tagged | None:
        """Of a comment that is known but for its trace, as nearly all are; None: of another."""
        at = comment.find(_TRACE)
        if at < 0:
            return None
        start = at + len(_TRACE)
        end = start + LENGTH_OF_TRACE
        alike = self._known.get(comment[:start] + b"-" + comment[end:])
        trace = request_id((("traceparent", comment[start:end].decode("latin-1")),)) if alike else None
        if alike is None or trace is None or not alike.is_tagged:
            return None
        return Tagged(alike.lasting, Sender(trace, *alike.sender[1:]))

    def _learn_alike(self, comment: bytes) -> Tagged:
        is_one = comment.find(b"*/") >= len(comment) - 3
        tags = read_tags(text_of(comment))[0] if is_one else ()
        return self._known.setdefault(comment, _tagged(tags))

    def _whole(self, text: bytes) -> tuple[bytes, Tagged]:
        """Of a text with more than one comment, or with one inside."""
        tags, rest = read_tags(text_of(text))
        return (rest.encode("utf-8", "surrogatepass"), _tagged(tags)) if tags else (text, UNTAGGED)


def _masked(found: re.Match[bytes]) -> bytes:
    return found[1] + (b":-" if found[2] is None else b"='-'")


def _tagged(tags: Tags) -> Tagged:
    if not tags:
        return UNTAGGED
    return Tagged(tuple([tag for tag in tags if tag[0] not in OF_ONE_REQUEST]), sender_of(tags))
