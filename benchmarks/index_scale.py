"""How long index advice takes, and how much memory, on 2,000 tables with 10,000 indexes and 5,000 statements.

    python benchmarks/collect_scale.py --collect DSN --file FILE   makes the snapshot (its first lines say how)
    python benchmarks/index_scale.py FILE [--even]

The snapshot's tables have few rows, all statements ran once: that is one case (`--even`). In the other, tables are made
larger and calls more frequent, each differently, so that there is something to gain.
"""

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

import msgspec

from pgadvisor.advise.queries import read_queries
from pgadvisor.cli.planning import PlannerChoice, planner_on
from pgadvisor.cli.source import SourceOptions
from pgadvisor.collect.file import read_snapshot
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.planner.twin_statements import draw_statements
from pgadvisor.selection.advise import advise_indexes
from pgadvisor.selection.wishes import Wishes

LIMIT_S, LIMIT_MB = 300.0, 2048.0
LARGEST = 1_000
"""Times that the first table grows; the others less, as 1/n (Zipf)."""


def main() -> int:
    """Prints the figures as JSON; 1 when they are over the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("--even", action="store_true", help="tables and calls as the snapshot has them")
    parser.add_argument("--time-limit", type=float, default=Wishes().time_limit_s)
    parser.add_argument("--json", type=Path, help="write the advice there")
    options = parser.parse_args()
    snapshot = msgspec.structs.replace(read_snapshot(options.snapshot), plans=())
    figures = _advised(snapshot if options.even else uneven(snapshot), options)
    print(json.dumps(figures, indent=1))
    return int(figures["seconds"] > LIMIT_S or figures["peak_mb"] > LIMIT_MB)


def _advised(snapshot: Snapshot, options: argparse.Namespace) -> dict[str, float]:
    """The figures of one run, with the seconds of each stage."""
    watch = _Watch()
    facts = Facts(snapshot, read_queries(snapshot)[0])
    watch.note("queries")
    with planner_on(snapshot, PlannerChoice(options=SourceOptions(quiet=True))) as ready:
        watch.note("twin")
        drawn = draw_statements(ready.prepare, ready.planner, snapshot)
        watch.note("values")
        wishes = Wishes(time_limit_s=options.time_limit)
        advice = advise_indexes(facts, ready.planner, drawn, wishes, watch.progress)
        watch.note("advice")
    if options.json:
        options.json.write_bytes(msgspec.json.encode(advice))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "tables": len(snapshot.tables),
        "indexes": sum(len(table.indexes) for table in snapshot.tables),
        "statements": len(snapshot.statements),
        **watch.seconds,
        "seconds": round(sum(each for name, each in watch.seconds.items() if not name.startswith(" ")), 1),
        "own_cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
        "load_average": round(os.getloadavg()[0], 1),
        "candidates": advice.candidates,
        "plans": advice.plans,
        "created": len(advice.create),
        "dropped": len(advice.drop),
        "cost_ratio": round(advice.cost_ratio, 4),
        "gap": round(advice.gap, 4),
    }


class _Watch:
    """Seconds of each stage; those of the search, which are part of the advice's, are indented."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.perf_counter()
        self._stage = ""
        self._stage_began = self._began

    def note(self, stage: str) -> None:
        """The stage is over, and the next begins."""
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._began, 1)
        self._began = self._stage_began = now
        self._stage = ""

    def progress(self, stage: str, done: int, total: int) -> None:
        """As the search tells it."""
        now = time.perf_counter()
        label = f"  until {stage}" if self._stage != stage else f"  {stage}"
        self.seconds[label] = round(self.seconds.get(label, 0.0) + now - self._stage_began, 1)
        self._stage, self._stage_began = stage, now


def uneven(snapshot: Snapshot) -> Snapshot:
    """The tables larger and the calls more, each by another factor."""
    return msgspec.structs.replace(
        snapshot,
        tables=tuple(_grown(table, 1.0 + LARGEST / (1 + number)) for number, table in enumerate(snapshot.tables)),
        statements=tuple(_repeated(each, 1 + 100_000 // (1 + at)) for at, each in enumerate(snapshot.statements)),
    )


def _grown(table: Table, times: float) -> Table:
    sizes = {"rows": table.rows and table.rows * times, "pages": table.pages and int(table.pages * times)}
    return msgspec.structs.replace(
        table,
        **sizes,
        heap_bytes=table.heap_bytes and int(table.heap_bytes * times / 8192) * 8192,
        total_bytes=table.total_bytes and int(table.total_bytes * times),
        indexes=tuple(_grown_index(each, times) for each in table.indexes),
    )


def _grown_index(index: Index, times: float) -> Index:
    return msgspec.structs.replace(
        index,
        rows=index.rows and index.rows * times,
        size_bytes=index.size_bytes and int(index.size_bytes * times / 8192) * 8192,
    )


def _repeated(statement: Statement, times: int) -> Statement:
    return msgspec.structs.replace(
        statement,
        calls=statement.calls and statement.calls * times,
        total_ms=statement.total_ms and statement.total_ms * times,
        rows=statement.rows and statement.rows * times,
    )


if __name__ == "__main__":
    sys.exit(main())
