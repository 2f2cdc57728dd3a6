"""From the options of `pgadvisor indexes` to what the user wishes of the advice."""

import re
from collections.abc import Sequence

from pgadvisor.cli.what_if import existing_index, names_in, table_of
from pgadvisor.errors import UsageError
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.selection.wishes import MOST_WORSE, TIME_LIMIT_S, Wishes
from pgadvisor.sql.identifiers import object_name
from pgadvisor.sql.index_ddl import IndexDdl, read_create_index
from pgadvisor.sql.parse import Unread

UNITS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
"""Powers of 1,024, as `pg_size_pretty` counts: 1 GB is 1 GiB."""
MOST_SHARE = 1.0
"""A bare number above it is more likely to be a percentage than a share."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Budget(Record):
    """How much room new indexes may take."""

    size_bytes: int | None = None
    share: float | None = None
    """Of the size of all tables, 1 is all of it; None: the budget is in bytes."""


class Asked(Record):
    """What the options say, read before any work is done."""

    budget: Budget | None = None
    most_new: int | None = None
    most_worse: float = MOST_WORSE
    why: tuple[IndexDdl | str, ...] = ()
    """A CREATE INDEX, or the name of an index that is there."""
    time_limit_s: float = TIME_LIMIT_S
    workload_is_given: bool = False


def budget_of(text: str) -> Budget:
    """The budget that `10%`, `2GB`, `500 MB`, `1.5GiB` or a count of bytes means. Raises UsageError, also for a part of
    a byte: `0.1` is meant for a share."""
    if found := _PERCENT.fullmatch(text.strip()):
        return Budget(share=float(found[1]) / 100)
    found = _SIZE.fullmatch(text.strip())
    if found and ("." not in found[1] or UNITS[found[2].lower()]):
        return Budget(size_bytes=int(float(found[1]) * 1024 ** UNITS[found[2].lower()]))
    raise UsageError(f'--budget takes a share of the tables\' size or a size, as in 10%, 2GB or 500MB, not "{text}"')


def most_worse_of(text: str) -> float:
    """The share that `10%` or `0.1` means. Raises UsageError."""
    if found := _PERCENT.fullmatch(text.strip()):
        return float(found[1]) / 100
    if _NUMBER.fullmatch(text.strip()) and (share := float(text)) <= MOST_SHARE:
        return share
    raise UsageError(f'--max-regression takes a share, as in 10% or 0.1, not "{text}"')


def asked_about(texts: Sequence[str]) -> tuple[IndexDdl | str, ...]:
    """The indexes that `--why` names. Raises UsageError for a CREATE INDEX that is none."""
    return tuple(_asked_about(text.strip()) for text in texts)


def _asked_about(text: str) -> IndexDdl | str:
    if not re.match(r"create\s", text, re.IGNORECASE):
        return text
    ddl = read_create_index(text)
    if isinstance(ddl, Unread):
        raise UsageError(f"--why takes a CREATE INDEX or the name of an index, and {ddl.reason}: {text}")
    return ddl


def wishes_of(asked: Asked, snapshot: Snapshot) -> Wishes:
    """The wishes for that database. Raises UsageError for a table or an index that it does not have."""
    return Wishes(
        budget_bytes=None if asked.budget is None else _bytes(asked.budget, snapshot),
        most_new=asked.most_new,
        most_worse=asked.most_worse,
        why=tuple(_named(each, snapshot) for each in asked.why),
        time_limit_s=asked.time_limit_s,
        workload_is_given=asked.workload_is_given,
    )


def _bytes(budget: Budget, snapshot: Snapshot) -> int:
    if budget.size_bytes is not None:
        return budget.size_bytes
    sizes = [each.heap_bytes for each in snapshot.tables if each.kind == "table" and each.heap_bytes is not None]
    if not sizes:
        raise UsageError("--budget: the size of no table is known: give a size instead of a share, as in 2GB")
    return int(sum(sizes) * (budget.share or 0.0))


def _named(wanted: IndexDdl | str, snapshot: Snapshot) -> str:
    """The definition with schema and a free name, or `schema.name` of what is there."""
    if isinstance(wanted, str):
        return existing_index(snapshot, wanted, "--why")
    table = table_of(snapshot, wanted, "--why")
    taken = names_in(snapshot, table.schema)
    own = wanted.name if wanted.name not in taken else None  # who asks may have copied the definition of one there
    return wanted.definition(table.schema, own or object_name(table.name, wanted.labels, "idx", taken))
