"""The identity of a migration's finding across runs: no line, which a new comment moves, and no size, which grows."""

import hashlib

from pgadvisor.model.finding import Finding
from pgadvisor.sql.fingerprint import fingerprint


def key_of(finding: Finding, statement: str = "") -> str:
    """The same for the same fault tomorrow: rule, file, what the statement does, and to what.

    `statement`: the text that was judged; two that differ in their constants alone are told apart by what they name.
    Its message does not count: sizes and times stand in it.
    """
    where = finding.where
    identity = (
        where.file or "", where.table or "", where.column or "", where.index or "", finding.cause or "",
        fingerprint(statement) if statement else where.statement or "",
    )  # fmt: skip
    digest = hashlib.blake2s("\0".join((finding.rule, *identity)).encode("utf-8", "surrogatepass"), digest_size=6)
    return f"{finding.rule}:{digest.hexdigest()}"
