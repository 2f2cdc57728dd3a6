"""The identity of a finding across runs."""

import hashlib
import re

from pgadvisor.facts import Facts
from pgadvisor.model.finding import Finding

_NUMBER = re.compile(r"\d[\d.,]*")


def key_of(finding: Finding, facts: Facts) -> str:
    """The same for the same fault tomorrow: rule, place and cause, and of a statement our own fingerprint.

    No number that a measurement could change goes in.
    """
    where = finding.where
    if finding.cause is not None:
        identity = [finding.cause]
    else:
        statement = facts.statement(where.statement)
        identity = [
            where.table or "", where.column or "", where.index or "", where.endpoint or "",
            statement.fingerprint if statement else "", _NUMBER.sub("", finding.message),
        ]  # fmt: skip
    digest = hashlib.blake2s("\0".join([finding.rule, *identity]).encode(), digest_size=6).hexdigest()
    return f"{finding.rule}:{digest}"
