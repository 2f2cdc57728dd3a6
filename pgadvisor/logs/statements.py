"""Texts of statements to the groups of their runs: the parser is asked once for each shape."""

from collections.abc import Sequence

from pgadvisor.logs.entry import text_of
from pgadvisor.logs.masking import shapes_of, without_lists
from pgadvisor.logs.part import OTHERS, Group, Part
from pgadvisor.sql.fingerprint import fingerprint

MOST_SHAPES = 50_000
LONGEST_TEXT = 200_000
"""Bytes of a text that are kept of a group: longer ones are bulk INSERTs."""
_SIGNS = b" \t\n(;"


class Statements:
    """The groups of one part."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self.numbered: list[Group] = []
        """All groups, by their number."""
        self._raw: dict[bytes, Group] = {}
        """Texts without literals: they come as they are again and again."""
        self._shapes: dict[bytes, Group] = {}

    def groups_of(self, texts: Sequence[bytes]) -> list[Group]:
        """The group of each text."""
        known = self._raw
        found = [known.get(text) for text in texts]
        missing = [at for at, group in enumerate(found) if group is None]
        groups: list[Group] = found  # type: ignore[assignment]
        if missing:
            shapes = self._shapes
            for at, shape in zip(missing, shapes_of([texts[at] for at in missing]), strict=True):
                groups[at] = shapes.get(shape) or self._learn(shape, texts[at])
        return groups

    def group_of(self, text: bytes) -> Group:
        """The group of one text."""
        return self.groups_of((text,))[0]

    def _learn(self, shape: bytes, text: bytes) -> Group:
        if len(self._shapes) >= MOST_SHAPES:
            self._shapes.clear()
        short = without_lists(shape)
        group = self._shapes.get(short) or self._made(text)
        self._shapes[short] = self._shapes[shape] = group
        if shape == text:
            if len(self._raw) >= MOST_SHAPES:
                self._raw.clear()
            self._raw[text] = group
        return group

    def _made(self, text: bytes) -> Group:
        key = fingerprint(text_of(text))
        group = self._part.groups.get(key)
        if group is None and self._part.is_full:
            key, group = OTHERS, self._part.groups.get(OTHERS)
        if group is None:
            group = self._part.groups[key] = Group(key, _kind(text), len(self.numbered))
            self.numbered.append(group)
        return group


def _kind(text: bytes) -> str:
    """The first word in capitals, behind comments."""
    rest = text.lstrip(_SIGNS)
    while rest.startswith((b"/*", b"--")):
        rest = rest.partition(b"*/" if rest.startswith(b"/*") else b"\n")[2].lstrip(_SIGNS)
    word = rest.split(None, 1)[:1]
    return "".join(sign for sign in text_of(word[0])[:20].upper() if sign.isalpha()) if word else ""
