"""What a scan itself filters by: the conditions of its plan node, read as predicates."""

import re

from pgadvisor.model.catalog import Table
from pgadvisor.model.plan import PlanNode
from pgadvisor.model.record import Record
from pgadvisor.sql.identifiers import quoted, quoted_table
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.query import ColumnUse, Predicate, Value
from pgadvisor.sql.reader import Schema, read_query

EQUAL = frozenset({"=", "IN", "= ANY", "IS NULL"})
RANGE = frozenset({"<", "<=", ">", ">=", "BETWEEN"})
PATTERN = frozenset({"LIKE", "ILIKE", "SIMILAR TO", "~", "~*"})
_SPELLINGS = (
    (re.compile(r"\?(?=::)|(?<=\()\?|(?<=[=<>~*,+/%|&-] )\?"), "$1"),
    (re.compile(r"\(InitPlan \d+\)\.col\d+"), "init_plan()"),
    (re.compile(r"\((?:hashed )?SubPlan \d+\)(?:\.col\d+)?"), "(sub_plan())"),
    (re.compile(r"(?<=\()(?:ANY|ALL) (?=\()|EXISTS(?=\(sub_plan)"), ""),
)
"""What a plan prints and no query may hold: `?` where a literal was (not jsonb's operator), and parts of the plan."""
_SUB_PLAN = "sub_plan("
INIT_PLAN = "init_plan("
"""Stands for a value that another part of the plan gives when it runs: the planner does not know it."""


class Conditions(Record):
    """What a scan filters by."""

    predicates: tuple[Predicate, ...] = ()
    """The conjuncts that were understood."""
    is_whole: bool = True
    """There is nothing else: no OR, no subquery, nothing that could not be read."""


def conditions_of(node: PlanNode, table: Table, results: frozenset[str] = frozenset()) -> Conditions:
    """The scan's conditions; a bitmap's are those that its heap scan rechecks. `results`: see `results_of`."""
    found: dict[str, Predicate] = {}
    is_whole = True
    for text in (node.index_condition, node.recheck_condition, node.filter):
        read = _read(text, node.alias or table.name, table, results) if text else Conditions()
        found.update({f"{each.source} {each.operator} {each.value.text}": each for each in read.predicates})
        is_whole &= read.is_whole
    return Conditions(predicates=tuple(found.values()), is_whole=is_whole)


def results_of(root: PlanNode) -> frozenset[str]:
    """What conditions call the results of other parts of the plan, up to PostgreSQL 16: `$0`."""
    return frozenset(name for node in root.walk() for name in re.findall(r"\$\d+", node.subplan_name or ""))


def _read(text: str, alias: str, table: Table, results: frozenset[str]) -> Conditions:
    for name in results:
        text = re.sub(rf"{re.escape(name)}(?!\d)", f"{INIT_PLAN})", text)
    for pattern, spelled in _SPELLINGS:
        text = pattern.sub(spelled, text)
    schema = Schema((table,), (), (table.schema,))
    query = read_query(f"SELECT 1 FROM {quoted_table(table)} AS {quoted(alias)} WHERE {text}", schema)
    if isinstance(query, Unread):
        return Conditions(is_whole=False)
    found = query.top.predicates
    kept = tuple(each for each in found if each.is_conjunct and _SUB_PLAN not in each.source + each.value.text)
    return Conditions(predicates=kept, is_whole=len(kept) == len(found) and _SUB_PLAN not in text)


def is_joining(predicate: Predicate, alias: str | None) -> bool:
    """Whether its other side, or its left one, names a column of another relation."""
    values: list[Value] = [predicate.value, *predicate.value.items, *([predicate.upper] if predicate.upper else [])]
    uses: list[ColumnUse] = [*predicate.columns]
    for value in values:
        uses += [*value.columns, *([value.column] if value.column else [])]
    return any(use.alias is not None and use.alias != alias for use in uses) or any(
        value.kind == "column" for value in values
    )


def is_unknown(predicate: Predicate) -> bool:
    """Whether it compares with a value that the planner does not know."""
    upper = predicate.upper.text if predicate.upper else ""
    return INIT_PLAN in predicate.value.text + upper


def bare_equal(predicates: tuple[Predicate, ...]) -> tuple[str, ...]:
    """The bare columns that are compared for equality with values, in their order."""
    return tuple(dict.fromkeys(each.column.column for each in predicates if each.column and is_bare_equal(each)))


def is_bare_equal(predicate: Predicate) -> bool:
    """Whether one bare column is compared for equality, or is a flag."""
    is_flag = predicate.operator in ("IS TRUE", "IS FALSE")
    is_equal = is_flag or (predicate.operator in EQUAL and not predicate.is_negated)
    return is_equal and not predicate.is_wrapped and predicate.column is not None
