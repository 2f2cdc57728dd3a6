"""Advice on small made-up workloads, by a planner made of a table of costs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pgadvisor.advise.examples import facts_of
from pgadvisor.example import Example
from pgadvisor.facts import Facts
from pgadvisor.model.advice import IndexAdvice
from pgadvisor.model.catalog import Table
from pgadvisor.selection.advise import advise_indexes
from pgadvisor.selection.wishes import Wishes
from tests.selection.make_planner import Access, Costs, Keys, TablePlanner, drawn


class Case(NamedTuple):
    """A statement with what it costs on each table, by the keys of the index that is read (`Access`)."""

    text: str
    tables: Mapping[str, Access]
    calls: int = 100
    mean_ms: float = 0.0


def advised(
    tables: Sequence[Table],
    cases: Sequence[Case],
    *,
    sizes: Mapping[tuple[str, Keys], int] | None = None,
    refused: Sequence[str] = (),
    clock: Callable[[], float] = lambda: 0.0,
    example: Mapping[str, Any] | None = None,
    **wishes: Any,
) -> IndexAdvice:
    """The advice; statements have the keys `1`, `2`, …"""
    facts = facts_about(tables, cases, **(example or {}))
    planner = planner_of(facts, cases, sizes=sizes, refused=refused)
    draws = [drawn(str(number), case.text) for number, case in enumerate(cases, start=1)]
    wished = Wishes(
        **{"least_fall": 0.0, "least_units": 0.0, "least_units_served": 0.0, "workload_is_given": True, **wishes}
    )
    return advise_indexes(facts, planner, draws, wished, clock=clock)


def facts_about(tables: Sequence[Table], cases: Sequence[Case], **example: Any) -> Facts:
    """The facts of the workload."""
    first, *others = cases
    return facts_of(
        Example(
            sql=first.text, calls=first.calls, mean_ms=first.mean_ms, tables=tuple(tables),
            other=tuple((case.text, case.calls, case.mean_ms) for case in others), **example,
        )
    )  # fmt: skip


def planner_of(
    facts: Facts,
    cases: Sequence[Case],
    *,
    sizes: Mapping[tuple[str, Keys], int] | None = None,
    refused: Sequence[str] = (),
) -> TablePlanner:
    """A planner that knows the cases, and the indexes of the tables."""
    there = {f"{index.schema}.{index.name}": (table.qualified, index.columns)
             for table in facts.tables for index in table.indexes if not index.predicate}  # fmt: skip
    costs = {case.text: Costs(tables=case.tables, is_write=not case.text.startswith("SELECT")) for case in cases}
    return TablePlanner(costs, there, sizes, refused)


def keys_created(advice: IndexAdvice) -> list[str]:
    """Table and keys of the advised indexes."""
    return sorted(each.definition.partition(" ON ")[2] for each in advice.create)
