"""A planner made of a table of costs, and the small workloads that it plans."""

import re
from collections.abc import Mapping, Sequence
from itertools import product

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.model.record import Record
from pgadvisor.model.whatif import NOTHING, Answer, Configuration, HypotheticalIndex, IndexSize, Question
from pgadvisor.parameters.draws import Draw, DrawnStatement
from pgadvisor.selection.workload import WeighedStatement, WeighedText

Keys = tuple[str, ...]
Access = Mapping[Keys, float]
"""What reading a table costs by the first keys of the index that is read; `()`: without one."""
Join = tuple[frozenset[tuple[str, Keys]], float]
"""Indexes (table, first keys) that all tables of a statement are read by together, and what that costs."""
_DEFINITION = re.compile(r"\((.*?)\)")


class Costs(Record):
    """What one text costs."""

    tables: Mapping[str, Access]
    """By `schema.table`: each table is read by its cheapest index."""
    joins: tuple[Join, ...] = ()
    """Ways that need several indexes at once."""
    is_write: bool = False


class TablePlanner:
    """Answers from a table, as PostgreSQL would: by the cheapest way that the indexes allow."""

    label = "table of costs"

    def __init__(
        self,
        costs: Mapping[str, Costs],
        there: Mapping[str, tuple[str, Keys]] | None = None,
        sizes: Mapping[tuple[str, Keys], int] | None = None,
        refused: Sequence[str] = (),
    ) -> None:
        """`there`: by `schema.name` the indexes that exist, with table and keys; `refused`: texts that fail."""
        self.costs_of = costs
        self.there = dict(there or {})
        self.known_sizes = dict(sizes or {})
        self.refused = frozenset(refused)
        self.asked: list[tuple[str, Configuration]] = []

    def plan(self, text: str, configuration: Configuration = NOTHING) -> Answer:
        return self.plan_all([text], configuration)[0]

    def plan_all(self, texts: Sequence[str], configuration: Configuration = NOTHING) -> list[Answer]:
        return [self._answer(text, configuration) for text in texts]

    def costs(self, questions: Sequence[Question]) -> list[list[Answer]]:
        return [self.plan_all(question.texts, question.configuration) for question in questions]

    def sizes(self, indexes: Sequence[HypotheticalIndex]) -> list[IndexSize]:
        return [self.size(each) for each in indexes]

    def size(self, index: HypotheticalIndex) -> IndexSize:
        return IndexSize(size_bytes=self.known_sizes.get((index.table, keys_of(index)), 8192 * 10), rows=1000.0)

    def cost(self, text: str, present: Mapping[str, tuple[str, Keys]]) -> tuple[float, frozenset[str]]:
        """Of a text with these indexes (by name), and the names of those that its plan uses."""
        found = self.costs_of[text]
        best = 0.0
        used: frozenset[str] = frozenset()
        for table, access in found.tables.items():
            cost, name = min(self._accesses(table, access, present))
            best, used = best + cost, used | ({name} - {""})
        for needs, cost in found.joins:
            for names in product(*(_serving(each, present) for each in sorted(needs))):
                if (cost, len(needs), sorted(names)) < (best, len(used), sorted(used)):
                    best, used = cost, frozenset(names)
        return best, used

    def _accesses(self, table: str, access: Access, present: Mapping[str, tuple[str, Keys]]) -> list[tuple[float, str]]:
        served = [(cost, name) for keys, cost in access.items() if keys for name in _serving((table, keys), present)]
        return [(access[()], ""), *served]

    def _answer(self, text: str, configuration: Configuration) -> Answer:
        self.asked.append((text, configuration))
        if text in self.refused:
            return Answer(error="the server refused it")
        present = {name: each for name, each in self.there.items() if name not in configuration.hide}
        present |= {each.qualified: (each.table, keys_of(each)) for each in configuration.create}
        cost, used = self.cost(text, present)
        return Answer(plan=self._plan(text, cost, used, present), cost=cost, indexes_used=tuple(sorted(used)))

    def _plan(self, text: str, cost: float, used: frozenset[str], present: Mapping[str, tuple[str, Keys]]) -> Plan:
        by_table = {present[name][0]: name for name in used}
        scans = tuple(_scan(table, by_table.get(table)) for table in self.costs_of[text].tables)
        kind = "Insert" if self.costs_of[text].is_write else None
        root = PlanNode(node_type="ModifyTable" if kind else "Result", total_cost=cost, operation=kind, children=scans)
        return Plan(root=root)


def keys_of(index: HypotheticalIndex) -> Keys:
    """The bare columns of a definition; none of an index on a part of the rows, which serves nothing here."""
    if " WHERE " in index.definition:
        return ()
    found = _DEFINITION.search(index.definition)
    assert found is not None
    return tuple(key.strip().split(" ")[0] for key in found[1].split(","))


def weighed(text: str, *tables: str, calls: float = 1.0, **more: object) -> WeighedStatement:
    """A statement with one draw."""
    return WeighedStatement(
        key=text,
        texts=(WeighedText(text=text, weight=1.0),),
        tables=frozenset(tables),
        calls=calls,
        **more,  # type: ignore[arg-type]
    )


def drawn(key: str, text: str) -> DrawnStatement:
    """A statement whose values are all known."""
    return DrawnStatement(statement=key, draws=(Draw(text=text, weight=1.0, label="typical"),))


def spelled(candidates: Sequence[Candidate]) -> list[str]:
    """As CREATE INDEX has them, without their names."""
    return [f"{each.table} {each.spelled}" for each in candidates]


def _serving(need: tuple[str, Keys], present: Mapping[str, tuple[str, Keys]]) -> list[str]:
    table, keys = need
    return sorted(name for name, (on, held) in present.items() if on == table and held[: len(keys)] == keys)


def _scan(table: str, index: str | None) -> PlanNode:
    schema, _, name = table.partition(".")
    kind = "Index Scan" if index else "Seq Scan"
    return PlanNode(node_type=kind, schema=schema, table=name, index=index and index.partition(".")[2])
