"""Advice for the tests of migrations: built and dropped indexes of an audited database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pgadvisor.candidates.candidate import Candidate, CandidateKey
from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.facts import Facts
from pgadvisor.indexes.build_plan import IndexBuild, build, drop
from pgadvisor.indexes.names import IndexNames
from pgadvisor.model.advice import AdvisedIndex, DroppedIndex
from pgadvisor.model.catalog import Table
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.sql.identifiers import quoted


def facts_of(dsn: str) -> Facts:
    """The catalog of the database."""
    with open_session(dsn) as session:
        return Facts(collect(session), {})


def facts_on(*tables: Table, **more: Any) -> Facts:
    """Tables of which no database knows; `more`: other fields of the snapshot."""
    return Facts(Snapshot(format=1, pgadvisor="", collected_at=datetime(2026, 1, 1), tables=tables, **more), {})


def key(column: str, operator_class: str | None = None, *, descending: bool = False) -> CandidateKey:
    """A bare column in an index, NULLs where PostgreSQL puts them."""
    return CandidateKey(
        text=quoted(column),
        key=column,
        columns=(column,),
        label=column,
        operator_class=operator_class,
        is_descending=descending,
        is_nulls_first=descending,
    )


def expression(text: str, column: str, label: str = "expr") -> CandidateKey:
    """An expression in an index."""
    return CandidateKey(text=text, key=text, columns=(column,), label=label)


def builds(facts: Facts, indexes: Sequence[Candidate]) -> list[IndexBuild]:
    """How to build them, all together."""
    names = IndexNames(facts)
    tables = [(each, facts.table(each.table)) for each in indexes]
    return [build(facts, each, table, names) for each, table in tables if table]


def advised(index: Candidate, made: IndexBuild) -> AdvisedIndex:
    """The same as advice."""
    return AdvisedIndex(
        name=made.name, table=index.table, definition=made.definition, sql=made.sql, undo=made.undo, lock=made.lock
    )


def dropped(facts: Facts, name: str) -> DroppedIndex:
    """The advice to drop the index of that bare name."""
    table, index = next((table, index) for table in facts.tables for index in table.indexes if index.name == name)
    plan = drop(table, index, facts)
    return DroppedIndex(
        name=f"{index.schema}.{index.name}",
        table=table.qualified,
        why="unused",
        reason="no scan\nsince\r2020; DROP TABLE \u2028 x",
        sql=plan.sql,
        undo=plan.undo,
        lock=plan.lock,
        cautions=("look at the replicas",),
    )
