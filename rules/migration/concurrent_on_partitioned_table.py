"""An index of a partitioned table is built or dropped CONCURRENTLY, which PostgreSQL refuses.

## What it finds
CREATE INDEX CONCURRENTLY on a table that is known to be partitioned, and DROP INDEX CONCURRENTLY of an index of one.

## Why it matters
The migration fails: PostgreSQL builds indexes CONCURRENTLY on plain tables and single partitions only.

## What to do
Make the index ON ONLY the partitioned table, which is a matter of a moment, build one CONCURRENTLY on each partition,
and attach them: the parent's index becomes valid with the last.

## When to leave it
Never: it fails.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
"""

import re
from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    is_partitioned,
    migration_rule,
    object_name,
    quoted,
    quoted_table,
    script,
    table,
    table_sql,
)

_PARTS = "CREATE TABLE visits (id bigint, at date) PARTITION BY RANGE (at);"
BAD = [
    Example(
        earlier=_PARTS,
        migration="CREATE INDEX CONCURRENTLY visits_at_idx ON visits (at);",
        remedy="CREATE INDEX visits_at_idx ON ONLY visits (at);",
    ),
    Example(
        tables=(
            table("visits", partition_key="RANGE (at)", columns={"at": "date"}, primary_key=None),
            table("visits_1", partition_of="visits", columns={"at": "date"}, primary_key=None),
        ),
        migration="CREATE INDEX CONCURRENTLY visits_at_idx ON visits USING brin (at) WHERE id > 0;",
        remedy="CREATE INDEX CONCURRENTLY visits_1_at_idx ON public.visits_1 USING brin (at) WHERE id > 0;\n"
        "ALTER INDEX visits_at_idx ATTACH PARTITION public.visits_1_at_idx;",
    ),
    Example(
        earlier=f"{_PARTS} CREATE INDEX visits_at_idx ON visits (at);",
        migration="DROP INDEX CONCURRENTLY visits_at_idx;",
    ),
]
GOOD = [
    Example(
        note="A single partition's index can be built CONCURRENTLY.",
        earlier=f"{_PARTS} CREATE TABLE visits_1 PARTITION OF visits DEFAULT;",
        migration="CREATE INDEX CONCURRENTLY visits_1_at_idx ON visits_1 (at);",
    ),
    Example(
        note="ON ONLY is made in a moment.",
        earlier=_PARTS,
        migration="CREATE INDEX visits_at_idx ON ONLY visits (at);",
    ),
    Example(
        note="A plain table, as far as is known.",
        migration="CREATE INDEX CONCURRENTLY visits_at_idx ON visits (at);",
    ),
]

_COMMANDS = {"create index concurrently": "CREATE INDEX", "drop index concurrently": "DROP INDEX"}
_KEYS = re.compile(r"\bON\s+(?:ONLY\s+)?(?:(?:\"[^\"]+\"|[\w$]+)\s*\.\s*)?(?:\"[^\"]+\"|[\w$]+)\s*(?=\(|USING\b)", re.I)


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    done = _COMMANDS.get(step.command)
    if done is None or not is_partitioned(step):
        return
    yield Finding(
        where=Where(table=step.target, index=step.step.name),
        message=f"{done} CONCURRENTLY on the partitioned table {step.label} fails",
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{step.label} is partitioned"),),
        remedy=Remedy(
            text="Make it ON ONLY the partitioned table, build one CONCURRENTLY on each partition, and attach them."
            if done == "CREATE INDEX"
            else "Drop it without CONCURRENTLY, with a lock_timeout.",
            sql=_by_partition(step) if done == "CREATE INDEX" else None,
        ),
        wrong_if="the table is not partitioned any more",
        severity=Severity.ERROR,
        cause=f"{step.command} {step.step.schema or ''}.{step.step.name}",
    )


def _by_partition(step: MigrationStep) -> str | None:
    """The index on the parent alone, then on each partition that is known; None where its keys are not found."""
    text = step.statement.text
    place = _KEYS.search(text)
    index, above = step.step.index, step.table
    if place is None or index is None or above is None:
        return None
    parts, rest = tuple(each.column or "expr" for each in index.keys), text[place.end() :].strip()
    name, unique = step.step.name or object_name(above.name, parts, "idx"), "UNIQUE " if index.is_unique else ""
    schema = (step.step.table or (None, ""))[0]
    whole = f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)
    lines = [f"CREATE {unique}INDEX {quoted(name)} ON ONLY {table_sql(step)} {rest}"]
    for each in _partitions(step, above):
        own = quoted(object_name(each.name, parts, "idx", frozenset(one.name for one in each.indexes)))
        lines.append(f"CREATE {unique}INDEX CONCURRENTLY {own} ON {quoted_table(each)} {rest}")
        lines.append(f"ALTER INDEX {whole} ATTACH PARTITION {quoted(each.schema)}.{own}")
    return script(*lines)


def _partitions(step: MigrationStep, above: Table) -> list[Table]:
    return [each for each in step.schema.tables() if each.partition_of == above.qualified and not each.partition_key]
