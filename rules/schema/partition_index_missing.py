"""An index is on most partitions of a table and not on all: the others are read as a whole.

## What it finds
Indexes with the same keys, predicate and method on two or more partitions of a table, and on most of those that are not
small, that no index of the parent ties together and that another partition lacks.

## Why it matters
A query over all partitions looks two of them up and reads the third from end to end. New partitions get no such index
either: only an index of the parent comes with each.

## What to do
Create it on the partitions that lack it, and an index of the parent above all of them.

## When to leave it
Only recent partitions are looked into, and the old ones do without on purpose.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Index,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    counted,
    listed,
    quoted,
    quoted_table,
    replace,
    schema_rule,
    table,
)

LEAST_HAVING = 2
LEAST_SHARE = 0.6
_USING = re.compile(r"\bUSING (.*)\Z", re.DOTALL)
EVENT = table("event", primary_key=None, columns={"at": "date", "user_id": "bigint"}, partition_key="RANGE (at)")


def _part(number: int, *, indexed: bool) -> Table:
    made = table(f"event_{number}", primary_key=None, columns={"at": "date", "user_id": "bigint"}, partition_of="event",
                 indexes={f"event_{number}_user_idx": "user_id"} if indexed else {})  # fmt: skip
    return replace(made, partition_bound=f"FOR VALUES FROM ('2026-{number:02}-01') TO ('2026-{number + 1:02}-01')")


BAD = [
    Example(
        tables=(EVENT, _part(1, indexed=True), _part(2, indexed=True), _part(3, indexed=False)),
        remedy="CREATE INDEX CONCURRENTLY ON public.event_3 USING btree (user_id);\n"
        "CREATE INDEX ON public.event USING btree (user_id);",
    ),
]
GOOD = [
    Example(note="Each has it.", tables=(EVENT, *(_part(number, indexed=True) for number in (1, 2, 3)))),
    Example(
        note="One of three has it: somebody's own affair.",
        tables=(EVENT, _part(1, indexed=True), _part(2, indexed=False), _part(3, indexed=False)),
    ),
    Example(
        note="The one that lacks it is next to empty.",
        tables=(EVENT, _part(1, indexed=True), _part(2, indexed=True),
                replace(_part(3, indexed=False), heap_bytes=8192, pages=1)),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    below = [each for each in facts.partitions(table.qualified) if each.kind == "table"]
    big = [each for each in below if not facts.is_small(each.qualified)]
    for spelled in dict.fromkeys(key for each in big for key in _own(each)):
        having = [each for each in big if spelled in _all(each)]
        lacking = [each for each in big if spelled not in _all(each)]
        is_most = len(having) >= max(LEAST_HAVING, LEAST_SHARE * len(big))
        if lacking and is_most:
            yield _finding(table, spelled, having, lacking)


def _own(partition: Table) -> list[str]:
    """How the partition's own indexes are spelled: those that no index of the parent ties to it."""
    return [spelled for index in partition.indexes if not index.partition_of and (spelled := _spelled(index))]


def _all(partition: Table) -> set[str]:
    return {spelled for index in partition.indexes if (spelled := _spelled(index))}


def _spelled(index: Index) -> str | None:
    """Method, keys and predicate; None: it is unique, of a constraint, or not valid."""
    found = _USING.search(index.definition)
    is_plain = index.is_valid and not (index.is_unique or index.constraint or index.is_exclusion)
    return found[1] if found and is_plain else None


def _finding(table: Table, spelled: str, having: list[Table], lacking: list[Table]) -> Finding:
    built = (f"CREATE INDEX CONCURRENTLY ON {quoted_table(each)} USING {spelled};" for each in lacking)
    return Finding(
        where=Where(table=table.qualified),
        message=f"an index on {spelled.partition(' ')[2]} is on {len(having)} partitions of {table.label}, and not on "
        f"{listed(each.label for each in lacking)}",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"{counted(len(having), 'partition')} with it: "
                     f"{listed(each.label for each in having)}; no index of {table.label} ties them together"),
        ),
        remedy=Remedy(
            text="Create it on those that lack it, then on the parent, which takes over the equal ones of its "
            "partitions; those of new partitions then come by themselves.",
            sql="\n".join([*built, f"CREATE INDEX ON {quoted_table(table)} USING {spelled};"]),
            lock=f"SHARE UPDATE EXCLUSIVE on each partition while it builds; then SHARE on {quoted(table.name)} for an "
            "instant, as long as no new partition lacks it",
            cost="reads each of those partitions twice",
        ),
        wrong_if="the others do without on purpose",
        severity=Severity.WARNING if len(lacking) < len(having) else Severity.INFO,
        cause=f"index of partitions of {table.qualified} {spelled}",
    )  # fmt: skip
