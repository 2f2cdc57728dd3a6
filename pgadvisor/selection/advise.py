"""From a workload to index advice: candidates, the search, drops, the curve, and what each index gives by itself."""

import time
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.neighbours import neighbours
from pgadvisor.candidates.proposed import candidates_of
from pgadvisor.facts import Facts
from pgadvisor.model.advice import CurvePoint, IndexAdvice
from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.model.whatif import Planner
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.selection.curve import knee
from pgadvisor.selection.effects import Effects
from pgadvisor.selection.look_up_prices import LookUpPrices
from pgadvisor.selection.matrix import Matrix
from pgadvisor.selection.problem import Choice
from pgadvisor.selection.search import Search
from pgadvisor.selection.telling import Telling
from pgadvisor.selection.terms import Terms
from pgadvisor.selection.weighing import REFUSED, Weighed, weigh
from pgadvisor.selection.wishes import Wishes

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Of the tables' size: the budgets of the curve, beside the user's own and none."""
SIZE_SURENESS = 0.9
"""A budget binds the built size. Statistics take values for fewer than they are, and indexes of repeated values for
smaller: of webapp's sets 8 and 9 % in all."""
LEAST_COST = 1e-6
"""A statement planned at no cost at all is worth nothing to an index."""


def advise_indexes(
    facts: Facts,
    planner: Planner,
    drawn: Sequence[DrawnStatement],
    wishes: Wishes,
    progress: Progress = no_progress,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> IndexAdvice:
    """The best indexes for the statements drawn, within the wishes, and what speaks for each."""
    end = clock() + wishes.time_limit_s
    weighed = weigh(facts, drawn, planner, is_given=wishes.workload_is_given)
    weighed, matrix, terms = _planned(facts, planner, weighed, wishes)
    if not weighed.statements:
        return _nothing(weighed, planner, "no statement of the workload could be planned")
    scales = _scales(weighed, matrix)
    search = Search(
        matrix,
        scales,
        terms.problem,
        _thought_of(facts, weighed),
        lambda candidate: _near(facts, weighed, matrix, candidate),
        most_worse=wishes.most_worse,
        least_fall=wishes.least_fall,
        least_units=wishes.least_units,
        least_units_served=wishes.least_units_served,
        left_s=lambda: end - clock(),
        progress=progress,
    )
    rooms = {budget: _room(budget) for budget in _budgets(facts, wishes)}
    found = search.along(list(rooms.values()), _room(wishes.budget_bytes))
    choices = {budget: found[room] for budget, room in rooms.items()}
    effects = Effects(matrix, scales, terms.upkeep())
    telling = Telling(facts, planner, matrix, terms, effects, wishes, is_cut=search.is_cut)
    chosen = telling.worth_it(frozenset(choices[wishes.budget_bytes].chosen))
    own = search.told(chosen, choices[wishes.budget_bytes])
    curve = _curve(matrix, effects, {**choices, wishes.budget_bytes: own})
    return telling.advice(weighed, own, curve)


def _planned(facts: Facts, planner: Planner, weighed: Weighed, wishes: Wishes) -> tuple[Weighed, Matrix, Terms]:
    """The statements, planned as things are; one of which a draw is refused is left out, for its cost is not known."""
    matrix = Matrix(planner, weighed.statements, LookUpPrices(facts))
    terms = Terms(facts, matrix, weighed.unit, wishes)
    matrix.explore((at, matrix.today) for at in range(len(weighed.statements)))
    if not matrix.failed:
        return weighed, matrix, terms
    planned = tuple(each for at, each in enumerate(weighed.statements) if at not in matrix.failed)
    refused = tuple((weighed.statements[at].key, REFUSED) for at in sorted(matrix.failed))
    left = replace(weighed, statements=planned, left_out=(*weighed.left_out, *refused))
    return _planned(facts, planner, left, wishes)


def _scales(weighed: Weighed, matrix: Matrix) -> list[float]:
    """What a planner's unit is worth in each statement: its observed time, or its calls."""
    found = []
    for at, statement in enumerate(weighed.statements):
        cost = matrix.cost(at, matrix.today)
        is_known = at not in matrix.failed and cost > LEAST_COST
        if weighed.unit == "ms":
            found.append((statement.ms or 0.0) / cost if is_known else 0.0)
        else:
            found.append(statement.calls if is_known else 0.0)
    return found


def _thought_of(facts: Facts, weighed: Weighed) -> Mapping[int, Sequence[Candidate]]:
    keys = {statement.key: at for at, statement in enumerate(weighed.statements)}
    queries = {key: query for key, query in facts.queries.items() if key in keys}
    found = {keys[key]: candidates for key, candidates in candidates_of(facts, queries).items()}
    for key, candidates in candidates_of(facts, weighed.behind).items():
        found[keys[key]] = (*found.get(keys[key], ()), *candidates)
    return found


def _near(facts: Facts, weighed: Weighed, matrix: Matrix, candidate: Candidate) -> tuple[Candidate, ...]:
    readers = [matrix.statements[at].key for at in matrix.reading([candidate.table])]
    queries = [known[key] for known in (facts.queries, weighed.behind) for key in readers if key in known]
    return neighbours(facts, candidate, queries)


def _budgets(facts: Facts, wishes: Wishes) -> list[int | None]:
    """Of the curve, from the smallest to none."""
    heap = sum(table.heap_bytes or 0 for table in facts.tables if table.kind == "table")
    limited = {int(share * heap) for share in SHARES if heap}
    return [*sorted(limited | ({wishes.budget_bytes} if wishes.budget_bytes is not None else set())), None]


def _room(budget: int | None) -> int | None:
    """What a budget leaves for predicted sizes."""
    return None if budget is None else int(budget * SIZE_SURENESS)


def _curve(matrix: Matrix, effects: Effects, choices: Mapping[int | None, Choice]) -> tuple[CurvePoint, ...]:
    """What each budget gives, from the smallest to none."""
    points = []
    effects.plan([frozenset(each.chosen) for each in choices.values()])
    before = effects.total(matrix.today)
    for budget in sorted(choices, key=lambda each: float("inf") if each is None else each):
        new = [matrix.items[at] for at in choices[budget].chosen if not matrix.items[at].is_there]
        choice = choices[budget]
        ratio = effects.total(frozenset(choice.chosen)) / before if before else 1.0
        points.append(
            CurvePoint(
                budget_bytes=budget,
                size_bytes=sum(item.size.size_bytes or 0 for item in new),
                indexes=len(new),
                cost_ratio=ratio,
                bound=ratio * (1.0 - choice.gap),
                gap=choice.gap,
            )
        )
    at = knee([(0, 1.0), *((point.size_bytes, point.cost_ratio) for point in points)])
    return tuple(replace(point, is_knee=number == at) for number, point in enumerate(points, start=1))


def _nothing(weighed: Weighed, planner: Planner, why: str) -> IndexAdvice:
    return IndexAdvice(
        unit=weighed.unit, tried_on=planner.label, left_out=weighed.left_out, nothing_because=f"{why.capitalize()}."
    )
