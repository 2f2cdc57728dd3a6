"""Our own identity of a statement: the same for other literals, across databases and versions."""

import hashlib

from pgadvisor.sql.normalize import NUMBERED
from pgadvisor.sql.parse import fingerprint_of, tokens_of


def fingerprint(text: str) -> str:
    """16 hexadecimal digits. By libpg_query where the text parses; else over its tokens, with all constants alike."""
    found = fingerprint_of(text)
    if found is not None:
        return found
    words = (
        "?" if token.kind in ("string", "number", "parameter") else token.text.lower()
        for token in tokens_of(text)
        if token.kind != "comment"
    )
    return hashlib.sha256(NUMBERED.sub("?", " ".join(words)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
