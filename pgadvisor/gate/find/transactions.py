"""Which statements of a migration run in a transaction: the tool's way, and BEGIN and COMMIT in the file."""

import re
from collections.abc import Sequence

from pgadvisor.model.record import Record

_BEGIN = re.compile(r"(?:begin|start\s+transaction)\b", re.IGNORECASE)
_END = re.compile(
    r"(?:commit|end|rollback|abort)\b(?!\s+prepared\b)(?!(?:\s+(?:work|transaction))?\s+(?:to\b|and\s+chain))"
    r"|prepare\s+transaction\b",
    re.IGNORECASE,
)
ALONE = re.compile(
    r"(?:create|drop)\s+(?:database|tablespace|subscription)\b|alter\s+system\b|vacuum\b|discard\s+all\b"
    r"|(?:create(?:\s+unique)?|drop)\s+index\s+concurrently\b|reindex\b.*\b(?:schema|database|system|concurrently)\b",
    re.IGNORECASE | re.DOTALL,
)
"""What PostgreSQL runs in no transaction, as Flyway (its PostgreSQLParser) and Supabase's CLI know it."""


class Way(Record):
    """How a tool sends the statements of a migration."""

    is_wrapped: bool
    """Within a transaction of its own."""
    is_batch: bool = False
    """All in one message: the server runs several statements of one message in one transaction, asked or not
    (PostgreSQL, Frontend/Backend Protocol, "Multiple Statements in a Simple Query")."""
    lets_out: bool = False
    """What can run in no transaction is sent apart from the others."""


def in_transactions(texts: Sequence[str], way: Way) -> tuple[bool, ...]:
    """Of each statement whether it runs in a transaction with its neighbours."""
    always = way.is_batch and len(texts) > 1
    is_open = way.is_wrapped or always
    is_begun = False
    found = []
    for text in texts:
        is_begun = is_begun or _BEGIN.match(text) is not None
        is_open = is_open or is_begun
        found.append(is_open and not (way.lets_out and not is_begun and ALONE.match(text)))
        if _END.match(text):
            is_open, is_begun = always, False
    return tuple(found)
