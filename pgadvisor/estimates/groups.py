"""How many groups there are: why the planner expected other ones, and what tells it."""

import re
from math import prod

from pgadvisor.estimates.case import ALIKE, Cause, alike
from pgadvisor.estimates.causes import stale_evidence
from pgadvisor.estimates.expressions import has_statistics, statistics_of
from pgadvisor.estimates.misestimate import FAR
from pgadvisor.estimates.remedies import analyze, create_statistics, set_distinct
from pgadvisor.facts import Facts, PlannedStatement
from pgadvisor.indexes.needs import scanned_table
from pgadvisor.indexes.sizes import distinct_values
from pgadvisor.model.catalog import Table
from pgadvisor.model.finding import Evidence, Rung
from pgadvisor.model.plan import PlanNode
from pgadvisor.sql.identifiers import quoted, quoted_table
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.query import SortKey
from pgadvisor.sql.reader import Schema, read_query

GROUPS_SHARE = 0.1
"""A number of distinct values that is a larger share of the rows grows with them: it is told as that share, as ANALYZE
does (`compute_distinct_stats` in analyze.c)."""
GROUPS = "correlated groups"
WHOLE = 0.9
"""A grouping that reads so much of the table counts the distinct values of all of it."""


def is_grouping(node: PlanNode) -> bool:
    """Whether the node's rows are groups."""
    return node.node_type in ("Aggregate", "Group", "Unique") and bool(_keys_of(node))


def _keys_of(node: PlanNode) -> tuple[str, ...]:
    if node.group_keys or node.node_type != "Unique":
        return node.group_keys
    below = node.children[0] if node.children else None
    return below.sort_keys if below and below.node_type in ("Sort", "Incremental Sort") else ()


def grouped_scan(facts: Facts, plan: PlannedStatement, number: int) -> tuple[int, Table] | None:
    """The one scan whose columns a grouping groups by, with its table; None: there is none such."""
    aliases = {alias for key in _keys_of(plan.nodes[number]) for alias in re.findall(r'(\w+|"[^"]+")\.', key)}
    below = range(number + 1, number + sum(1 for _ in plan.nodes[number].walk()))
    scans = [at for at in below if plan.nodes[at].table and "Scan" in plan.nodes[at].node_type]
    named = [at for at in scans if plan.nodes[at].alias in {each.strip('"') for each in aliases}]
    chosen = named if aliases else scans
    table = scanned_table(facts, plan.nodes[chosen[0]]) if len(chosen) == 1 else None
    return (chosen[0], table) if table is not None else None


def cause_of_groups(facts: Facts, plan: PlannedStatement, number: int) -> tuple[Cause, Table] | None:
    """The likeliest cause, and the table that it is about; None: none of those that can be tested holds.

    What a HAVING leaves says nothing of how many groups there were.
    """
    found = grouped_scan(facts, plan, number)
    if found is None or plan.nodes[number].filter:
        return None
    at, table = found
    evidence = stale_evidence(table)
    if evidence is not None:
        remedy = analyze(table, f"Analyze {table.label}: its statistics are old or missing.")
        return Cause(name="stale statistics", columns=(), evidence=evidence, remedy=remedy), table
    keys = _read_keys(plan.nodes[number], plan.nodes[at], table)
    cause = _of_keys(facts, plan, (number, at), table, keys) if keys else None
    return (cause, table) if cause else None


def _read_keys(node: PlanNode, scan: PlanNode, table: Table) -> tuple[SortKey, ...]:
    """The grouping's keys as SQL means them; empty when one cannot be read."""
    keys = [re.sub(r"(?<=\()\?|\?(?=::)", "$1", key) for key in _keys_of(node)]
    text = f"SELECT 1 FROM {quoted_table(table)} AS {quoted(scan.alias or table.name)} GROUP BY {', '.join(keys)}"
    query = read_query(text, Schema((table,), (), (table.schema,)))
    found = () if isinstance(query, Unread) else query.top.group_keys
    return found if len(found) == len(keys) else ()


def _of_keys(
    facts: Facts, plan: PlannedStatement, places: tuple[int, int], table: Table, keys: tuple[SortKey, ...]
) -> Cause | None:
    groups, scan = plan.figures[places[0]], plan.figures[places[1]]
    expected, actual = groups.estimated_rows, groups.rows or 0.0
    is_whole = (scan.rows or 0.0) >= WHOLE * max(table.rows or 0.0, 1.0)
    columns = tuple(key.column.column for key in keys if key.column and key.key == key.column.column)
    if len(columns) == len(keys) > 1:
        return _dependent(table, columns, expected, actual)
    if len(columns) == len(keys) == 1 and is_whole:
        return _distinct(table, columns[0], actual)
    expressions = [key for key in keys if key.key not in columns]
    if len(keys) == len(expressions) == 1 and "$" not in keys[0].key:
        return _expression(facts, table, keys[0].key, expected, actual)
    return None


def _dependent(table: Table, columns: tuple[str, ...], expected: float, actual: float) -> Cause | None:
    """Columns whose numbers of distinct values were multiplied."""
    there = [each for each in table.extended_statistics if "ndistinct" in each.kinds]
    counts = [distinct_values(column, table.rows or 1.0) for name in columns if (column := table.column(name))]
    if any(set(columns) <= set(each.columns) for each in there) or len(counts) < len(columns):
        return None
    if expected > prod(counts) * ALIKE:
        return None
    each = ", ".join(f"{count:,.0f} of {name}" for count, name in zip(counts, columns, strict=True))
    evidence = Evidence(rung=Rung.MEASURED, text=f"{actual:,.0f} combinations of {each} were counted by this run")
    text = f"Let PostgreSQL count the combinations of {', '.join(columns)}."
    remedy = create_statistics(table, tuple(map(quoted, columns)), columns, ("ndistinct",), None, text)
    return Cause(name=GROUPS, columns=columns, evidence=evidence, remedy=remedy)


def _distinct(table: Table, name: str, actual: float) -> Cause | None:
    """A column of which ANALYZE's sample shows too few, or too many, distinct values."""
    column, rows = table.column(name), max(table.rows or 1.0, 1.0)
    if column is None or column.statistics is None:
        return None
    believed = distinct_values(column, rows)
    if max(believed, actual) < FAR * min(believed, actual):
        return None
    value = f"{-min(actual / rows, 1.0):.3g}" if actual > GROUPS_SHARE * rows else f"{actual:.0f}"
    text = f"ANALYZE takes {name} for a column of {believed:,.0f} distinct values; this run counted {actual:,.0f}"
    evidence = Evidence(rung=Rung.MEASURED, text=text)
    remedy = set_distinct(table, name, value, f"Tell PostgreSQL how many distinct values {name} has.")
    return Cause(name="distinct values", columns=(name,), evidence=evidence, remedy=remedy)


def _expression(facts: Facts, table: Table, key: str, expected: float, actual: float) -> Cause | None:
    """An expression of which the planner took the distinct values of its column, or its default."""
    names = tuple(column.name for column in table.columns if re.search(rf"\b{re.escape(column.name)}\b", key))
    if len(names) != 1 or has_statistics(table, key):
        return None
    column = table.column(names[0])
    believed = distinct_values(column, max(table.rows or 1.0, 1.0)) if column else 0.0
    if not (alike(expected, believed) or expected <= believed):
        return None
    remedy = statistics_of(table, key, names, facts)
    if remedy is None:
        return None
    text = f"there are no statistics of {key}: it was taken to have as many values as {names[0]}"
    evidence = Evidence(rung=Rung.MEASURED, text=f"{text}; this run counted {actual:,.0f}")
    return Cause(name="expression without statistics", columns=(key,), evidence=evidence, remedy=remedy)
