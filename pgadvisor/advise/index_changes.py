"""Which indexes were made and dropped since a previous run, who had advised that, and what it really saved.

What is saved is measured, never planned: the same statement's time a call in the previous run and since, times the
calls since. A statement that several indexes are for cannot tell which of them helped: it counts once in the sum.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from statistics import median

from msgspec.structs import replace

from pgadvisor.advise.applied import applied_index
from pgadvisor.advise.schema_changes import own_indexes, shape
from pgadvisor.advise.statement_changes import STEPS, Load, is_apart
from pgadvisor.endpoint_facts import SHORTEST_WINDOW_S
from pgadvisor.facts import DAY_S
from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.changes import IndexChange, MeasuredStatement
from pgadvisor.model.finding import Remedy
from pgadvisor.model.report import Report, StatementChange
from pgadvisor.model.workload import Statement
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, read_query

ADVICE = "index advice"
"""What told of an index that was chosen for the whole workload: no rule did."""
_WRITE = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)
FEW_CONTROLS = 5
"""Statements that no index is for, from which on their times tell whether all of the server is faster or slower."""


class IndexComparison:
    """The indexes of two runs, and the statements' counters in both."""

    def __init__(
        self, report: Report, previous: Report, now: Load, before: Load, pairs: Mapping[str, Statement],
        changed: Sequence[StatementChange],
    ) -> None:  # fmt: skip
        """`pairs`: keys of statements of this run, each with the statement that it was."""
        self._report = report
        self._previous = previous
        self._now = now
        self._pairs = pairs
        self._now_of = {known.key: key for key, known in pairs.items()}
        self._statements = {statement.key: statement for statement in now.statements}
        self._slower = {each.statement for each in changed if each.change == "worse"}
        self._tables_before = {each.qualified: each for each in previous.tables}
        self._schema = Schema(report.tables, ())
        self._advised = self._advised_indexes()

    def changes(self) -> tuple[IndexChange, ...]:
        """What was made and what was dropped; what saved most first."""
        made = tuple(self._made())
        found = (*made, *self._dropped({each.statement for index in made for each in index.statements}))
        return tuple(sorted(found, key=lambda each: (-(each.saved_ms or 0.0), each.index)))

    def control(self, changes: Iterable[IndexChange]) -> float | None:
        """What a call of the statements that none of the indexes is for takes now over what it took (the median);
        None: there are too few."""
        touched = {each.statement for change in changes for each in change.statements}
        ratios = [
            (each.mean_ms or 0.0) / known.mean_ms
            for key, known in self._pairs.items()
            if key not in touched
            and (each := self._statements[key]).mean_ms is not None
            and known.mean_ms
            and min(each.calls or 0, known.calls or 0) >= STEPS[0][0]
        ]
        return median(ratios) if len(ratios) >= FEW_CONTROLS else None

    def _advised_indexes(self) -> dict[str, tuple[set[str], set[str]]]:
        """`schema.index` of those there now that the previous run asked for: by which rules, for which statements of
        this run."""
        found: dict[str, tuple[set[str], set[str]]] = {}
        advice = self._previous.advice
        asked = [(each.rule, each.remedy, each.statements) for each in self._previous.findings if each.remedy.sql]
        asked += [
            (ADVICE, Remedy(text="", sql=each.definition), tuple(effect.statement for effect in each.helps))
            for each in (advice.create if advice else ())
        ]
        for rule, remedy, keys in asked:
            if "INDEX" in (remedy.sql or "") and (name := applied_index(remedy, self._report.tables)):
                rules, helped = found.setdefault(name, (set(), set()))
                rules.add(rule)
                helped.update(self._now_of[key] for key in keys if key in self._now_of)
        return found

    def _made(self) -> Iterator[IndexChange]:
        for table in self._report.tables:
            was = self._tables_before.get(table.qualified)
            if table.partition_of or (was is None and self._tables_before):
                continue  # a table that is new has no time before
            shapes = {shape(index) for index in own_indexes(was).values()} if was else set()
            for index in own_indexes(table).values():  # of a known shape: renamed, or a copy
                name = f"{index.schema}.{index.name}"
                if index.is_valid and shape(index) not in shapes and (was is not None or name in self._advised):
                    yield self._made_one(table, index, name)

    def _made_one(self, table: Table, index: Index, name: str) -> IndexChange:
        rules, keys = self._advised.get(name, (set(), set()))
        users = {planned.statement for planned in self._report.plans if planned.plan
                 if any(node.index == index.name for node in planned.plan.root.walk())}  # fmt: skip
        made = IndexChange(
            change="made", index=name, table=table.qualified, definition=index.definition,
            size_bytes=index.size_bytes, advised_by=tuple(sorted(rules)),
        )  # fmt: skip
        return self._measured(
            made, keys | users | self._deletes(table, index), "which statements it is for is not known"
        )

    def _dropped(self, claimed: set[str]) -> Iterator[IndexChange]:
        """Without the statements that an index was made for: that explains more than an index less to write."""
        tables = {each.qualified: each for each in self._report.tables}
        for was in self._previous.tables:
            table = tables.get(was.qualified)
            if table is None or table.partition_of:
                continue
            left, known = own_indexes(table), own_indexes(was)
            renamed = {shape(index) for name, index in left.items() if name not in known}
            for name, index in known.items():
                if shape(index) not in renamed and (name not in left or shape(index) != shape(left[name])):
                    yield self._dropped_one(table, index, claimed)

    def _dropped_one(self, table: Table, index: Index, claimed: set[str]) -> IndexChange:
        advice = self._previous.advice
        name = f"{index.schema}.{index.name}"
        rules = {
            each.rule for each in self._previous.findings
            if (each.where.table, each.where.index) in ((table.qualified, index.name), (table.qualified, name))
            and "DROP INDEX" in (each.remedy.sql or "")
        }  # fmt: skip
        rules |= {ADVICE} if advice and any(each.name == name for each in advice.drop) else set()
        dropped = IndexChange(
            change="dropped", index=name, table=table.qualified, definition=index.definition,
            size_bytes=index.size_bytes, advised_by=tuple(sorted(rules)),
        )  # fmt: skip
        return self._measured(
            dropped, self._concerned(table) - claimed, "no other statement that writes its table ran in both runs"
        )

    def _concerned(self, table: Table) -> set[str]:
        """Statements that write the table, or read it and got slower."""
        return {
            key
            for key, query in self._queries_on(table.qualified)
            if key in self._slower or any(use.is_target and use.table == table.qualified for use in query.tables())
        }

    def _deletes(self, table: Table, index: Index) -> set[str]:
        """Statements that delete the rows which a foreign key on the index's columns points to: each of them looks for
        rows of this table."""
        referenced = {
            each.references
            for each in table.constraints
            if each.kind == "foreign key" and each.references and each.columns == index.columns[: len(each.columns)]
        }
        return {
            key
            for name in referenced
            for key, query in self._queries_on(name)
            if query.kind == "delete" and any(use.is_target and use.table == name for use in query.tables())
        }

    def _queries_on(self, table: str) -> Iterator[tuple[str, Query]]:
        """Statements of both runs on the table (`schema.table`) that write, or that got slower, with what they mean."""
        for key, query in self._told.items():
            if any(use.table == table for use in query.tables()):
                yield key, query

    @cached_property
    def _told(self) -> dict[str, Query]:
        """Most of a workload reads, and no faster for an index less: it is not read for that."""
        texts = ((key, self._statements[key].text) for key in self._pairs)
        wanted = ((key, text) for key, text in texts if key in self._slower or _WRITE.search(text))
        read = ((key, read_query(text, self._schema, statement=key)) for key, text in wanted)
        return {key: query for key, query in read if isinstance(query, Query)}

    def _measured(self, change: IndexChange, keys: set[str], unknown: str) -> IndexChange:
        """The change with what those statements took, and what that comes to."""
        told = [each for key in keys if (each := self._statement(key)) is not None]
        told.sort(key=lambda each: (-each.ms_per_call_before * each.calls_before, each.statement))
        sure = [each for each in told if each.is_enough]
        if not sure:
            calls = sum(each.calls_after for each in told)
            why = unknown if not keys else f"its statements were called {calls:,} times since, too few to tell"
            return replace(change, statements=tuple(told), unknown=why)
        before_ms = sum(each.ms_per_call_before * each.calls_after for each in sure)
        after_ms = sum(each.ms_per_call_after * each.calls_after for each in sure)
        return replace(
            change,
            statements=tuple(told),
            ratio=after_ms / before_ms if before_ms else None,
            saved_ms=(saved := saved_ms(sure)),
            saved_ms_per_day=per_day(saved, self._now.window_s),
        )

    def _statement(self, key: str) -> MeasuredStatement | None:
        statement, known = self._statements.get(key), self._pairs.get(key)
        if statement is None or known is None or statement.mean_ms is None or known.mean_ms is None:
            return None
        calls, calls_before = statement.calls or 0, known.calls or 0
        least = min(calls, calls_before)
        return MeasuredStatement(
            statement=key,
            text=statement.text,
            calls_before=calls_before,
            calls_after=calls,
            ms_per_call_before=known.mean_ms,
            ms_per_call_after=statement.mean_ms,
            is_enough=least >= STEPS[0][0] or is_apart(least, statement.mean_ms, known.mean_ms),
        )


def saved_ms(statements: Iterable[MeasuredStatement]) -> float | None:
    """What they took less than they would have at their former time a call; each counted once. None: not known."""
    sure = {each.statement: each for each in statements if each.is_enough}
    if not sure:
        return None
    return sum((each.ms_per_call_before - each.ms_per_call_after) * each.calls_after for each in sure.values())


def per_day(ms: float | None, window_s: float | None) -> float | None:
    """So much in that time, a day; None: it is not known, or too short to say what a day is like."""
    return None if ms is None or window_s is None or window_s < SHORTEST_WINDOW_S else ms * DAY_S / window_s
