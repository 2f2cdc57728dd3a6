"""Which statements of a workload migrations may concern: the others are planned alike before and after.

Only what surely is not concerned is left out: statements on plain tables alone, of which no migration names any, nor
their partitions, parents or children.
"""

import re
from collections.abc import Iterable, Sequence

from pgadvisor.facts import Facts
from pgadvisor.gate.schema_change import counts_for_plans
from pgadvisor.model.migration import Migration
from pgadvisor.model.workload import Statement
from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.query import Query

Name = tuple[str | None, str]


def concerned(facts: Facts, migrations: Iterable[Migration]) -> tuple[Statement, ...]:
    """The statements of the snapshot's workload that are to be planned, in their order; all, where the migrations do
    what cannot be told from names of tables."""
    statements = facts.snapshot.statements
    if any(facts.share(each.key) is None for each in statements):
        return statements  # their shares are of what all plans cost together
    changed = _changed(facts, migrations)
    if changed is None:
        return statements
    calls = _own_functions(facts)
    return tuple(each for each in statements if _is_concerned(facts, facts.queries.get(each.key), changed, calls))


def _is_concerned(facts: Facts, query: Query | None, changed: frozenset[str], calls: re.Pattern[str] | None) -> bool:
    if query is None or query.is_truncated or (calls is not None and calls.search(query.text)):
        return True
    uses = [each for scope in query.scopes for each in scope.tables]
    if any(each.kind in ("view", "function", "unknown") for each in uses):
        return True
    tables = [facts.table(each.table) for each in uses if each.table is not None]
    return any(each is None or each.has_row_security or each.qualified in changed for each in tables)


def _own_functions(facts: Facts) -> re.Pattern[str] | None:
    """A call of a function of the user's: the planner may look into its body."""
    names = sorted({re.escape(each.name) for each in facts.snapshot.functions if each.extension is None})
    return re.compile(rf'(?<!\w)(?:{"|".join(names)})"?\s*\(', re.IGNORECASE) if names else None


def _changed(facts: Facts, migrations: Iterable[Migration]) -> frozenset[str] | None:
    """The tables of the snapshot that the judged migrations name, with their families, as `schema.table`; None: it
    cannot be told."""
    texts = [each.text for migration in migrations if migration.is_judged for each in migration.up]
    read = [read_ddl(each) for each in texts]
    if any(isinstance(each, Unread) for each in read):
        return None
    steps = [step for each in read if not isinstance(each, Unread) for step in each if counts_for_plans(step)]
    found: set[str] = set()
    indexes = {(index.schema or table.schema, index.name): table.qualified
               for table in facts.snapshot.tables for index in table.indexes}  # fmt: skip
    made: set[str] = set()
    for step in steps:
        names = _tables_of(step, facts, indexes, made)
        if names is None:
            return None
        found.update(names)
    return _with_families(facts, found)


def _tables_of(
    step: DdlStep, facts: Facts, indexes: dict[tuple[str, str], str], made: set[str]
) -> Sequence[str] | None:
    """The snapshot's tables that a step names; None: it names something else. What it makes is added to `made`."""
    if step.kind not in ("table", "index") or step.is_cascade or step.command == "unknown":
        return None
    if step.kind == "index" and step.table is None:
        return _tables_of_indexes(step.names or ((step.schema, step.name or ""),), facts, indexes)
    if step.command.startswith("create table"):
        made.add(step.name or "")
        if any(table.name == step.name for table in facts.snapshot.tables):
            return None  # by the search path it may stand in the other's place
    found = []
    for schema, name in _named(step):
        table = facts.table(f"{schema}.{name}" if schema else name)
        if table is not None:
            found.append(table.qualified)
        elif name not in made:
            return None
    if step.new_name is not None and step.command == "rename table":
        made.add(step.new_name)
    return found


def _named(step: DdlStep) -> Iterable[Name]:
    """The tables in its text."""
    own = [step.table] if step.table else [(step.schema, step.name)] if step.name else []
    constraints = (*((step.constraint,) if step.constraint else ()), *step.constraints)
    keys = [each.references for each in constraints if each.references]
    parents = [step.partition_of] if step.partition_of else []
    return dict.fromkeys((*own, *step.names, *keys, *parents, *step.likes))


def _tables_of_indexes(
    names: Sequence[Name], facts: Facts, indexes: dict[tuple[str, str], str]
) -> Sequence[str] | None:
    found = []
    for schema, name in names:
        schemas = [schema] if schema else list(facts.snapshot.search_path)
        table = next((indexes[each, name] for each in schemas if (each, name) in indexes), None)
        if table is None:
            return None
        found.append(table)
    return found


def _with_families(facts: Facts, names: Iterable[str]) -> frozenset[str]:
    """With partitions, children and parents, of every degree: one's plan reads the others."""
    kin: dict[str, set[str]] = {}
    for table in facts.snapshot.tables:
        for parent in (*table.inherits, *((table.partition_of,) if table.partition_of else ())):
            kin.setdefault(table.qualified, set()).add(parent)
            kin.setdefault(parent, set()).add(table.qualified)
    found, left = set(names), list(names)
    while left:
        new = kin.get(left.pop(), set()) - found
        found |= new
        left += new
    return frozenset(found)
