"""Comments with tags, taken off the texts of a log: nearly the same comment comes a million times."""

import re

from pgadvisor.logs.entry import text_of
from pgadvisor.sql.tags import Tags, read_tags

MOST_KNOWN = 5_000
_OF_ONE_REQUEST = frozenset(("traceparent", "tracestate", "request_id"))
_TRACE = re.compile(rb"traceparent='([^']*)'")
_MARK = b"traceparent='-'"


class Tagging:
    """Reads tags, and remembers."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Tags, Tags]] = {}

    def read(self, text: bytes) -> tuple[bytes, Tags, Tags]:
        """The text without the tags, all tags, and those that do not name one request."""
        start = text.find(b"/*")
        if start <= 0 or not text.endswith((b"*/", b"*/;")):
            return self._whole(text) if start >= 0 else (text, (), ())
        comment = text[start:]
        tags, lasting = self._known.get(comment) or self._learn(comment)
        return (text[:start].rstrip(), tags, lasting) if tags else self._whole(text)

    def _learn(self, comment: bytes) -> tuple[Tags, Tags]:
        """Of the one comment, or of a text that begins with one; comments that differ in the trace alone are alike."""
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        trace = _TRACE.search(comment)
        if trace is None:
            return self._learn_alike(comment)
        tags, lasting = self._known.get(alike := _TRACE.sub(_MARK, comment)) or self._learn_alike(alike)
        told = text_of(trace[1])
        tags = tuple((key, told if key == "traceparent" else value) for key, value in tags)
        return self._known.setdefault(comment, (tags, lasting))

    def _learn_alike(self, comment: bytes) -> tuple[Tags, Tags]:
        is_one = comment.find(b"*/") >= len(comment) - 3
        tags = read_tags(text_of(comment))[0] if is_one else ()
        return self._known.setdefault(comment, (tags, _lasting(tags)))

    def _whole(self, text: bytes) -> tuple[bytes, Tags, Tags]:
        """Of a text with more than one comment, or with one inside."""
        tags, rest = read_tags(text_of(text))
        return (rest.encode("utf-8", "surrogatepass"), tags, _lasting(tags)) if tags else (text, (), ())


def _lasting(tags: Tags) -> Tags:
    return tuple((key, value) for key, value in tags if key not in _OF_ONE_REQUEST)
