"""How fast and how near to the best indexes are chosen: the solver, the same programme as textbooks write it, greedy.

    python benchmarks/index_choice.py [--only webapp|tpcds|catalog] [--gap 0.01] [--seed 1] [--limit 60]

Instances are random and shaped like real ones: costs spread over decades, a few statements hold most of the time,
most indexes serve statements of one table, some ways need indexes of two tables, and updates lose HOT.
"""

import argparse
import random
import sys
import time

import highspy
import numpy as np

from pgadvisor.selection.greedy import greedy
from pgadvisor.selection.milp import solve
from pgadvisor.selection.problem import IndexTerm, Problem, StatementWays, Updates, Way

SHAPES = {
    "webapp": {"statements": 200, "tables": 20, "per_table": 30, "ways": 30},
    "tpcds": {"statements": 99, "tables": 24, "per_table": 63, "ways": 400},
    "catalog": {"statements": 5000, "tables": 2000, "per_table": 5, "ways": 20},
}
"""`tpcds` has the 1,500 candidates that Kossmann et al. (PVLDB 13(11), 2020) have for TPC-DS at width 2."""


def instance(statements: int, tables: int, per_table: int, ways: int, share: float | None, seed: int) -> Problem:
    """A random problem; `share`: the budget, as a share of all candidates' bytes."""
    draw = random.Random(seed)
    pools = [range(number * per_table, (number + 1) * per_table) for number in range(tables)]
    count = tables * per_table
    indexes = tuple(_index(draw) for _ in range(count))
    size = sum(each.size_bytes for each in indexes)
    return Problem(
        indexes=indexes,
        statements=tuple(_statement(draw, pools, ways) for _ in range(statements)),
        updates=tuple(_updates(draw, draw.choice(pools)) for _ in range(statements // 10)),
        budget_bytes=None if share is None else int(size * share),
    )


def _index(draw: random.Random) -> IndexTerm:
    is_there = draw.random() < 0.1
    size = 0 if is_there else int(10 ** draw.uniform(5, 9)) // 8192 * 8192
    return IndexTerm(size_bytes=size, upkeep=10 ** draw.uniform(-3, 2), is_there=is_there, price=1e-3)


def _statement(draw: random.Random, pools: list[range], ways: int) -> StatementWays:
    base = 10 ** draw.gauss(3, 1.2)
    joined = [draw.choice(pools) for _ in range(draw.choice((1, 1, 2, 2, 3, 4)))]
    useful = sorted(
        {at for pool in joined for at in draw.sample(pool, min(len(pool), max(2, ways // 2 // len(joined))))}
    )
    factor = {at: 10 ** -draw.expovariate(1.5) for at in useful}
    found = [Way(cost=base), *(Way(cost=base * factor[at], needs=(at,)) for at in useful)]
    while len(found) < ways and len(useful) > 1:
        needs = tuple(sorted(draw.sample(useful, min(len(useful), draw.choice((2, 2, 2, 3))))))
        cost = base * draw.uniform(0.1, 1.0)
        for at in needs:
            cost *= factor[at] ** 0.8
        found.append(Way(cost=cost, needs=needs))
    return StatementWays(ways=tuple(found), most=base * 1.1 if draw.random() < 0.5 else None)


def _updates(draw: random.Random, pool: range) -> Updates:
    sets = tuple(sorted(draw.sample(pool, max(1, len(pool) // 4))))
    entries = tuple((at, 10 ** draw.uniform(-2, 2)) for at in pool)
    return Updates(broken_by=sets, lost=10 ** draw.uniform(-1, 3), entries=entries)


class Textbook:
    """The programme with a link for each way and index it needs, all ways kept, the budget in bytes."""

    def __init__(self, problem: Problem) -> None:
        self.model: highspy.Highs = highspy.Highs()  # type: ignore[no-untyped-call]
        self.model.silent()
        for index in problem.indexes:
            self._column(index.upkeep + (-index.price if index.is_there else index.price))
        count = len(problem.indexes)
        self.model.changeColsIntegrality(count, np.arange(count, dtype=np.int32), np.ones(count, dtype=np.uint8))
        self.model.changeObjectiveOffset(sum(index.price for index in problem.indexes if index.is_there))
        if problem.budget_bytes is not None:
            sizes = [(at, float(each.size_bytes)) for at, each in enumerate(problem.indexes) if not each.is_there]
            self._row(-highspy.kHighsInf, problem.budget_bytes, sizes)
        for statement in problem.statements:
            self._statement(statement)
        for updates in problem.updates:
            self._updates(updates)

    def solve(self, gap: float, time_limit_s: float) -> tuple[float, float]:
        """The cost that it finds, and its bound."""
        self.model.setOptionValue("mip_rel_gap", gap)
        self.model.setOptionValue("time_limit", time_limit_s)
        self.model.setOptionValue("threads", 1)
        highspy.Highs.resetGlobalScheduler(True)
        self.model.run()
        info = self.model.getInfo()
        return info.objective_function_value, info.mip_dual_bound

    def _column(self, cost: float) -> int:
        self.model.addCol(cost, 0.0, 1.0, 0, [], [])
        return int(self.model.getNumCol()) - 1

    def _row(self, lower: float, upper: float, terms: list[tuple[int, float]]) -> None:
        self.model.addRow(lower, upper, len(terms), [at for at, _ in terms], [factor for _, factor in terms])

    def _statement(self, statement: StatementWays) -> None:
        columns = [self._column(way.cost) for way in statement.ways]
        self._row(1.0, 1.0, [(column, 1.0) for column in columns])
        for way, column in zip(statement.ways, columns, strict=True):
            for at in way.needs:
                self._row(-highspy.kHighsInf, 0.0, [(column, 1.0), (at, -1.0)])
        if statement.most is not None:
            costs = [(column, way.cost) for way, column in zip(statement.ways, columns, strict=True)]
            self._row(-highspy.kHighsInf, statement.most, costs)

    def _updates(self, updates: Updates) -> None:
        broken = self._column(updates.lost)
        for at in updates.broken_by:
            self._row(-highspy.kHighsInf, 0.0, [(at, 1.0), (broken, -1.0)])
        for at, cost in updates.entries:
            self._row(-highspy.kHighsInf, 1.0, [(at, 1.0), (broken, 1.0), (self._column(cost), -1.0)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for the textbook programme; 0: leave it out")
    parser.add_argument("--only", help="the first letters of an instance's name")
    options = parser.parse_args()
    print(f"{'instance':34} {'way':9} {'CPU s':>8} {'gap':>8} {'cost / best bound':>18} {'indexes':>8}")
    for name, shape in SHAPES.items():
        if options.only is None or name.startswith(options.only):
            for share in (None, 0.5, 0.1):
                _compare(f"{name}, {_share(share)}", instance(**shape, share=share, seed=options.seed), options)
    return 0


def _share(share: float | None) -> str:
    return "no budget" if share is None else f"{share:.0%}"


def _compare(name: str, problem: Problem, options: argparse.Namespace) -> None:
    started = time.process_time()
    best = solve(problem, gap=options.gap, threads=1)
    solved = time.process_time()
    quick = greedy(problem)
    greedy_s = time.process_time() - solved
    _row(name, "solver", solved - started, best.gap, best.cost / best.bound, str(len(best.chosen)))
    _row("", "greedy", greedy_s, max(0.0, 1 - best.bound / quick.cost), quick.cost / best.bound, str(len(quick.chosen)))
    if options.limit:
        begun = time.process_time()
        cost, bound = Textbook(problem).solve(options.gap, options.limit)
        took = time.process_time() - begun
        _row("", "textbook", took, max(0.0, 1 - bound / cost), cost / best.bound, f"{took / (solved - started):.1f} x")


def _row(name: str, way: str, seconds: float, gap: float, ratio: float, note: str) -> None:
    print(f"{name:34} {way:9} {seconds:8.2f} {gap:8.3%} {ratio:18.4f} {note:>8}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
