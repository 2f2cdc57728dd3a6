"""The identity of a finding across runs."""

import hashlib
import re

from pgadvisor.facts import Facts
from pgadvisor.model.finding import Finding

_NUMBER = re.compile(r"\d[\d.,]*")


_SHARED = re.compile(r"(index) \S|(subquery) |(exclusion) |(wrapped) |(statistics) [^()]+$")
"""Causes that several rules name: `index public.orders (customer_id)`, which lacks; `index public.a_idx`, which is of
no use for one reason or several; `statistics public.orders`, missing or old; and of one statement, by its fingerprint,
a subquery that runs for each row, one that excludes rows, and a column hidden in an expression."""


def shared_cause(cause: str | None) -> str | None:
    """What a cause is of that several rules may name: `index`, `subquery`, …; None: it is one rule's own."""
    found = _SHARED.match(cause or "")
    return next(filter(None, found.groups())) if found else None


def key_of(finding: Finding, facts: Facts, *, across: bool = True) -> str:
    """The same for the same fault tomorrow: rule, place and cause, and of a statement our own fingerprint.

    No number that a measurement could change goes in; no endpoint of a statement, for it is chance which of those that
    send it came first; and no rule where several may tell the same fault: which of them does hangs on the load.
    `across`: as in `merge`.
    """
    where, statement = finding.where, facts.statement(finding.where.statement)
    fingerprint = statement.fingerprint if statement else ""
    if finding.cause is not None:
        identity = [finding.cause] if across else [finding.cause, fingerprint]
    else:
        identity = [
            where.table or "", where.column or "", where.index or "", "" if statement else where.endpoint or "",
            fingerprint, _NUMBER.sub("", finding.message),
        ]  # fmt: skip
    told_by = shared_cause(finding.cause) or finding.rule
    digest = hashlib.blake2s("\0".join([told_by, *identity]).encode(), digest_size=6).hexdigest()
    return f"{told_by}:{digest}"
