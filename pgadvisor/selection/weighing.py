"""Statements weighed: which tables each reads, what it writes, how often it runs, and what its time is."""

from collections.abc import Mapping, Sequence

from msgspec import field

from pgadvisor.facts import DAY_S, Facts
from pgadvisor.model.plan import PlanNode
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import Answer, Planner
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.selection.behind_views import behind_views
from pgadvisor.selection.upserts import conflict_columns
from pgadvisor.selection.workload import Unit, WeighedStatement, WeighedText, Write
from pgadvisor.sql.query import Query, Scope
from pgadvisor.sql.reader import Schema

REFUSED = "the planner refused it with the values drawn for it"
"""The server's own words may quote them."""


class Weighed(Record):
    """A workload that can be planned."""

    unit: Unit
    statements: tuple[WeighedStatement, ...]
    left_out: tuple[tuple[str, str], ...]
    """(`Statement.key`, why) of the others."""
    behind: Mapping[str, Query] = field(default_factory=dict)
    """By `Statement.key`: what those that name a view ask of the tables behind it."""


def weigh(facts: Facts, drawn: Sequence[DrawnStatement], planner: Planner, *, is_given: bool = False) -> Weighed:
    """The statements that can be planned, in their order; of the others why not.

    `is_given`: the workload is the user's, and its calls are those of a day.
    """
    has_times = facts.total_ms > 0 and all(each.total_ms is not None for each in facts.snapshot.statements)
    unit: Unit = "ms" if has_times else "cost"
    daily = DAY_S / facts.window_s if has_times and facts.window_s and not is_given else 1.0
    by_key = {each.statement: each for each in drawn}
    likeliest = [each.draws[0].text for each in drawn if each.draws]
    planned = dict(zip(likeliest, planner.plan_all(likeliest), strict=True)) if likeliest else {}
    schema = Schema(facts.tables, facts.snapshot.views, facts.snapshot.search_path)
    found, left_out, behind = [], [], {}
    for statement in facts.snapshot.statements:
        reason = _cannot(by_key.get(statement.key), planned)
        if reason is not None:
            left_out.append((statement.key, reason))
            continue
        one = by_key[statement.key]
        answer = planned[one.draws[0].text]
        found.append(_weighed(facts, statement, one, answer, daily if has_times else None))
        assert answer.plan is not None
        if query := behind_views(facts.queries.get(statement.key), answer.plan.root, schema):
            behind[statement.key] = query
    return Weighed(unit=unit, statements=tuple(found), left_out=tuple(left_out), behind=behind)


def _cannot(drawn: DrawnStatement | None, planned: Mapping[str, Answer]) -> str | None:
    """Why the statement cannot be weighed; None: it can."""
    if drawn is None:
        return "so little time is spent in it that it was not planned"
    if not drawn.draws:
        return drawn.reason or "it cannot be planned"
    if planned[drawn.draws[0].text].plan is None:
        return REFUSED
    return None


def _weighed(
    facts: Facts, statement: Statement, drawn: DrawnStatement, answer: Answer, daily: float | None
) -> WeighedStatement:
    """`daily`: by what its calls and times are a day's; None: no times are known."""
    assert answer.plan is not None
    root, query = answer.plan.root, facts.queries.get(statement.key)
    return WeighedStatement(
        key=statement.key,
        texts=tuple(WeighedText(text=draw.text, weight=draw.weight, names=draw.names) for draw in drawn.draws),
        tables=_tables(facts, query, root),
        calls=(1 if statement.calls is None else statement.calls) * (daily or 1.0),
        ms=None if daily is None or statement.total_ms is None else statement.total_ms * daily,
        write=_write(facts, statement, query, root),
        is_sure=drawn.is_sure,
    )


def topmost(facts: Facts, name: str | None) -> str | None:
    """The table of that name; of a partition its topmost parent; None: there is none."""
    table = facts.table(name)
    while table is not None and table.partition_of and (parent := facts.table(table.partition_of)) is not None:
        table = parent
    return table.qualified if table else None


def _tables(facts: Facts, query: Query | None, root: PlanNode) -> frozenset[str]:
    """What the text names, and what its plan reads: a view hides its tables from the text."""
    named = [use.table for use in query.tables()] if query else []
    read = [f"{node.schema}.{node.table}" for node in root.walk() if node.table]
    return frozenset(table for name in (*named, *read) if (table := topmost(facts, name)) is not None)


def _write(facts: Facts, statement: Statement, query: Query | None, root: PlanNode) -> Write | None:
    """What it writes first: of several writes in one statement the outermost."""
    scopes = query.scopes if query else ()
    scope = next((each for each in scopes if each.write not in (None, "select", "other")), None)
    target = scope.target if scope else None
    table = topmost(facts, target.table) if target else None
    if scope is None or table is None:
        return None
    kind = scope.write
    assert kind in ("insert", "update", "delete", "merge")
    return Write(kind=kind, table=table, columns=_assigned(statement, scope), rows=_rows(statement, root))


def _assigned(statement: Statement, scope: Scope) -> frozenset[str]:
    """The columns that it sets; of an INSERT those that its ON CONFLICT sets."""
    if scope.write == "insert":
        return conflict_columns(statement.text)
    return frozenset(use.column for use in scope.assigned)


def _rows(statement: Statement, root: PlanNode) -> float:
    """Rows that a call writes: as counted, else as planned."""
    if statement.calls and statement.rows is not None:
        return statement.rows / statement.calls
    node = next((each for each in root.walk() if each.operation is not None), root)
    return max(node.children[0].estimated_rows if node.children else node.estimated_rows, 1.0)
