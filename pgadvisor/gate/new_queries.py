"""The queries that come with a pull request, on production's statistics: which read a big table whole for want of an
index."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from pgadvisor.advise.queries import read_queries
from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.proposed import candidates_of
from pgadvisor.facts import Facts
from pgadvisor.indexes.names import IndexNames
from pgadvisor.migration_facts import SMALL_BYTES
from pgadvisor.model.plan import Plan, PlanComparison
from pgadvisor.model.plan_change import NeededIndex
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.whatif import NOTHING, Answer, Configuration, HypotheticalIndex, Planner, Question
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.drawing import Drawer
from pgadvisor.parameters.draws import Draw, DrawnStatement
from pgadvisor.parameters.redaction import redacted
from pgadvisor.parameters.types import Prepare

MOST_LEFT = 0.5
"""An index that leaves more of the cost than this is no cure for reading a table whole."""


class QueriesFound(NamedTuple):
    """What came of the queries."""

    found: tuple[NeededIndex, ...]
    used: dict[str, set[str]]
    """By index the files and lines of the queries that use it."""
    gaps: tuple[Gap, ...]


def needed_indexes(
    queries: Sequence[Statement], snapshot: Snapshot, planner: Planner, prepare: Prepare
) -> QueriesFound:
    """The queries that lack an index; `snapshot` is as things are after the migrations, and so is the planner."""
    if not queries:
        return QueriesFound((), {}, ())
    named = tuple(replace(each, key=f"{each.file or ''}:{each.line or at}") for at, each in enumerate(queries, 1))
    asked = replace(snapshot, statements=named, totals=None, plans=())
    facts = Facts(asked, read_queries(asked)[0])
    candidates = candidates_of(facts, facts.queries)
    drawer = Drawer(asked, planner, prepare)
    found: list[NeededIndex] = []
    used: dict[str, set[str]] = {}
    gaps: list[Gap] = []
    for each in named:
        drawn = drawer.draw(each)
        if not drawn.draws:
            reason = f"{each.key} could not be planned: {drawn.reason}"
            gaps.append(Gap(area="plans", subject=each.key, reason=reason, cure="see whether it runs as it stands"))
            continue
        trial = _Trial(facts, planner, each, drawn)
        for index in trial.used:
            used.setdefault(index, set()).add(each.key)
        found += trial.needed(candidates.get(each.key, ()))
    return QueriesFound(tuple(found), used, tuple(gaps))


class _Trial:
    """One query, and indexes tried on it."""

    def __init__(self, facts: Facts, planner: Planner, statement: Statement, drawn: DrawnStatement) -> None:
        self._facts, self._planner = facts, planner
        self._statement, self._draws = statement, drawn.draws
        self._texts = tuple(draw.text for draw in drawn.draws)
        self._before = planner.costs([Question(NOTHING, self._texts)])[0]

    @property
    def used(self) -> set[str]:
        """The indexes that its plans use."""
        return {index for answer in self._before for index in answer.indexes_used}

    def needed(self, candidates: Sequence[Candidate]) -> Iterator[NeededIndex]:
        """The best single index, where a big table is read whole without it."""
        plan = self._planner.plan(self._texts[0]).plan
        big = dict(_read_whole(plan, self._facts)) if plan else {}
        tried = [self._named(each) for each in candidates if each.table in big]
        if not tried or plan is None:
            return
        costs = self._planner.costs([Question(Configuration(create=(each,)), self._texts) for each in tried])
        means = [self._mean(each) for each in costs]
        best = min(range(len(tried)), key=lambda at: (means[at], at))
        if means[best] > MOST_LEFT * self._mean(self._before):
            return
        index, draw = tried[best], self._draws[0]
        after = self._planner.plan(draw.text, Configuration(create=(index,))).plan
        if after is None or index.name not in {node.index for node in after.root.walk()}:
            return
        yield NeededIndex(
            file=self._statement.file or "",
            line=self._statement.line or 1,
            name=self._statement.name,
            text=self._statement.text,
            table=index.table,
            size_bytes=big[index.table],
            definition=index.definition,
            index_bytes=self._planner.size(index).size_bytes,
            comparison=self._compared(index, draw, plan, after),
        )

    def _compared(self, index: HypotheticalIndex, draw: Draw, before: Plan, after: Plan) -> PlanComparison:
        return PlanComparison(
            change=index.definition,
            before=redacted(before, draw.names),
            after=redacted(after, draw.names),
            tried_on=self._planner.label,
        )

    def _named(self, candidate: Candidate) -> HypotheticalIndex:
        table = self._facts.table(candidate.table)
        assert table is not None  # a candidate is on a table of the facts
        return candidate.named(self._facts.once(IndexNames).of(candidate, table))

    def _mean(self, answers: Sequence[Answer]) -> float:
        costs = [float("inf") if each.cost is None else each.cost for each in answers]
        return sum(draw.weight * cost for draw, cost in zip(self._draws, costs, strict=True))


def _read_whole(plan: Plan, facts: Facts) -> Iterator[tuple[str, int]]:
    """The big tables that a plan reads whole, with their sizes; of a partition its topmost parent."""
    for node in plan.root.walk():
        if node.node_type == "Seq Scan" and node.table:
            table = facts.table(f"{node.schema}.{node.table}" if node.schema else node.table)
            while table is not None and table.partition_of and facts.table(table.partition_of):
                table = facts.table(table.partition_of)
            size = facts.heap_bytes(table.qualified) if table else None
            if table is not None and size is not None and size > SMALL_BYTES:
                yield table.qualified, size
