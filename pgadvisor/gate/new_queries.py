"""The queries that come with a pull request, on production's statistics: which read a big table whole for want of an
index."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from pgadvisor.advise.queries import read_queries
from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.proposed import candidates_of
from pgadvisor.facts import Facts
from pgadvisor.indexes.build_plan import IndexBuild, build
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

NEARLY = 0.01
"""Of the cost without an index: what a bigger one saves beyond is not worth its room."""


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
        candidate = self._best([each for each in candidates if each.table in big])
        if candidate is None or plan is None:
            return
        index, draw = self._named(candidate), self._draws[0]
        after = self._planner.plan(draw.text, Configuration(create=(index,))).plan
        if after is None or index.name not in {node.index for node in after.root.walk()}:
            return
        built = self._built(candidate, index)
        yield NeededIndex(
            file=self._statement.file or "",
            line=self._statement.line or 1,
            name=self._statement.name,
            text=self._statement.text,
            table=index.table,
            size_bytes=big[index.table],
            definition=index.definition,
            sql=built.sql,
            undo=built.undo,
            lock=built.lock,
            index_bytes=built.size_bytes,
            comparison=self._compared(index, draw, plan, after),
        )

    def _best(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """The smallest of those that are nearly as good as the best; None: none is any good."""
        tried = [each.named(f"pgadvisor_try_{at}") for at, each in enumerate(candidates)]
        costs = self._planner.costs([Question(Configuration(create=(each,)), self._texts) for each in tried])
        means, before = [self._mean(each) for each in costs], self._mean(self._before)
        if not means or min(means) > MOST_LEFT * before:
            return None
        good = [at for at, mean in enumerate(means) if mean <= min(means) + NEARLY * before]
        sizes = self._planner.sizes([tried[at] for at in good])
        ranked = sorted(zip(good, sizes, strict=True), key=lambda each: (each[1].size_bytes or 0, each[0]))
        return candidates[ranked[0][0]]

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

    def _built(self, candidate: Candidate, index: HypotheticalIndex) -> IndexBuild:
        table = self._facts.table(candidate.table)
        assert table is not None  # as above
        return build(self._facts, candidate, table, self._facts.once(IndexNames), self._planner.size(index))

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
