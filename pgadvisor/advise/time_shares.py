"""Where the database time goes: by statement, and by table."""

from collections import defaultdict

from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.model.report import TimeShare
from pgadvisor.model.workload import Statement
from pgadvisor.sql.query import Query

MOST_SHARES = 5
"""Statements (or tables) shown by themselves; a sixth colour in a bar can no longer be told from the others."""
LABEL_LENGTH = 60


def time_by_statement(facts: Facts) -> tuple[TimeShare, ...]:
    """The most costly statements and the rest together; empty when no times are known."""
    timed = [statement for statement in facts.snapshot.statements if statement.total_ms]
    shares = [_share(label(statement, facts), statement.total_ms or 0.0, facts, statement.key) for statement in timed]
    shares.sort(key=lambda share: -share.total_ms)
    rest_ms = facts.total_ms - sum(share.total_ms for share in shares[:MOST_SHARES])
    return (*shares[:MOST_SHARES], *_rest(rest_ms, len(shares) - MOST_SHARES, "statement", facts))


def time_by_table(facts: Facts) -> tuple[TimeShare, ...]:
    """The tables that the time is spent on: a statement's time goes to the tables its plan reads, by their nodes'
    shares; without a plan, in equal parts to those that it names."""
    spent: dict[str, float] = defaultdict(float)
    for statement in facts.snapshot.statements:
        for table, part in _tables_of(facts.plan(statement.key), facts.queries.get(statement.key), facts).items():
            spent[table] += part * (statement.total_ms or 0.0)
    ordered = sorted(spent.items(), key=lambda item: (-item[1], item[0]))
    shares = [_share(table, total_ms, facts) for table, total_ms in ordered[:MOST_SHARES] if total_ms]
    rest_ms = sum(total_ms for _, total_ms in ordered[MOST_SHARES:])
    return (*shares, *_rest(rest_ms, len(ordered) - MOST_SHARES, "table", facts))


def label(statement: Statement, facts: Facts) -> str:
    """A short name for a statement: its own, its route, or what it does to which tables."""
    tags = dict(statement.tags)
    if statement.name or "route" in tags:
        return statement.name or tags["route"]
    query = facts.queries.get(statement.key)
    if query is None:
        return _cut(" ".join(statement.text.split()))
    tables = dict.fromkeys(use.table.removeprefix("public.") for use in query.tables() if use.table)
    verb = query.kind.upper() if query.kind != "other" else ""
    return _cut(f"{verb} {', '.join(tables) or 'without a table'}".strip())


def _tables_of(plan: PlannedStatement | None, query: Query | None, facts: Facts) -> dict[str, float]:
    """Each table that the statement reads, with its part of the statement's time; the parts sum to 1."""
    parts: dict[str, float] = defaultdict(float)
    if plan is not None:
        for node, figures in plan.numbered():
            if node.table is not None:
                parts[_label_of(f"{node.schema}.{node.table}" if node.schema else node.table, facts)] += figures.share
    if not sum(parts.values()) and query is not None:
        parts = defaultdict(float, {_label_of(use.table, facts): 1.0 for use in query.tables() if use.table})
    total = sum(parts.values())
    return {table: part / total for table, part in parts.items()} if total else {}


def _label_of(name: str, facts: Facts) -> str:
    """The table's label; of a partition its topmost parent's."""
    table = facts.table(name)
    while table is not None and table.partition_of and (parent := facts.table(table.partition_of)):
        table = parent
    return table.label if table else name


def _share(name: str, total_ms: float, facts: Facts, statement: str | None = None) -> TimeShare:
    return TimeShare(label=name, total_ms=total_ms, share=total_ms / facts.total_ms, statement=statement)


def _rest(rest_ms: float, count: int, noun: str, facts: Facts) -> tuple[TimeShare, ...]:
    if rest_ms <= 0 or not facts.total_ms:
        return ()
    name = f"{count} other {noun}{'s' if count != 1 else ''}" if count > 0 else "utility and left-out statements"
    return (TimeShare(label=name, total_ms=rest_ms, share=rest_ms / facts.total_ms),)


def _cut(text: str) -> str:
    return text if len(text) <= LABEL_LENGTH else f"{text[: LABEL_LENGTH - 1]}…"
