"""How fast logs are read, beside pgBadger on the same file, and whether the figures are the server's own.

    python -m benchmarks.logs FOLDER [--megabytes 1000]     makes logs there where none are, in three forms

Each form is repeated to the size asked and read by one process; MB per CPU-second, memory and the ratio to pgBadger
(Debian's package `pgbadger`; it gets the log as made, once: it takes minutes for the whole). Times are CPU times, but
others on the machine slow both down: the ratio is what holds.

Runs must be those of pg_stat_statements, and the three forms must tell the same. Times cannot be the server's: what is
logged of a statement is its time with parsing, planning and sending, pg_stat_statements tells its execution alone.
"""

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from benchmarks.logs.make import SETTINGS, make
from pgadvisor.logs.reading import read_logs
from pgadvisor.model.log import Logs
from pgadvisor.sql.fingerprint import fingerprint

FORMS = {"log": "stderr", "csv": "csv", "json": "jsonlog"}
READ = (
    "import sys, time; from pathlib import Path; from pgadvisor.logs.reading import read_logs; b = time.process_time();"
    "l = read_logs([sys.argv[1]], processes=1);"
    "s = time.process_time() - b; print(s, Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
)
"""ru_maxrss would be at least what this process has: it outlives exec."""


def main() -> int:
    """Prints a line a form; 1 when counts differ."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--megabytes", type=int, default=200)
    options.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"), help="of PostgreSQL")
    asked = options.parse_args()
    if not (asked.folder / "counts.json").exists():
        make(asked.folder, asked.programs, transactions=12_000, requests=12_000, plans=0.05)
    differ, told = 0, []
    for ending, form in FORMS.items():
        log = asked.folder / f"server.{ending}"
        if not log.exists():
            continue
        counted = json.loads((asked.folder / "counts.json").read_text())
        told.append(_figures(read_logs([str(log)])))
        differ += _differences(told[-1], counted)
        seconds, megabytes_read, memory = _read(log, asked.megabytes)
        ours = megabytes_read / seconds
        theirs = _pgbadger(log, form)
        ratio = f"{ours / theirs:5.1f} times pgBadger's {theirs:.1f}" if theirs else "pgBadger is not installed"
        print(f"{form:8} {ours:6.1f} MB per CPU-second, {ratio}; {megabytes_read:,.0f} MB in {memory:.0f} MB of memory")
    kept = [key for key, (runs, _, _) in told[-1].items() if runs >= 100 and key not in _CONTROL]
    apart = sum(1 for each in told for key in kept if each.get(key) != told[-1][key])
    print(f"{differ} statements are counted otherwise than by pg_stat_statements, {apart} otherwise in another form")
    return 1 if differ or apart else 0


def _read(log: Path, megabytes: int) -> tuple[float, float, float]:
    """CPU seconds, megabytes, and megabytes of memory, of the log repeated to that size."""
    large, data = log.with_name(f"large{log.suffix}"), log.read_bytes()
    day = re.findall(rb"(?m)^\D{0,20}(\d{4}-\d\d-\d\d) ", data[:10_000])[0]
    with large.open("wb") as file:
        for at in range(max(1, round(megabytes * 1e6 / len(data)))):
            later = date.fromisoformat(day.decode()) + timedelta(days=at)  # time goes on from one copy to the next
            file.write(data.replace(day, later.isoformat().encode()))
    size = large.stat().st_size / 1e6
    done = subprocess.run([sys.executable, "-c", READ, str(large)], check=True, capture_output=True, text=True)
    large.unlink()
    seconds, kilobytes = map(float, done.stdout.split())
    return seconds, size, kilobytes / 1000


def _pgbadger(log: Path, form: str) -> float | None:
    """Its megabytes per CPU-second."""
    if shutil.which("pgbadger") is None:
        return None
    command = ["pgbadger", "-q", "-f", form, "-o", str(log.with_name("pgbadger.html")), str(log)]
    if form == "stderr":
        command[1:1] = ["-p", SETTINGS["log_line_prefix"]]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return log.stat().st_size / 1e6 / (spent or time.perf_counter() - began)


_Figures = dict[str, tuple[int, float, str]]
"""Of each statement: runs that are not nested, milliseconds, text."""
_CONTROL = frozenset(fingerprint(text) for text in ("BEGIN", "COMMIT"))


def _figures(logs: Logs) -> _Figures:
    return {
        each.key: (each.runs - each.nested, each.duration_ms.total if each.duration_ms else 0.0, each.text)
        for each in logs.statements
    }


def _differences(told: _Figures, counted: list[list[object]]) -> int:
    """Statements whose runs the log and the server count otherwise; prints the times of both.

    Inside a function the server counts nothing (pg_stat_statements.track = top). Texts of several statements are one
    text in the log: statements of few calls are left out. So are BEGIN and COMMIT: up to PostgreSQL 15 the server
    counts a prepared utility statement only once (pgss_ProcessUtility sets its queryId to 0).
    """
    calls: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for text, number, milliseconds in counted:
        calls[fingerprint(str(text))] += int(str(number))
        spent[fingerprint(str(text))] += float(str(milliseconds))  # type: ignore[assignment]
    kept = [key for key, number in calls.items() if number >= 100 and key not in _CONTROL]
    wrong = [key for key in kept if told.get(key, (0, 0.0, ""))[0] != calls[key]]
    for key in wrong:
        runs, _, text = told.get(key, (0, 0.0, key))
        print(f"  {runs} in the log, {calls[key]} by the server: {text[:80]}")
    logged, executed = sum(told[key][1] for key in kept if key in told), sum(spent[key] for key in kept)
    print(f"  {len(kept)} statements, {sum(calls[key] for key in kept):,} runs: {logged:,.0f} ms in the log, "
          f"{executed:,.0f} ms of execution by the server")  # fmt: skip
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
