"""How index advice does on a write-heavy database: every call committed for real, in mixed order, on fresh copies.

    python -m benchmarks.write_heavy                        none, drops, creates, best and per_query, three times each
    python -m benchmarks.write_heavy --advice report.json   beside them what `pgadvisor indexes --format json` said
    python -m benchmarks.write_heavy --pgadvisor            asks pgadvisor itself first, and tries its answer
    python -m benchmarks.write_heavy --serve                leaves the database up, used once, and prints its DSN

A throw-away server holds 12 tables: telemetry, a job queue, counters, a ledger, sessions, an audit log. Told are
medians and, for time, CPU time and WAL, ratios to no advice. `typical` is the time of median calls: others on the
machine show least in it. Sets go round in turn, so that a busy minute does not hit one of them alone.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.write_heavy.advice import IndexSet, own_sets, read_set
from benchmarks.write_heavy.rows import Counts, load
from benchmarks.write_heavy.trial import SOURCE, Trial, copy_source, run_trial, send
from benchmarks.write_heavy.workload import Call, calls_of, write_workload
from pgadvisor.planner.embedded import EmbeddedServer

WORKLOAD = Path(__file__).parent / "workload.sql"
OWN = ("none", "drops", "creates", "best", "per_query")
SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "wal_level": "replica",
    "autovacuum": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "effective_cache_size": "4GB",
    "pg_stat_statements.track": "all",
}
"""Beside fsync, synchronous_commit and full_page_writes off: right after a checkpoint, page images would be most of the
WAL of so short a run. Autovacuum off: it would start in one run and not in another."""


def main() -> int:
    """Prints the table."""
    options = _options()
    counts = Counts(options.scale)
    if options.write:
        write_workload(WORKLOAD, Counts())
        return 0
    with EmbeddedServer(options.binaries, settings=SETTINGS, preload=("pg_stat_statements",)) as server:
        _load(server, counts)
        calls = calls_of(options.calls, counts)
        if options.serve:
            return _serve(server, calls)
        sets = own_sets(options.only.split(","))
        sets += [read_set(path) for path in [*options.set, *options.advice]]
        if options.pgadvisor:
            sets.append(_asked(server, calls, options))
        trials = _trials(server, sets, calls, options.repeat)
    _tell(trials)
    if options.detail:
        _tell_statements(trials)
    return 0


def _load(server: EmbeddedServer, counts: Counts) -> None:
    began = time.perf_counter()
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(SOURCE)))
    with psycopg.connect(server.dsn(SOURCE), autocommit=True) as connection:
        load(connection, counts)
        sizes = (
            "SELECT sum(pg_relation_size(relid)) / 2^20, sum(pg_indexes_size(relid)) / 2^20 FROM pg_stat_user_tables"
        )
        heap, indexes = connection.execute(sizes).fetchone() or (0, 0)
    seconds = time.perf_counter() - began
    print(f"loaded in {seconds:.0f} s: heap {heap:.0f} MB, indexes {indexes:.0f} MB", file=sys.stderr)


def _serve(server: EmbeddedServer, calls: Sequence[Call]) -> int:
    print(_used(server, calls), flush=True)
    print("Ctrl-C, or the end of the input, ends the server", file=sys.stderr)
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.read()
    return 0


def _used(server: EmbeddedServer, calls: Sequence[Call]) -> str:
    """The DSN of a copy that has been used: its counters and pg_stat_statements tell of all calls."""
    dsn = copy_source(server, "used")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute("SELECT pg_stat_statements_reset()")
        send(connection, calls)
        connection.execute("VACUUM ANALYZE")
    return dsn


def _asked(server: EmbeddedServer, calls: Sequence[Call], options: argparse.Namespace) -> IndexSet:
    """What pgadvisor advises for a used copy, with the workload file or from pg_stat_statements."""
    dsn = _used(server, calls)
    program = "from pgadvisor.cli.main import main; main()"
    command = [sys.executable, "-c", program, "indexes", dsn, "--format", "json"]
    if options.binaries:
        command += ["--twin-bin", str(options.binaries)]
    with tempfile.TemporaryDirectory() as directory:
        report, workload = Path(directory) / "pgadvisor.json", Path(directory) / "workload.sql"
        if options.pgadvisor == "workload":
            write_workload(workload, Counts(options.scale))
            command += ["--workload", str(workload)]
        subprocess.run([*command, "-o", str(report)], check=True)
        found = read_set(report)
    print("pgadvisor advises:", *(f"  {each};" for each in found.changes), sep="\n")
    return found


def _trials(
    server: EmbeddedServer, sets: Sequence[IndexSet], calls: Sequence[Call], repeat: int
) -> dict[IndexSet, list[Trial]]:
    found: dict[IndexSet, list[Trial]] = {each: [] for each in sets}
    for turn in range(repeat):
        for each in sets:
            found[each].append(trial := run_trial(server, each, calls))
            print(f"{turn + 1}/{repeat} {each.name}: {trial.seconds:.1f} s", file=sys.stderr)
    return found


def _tell(trials: dict[IndexSet, list[Trial]]) -> None:
    first = next(iter(trials.values()))
    figures = {"time": "seconds", "typical": "typical_s", "CPU": "cpu_s", "WAL": "wal_mb"}
    print(f"{'set':<12}{'seconds':>20}" + "".join(f"{each:>9}" for each in (*figures, "WAL MB", "HOT", "index MB")))
    for each, runs in trials.items():
        spread = f"({min(run.seconds for run in runs):.1f} to {max(run.seconds for run in runs):.1f})"
        ratios = (_median(runs, figure) / (_median(first, figure) or 1.0) for figure in figures.values())
        line = f"{each.name:<12}{_median(runs, 'seconds'):>6.1f}{spread:>14}"
        line += "".join(f"{ratio:>9.2f}" for ratio in ratios)
        line += f"{_median(runs, 'wal_mb'):>9.1f}{_median(runs, 'hot_share'):>9.0%}{_median(runs, 'index_mb'):>9.0f}"
        print(line, flush=True)
        for name in each.forbidden:
            print(f"  drops {name}, which must stay: it backs a constraint or a cascading delete")


def _tell_statements(trials: dict[IndexSet, list[Trial]]) -> None:
    print(f"\nseconds{'':<9}" + "".join(f"{each.name:>12}" for each in trials))
    for name in next(iter(trials.values()))[0].by_name:
        times = [statistics.median(run.by_name[name] for run in runs) for runs in trials.values()]
        print(f"{name:<16}" + "".join(f"{time:>12.3f}" for time in times))


def _median(runs: Sequence[Trial], figure: str) -> float:
    return statistics.median(float(getattr(run, figure) or 0.0) for run in runs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.write_heavy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=40_000)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each set")
    parser.add_argument("--scale", type=float, default=1.0, help="of the rows")
    parser.add_argument("--binaries", type=Path, metavar="DIR", help="another PostgreSQL's programs than the wheel's")
    parser.add_argument("--only", default=",".join(OWN), help="which of our own sets, the first is the reference")
    parser.add_argument("--set", type=Path, action="append", default=[], metavar="FILE", help="CREATE and DROP INDEX")
    parser.add_argument("--advice", type=Path, action="append", default=[], metavar="FILE", help="a JSON report")
    parser.add_argument("--pgadvisor", nargs="?", const="workload", choices=("workload", "statements"),
                        help="ask it, with the workload file or from pg_stat_statements")  # fmt: skip
    parser.add_argument("--serve", action="store_true", help="leave the used database up")
    parser.add_argument("--detail", action="store_true", help="the time of each statement's calls too")
    parser.add_argument("--write", action="store_true", help="only write workload.sql")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
