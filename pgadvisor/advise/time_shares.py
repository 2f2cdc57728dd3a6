"""Where the database time goes: by statement, and by table."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.model.report import TimeShare
from pgadvisor.model.workload import Statement
from pgadvisor.sql.endpoint_name import endpoint_name
from pgadvisor.sql.query import Query

MOST_SHARES = 5
"""Statements (or tables) shown by themselves; a sixth colour in a bar can no longer be told from the others."""
LABEL_LENGTH = 60
WORTH_TELLING = 0.01
"""Share of the time that is in no statement of the report, from which on it is said."""


def time_by_statement(facts: Facts) -> tuple[TimeShare, ...]:
    """The most costly statements and the rest together; empty when no times are known."""
    timed = [statement for statement in facts.snapshot.statements if statement.total_ms]
    timed.sort(key=lambda statement: -(statement.total_ms or 0.0))
    labels = _told_apart(timed[:MOST_SHARES], facts)
    shares = [
        _share(labels.get(statement.key, statement.key), statement.total_ms or 0.0, facts, statement.key)
        for statement in timed
    ]
    return most_costly(
        tuple(shares), "statement", facts, left_out_ms=facts.total_ms - sum(each.total_ms for each in shares)
    )


def table_shares(facts: Facts) -> tuple[TimeShare, ...]:
    """The tables that the time is spent on: a statement's time goes to the tables its plan reads, by their nodes'
    shares; without a plan, in equal parts to those that it names. The most costly first."""
    spent: dict[str, float] = defaultdict(float)
    for statement in facts.snapshot.statements:
        for table, part in _tables_of(facts.plan(statement.key), facts.queries.get(statement.key), facts).items():
            spent[table] += part * (statement.total_ms or 0.0)
    ordered = sorted(spent.items(), key=lambda item: (-item[1], item[0]))
    return tuple(_share(table, total_ms, facts) for table, total_ms in ordered if total_ms)


def most_costly(
    shares: tuple[TimeShare, ...], noun: str, facts: Facts, *, left_out_ms: float = 0.0
) -> tuple[TimeShare, ...]:
    """The first few, and the rest as one; `left_out_ms`: time that is in none of them."""
    shown, others = shares[:MOST_SHARES], shares[MOST_SHARES:]
    rest_ms = sum(each.total_ms for each in others) + max(left_out_ms, 0.0)
    if rest_ms <= 0 or not facts.total_ms:
        return shown
    parts = [f"{len(others)} other {noun}{'s' if len(others) != 1 else ''}"] if others else []
    if not others or left_out_ms >= WORTH_TELLING * facts.total_ms:
        parts.append("utility and left-out statements")
    return (*shown, TimeShare(label=" and ".join(parts), total_ms=rest_ms, share=rest_ms / facts.total_ms))


def _told_apart(statements: Sequence[Statement], facts: Facts) -> dict[str, str]:
    """A label for each, by its key; those that would be alike say what they filter by, or are numbered."""
    labels = {statement.key: label(statement, facts) for statement in statements}
    for more in (_filtered_by, _number):
        alike = {text for text, count in Counter(labels.values()).items() if count > 1}
        numbers = Counter[str]()
        for key, text in labels.items():
            numbers[text] += 1
            if text in alike:
                labels[key] = more(text, facts.queries.get(key), numbers[text])
    return labels


def _filtered_by(text: str, query: Query | None, number: int) -> str:
    columns = dict.fromkeys(each.column.column for each in query.predicates() if each.column) if query else {}
    return _cut(f"{text} by {', '.join(columns)}") if columns else text


def _number(text: str, query: Query | None, number: int) -> str:
    return f"{_cut(text, LABEL_LENGTH - 5)} ({number})"


def label(statement: Statement, facts: Facts) -> str:
    """A short name for a statement: its own, its route, or what it does to which tables."""
    if name := statement.name or endpoint_name(statement.tags):
        return name
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


def _cut(text: str, length: int = LABEL_LENGTH) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
