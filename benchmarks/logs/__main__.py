"""How fast logs are read, beside pgBadger on the same file, and whether the counts are the server's own.

    python -m benchmarks.logs FOLDER [--megabytes 1000]     makes logs there where none are, in three forms

Each form is repeated to the size asked and read by one process; MB per CPU-second, memory and the ratio to pgBadger
(Debian's package `pgbadger`; it gets the log as made, once: it takes minutes for the whole). Times are CPU times, but
others on the machine slow both down: the ratio is what holds.
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
    "import sys, time, resource; from pgadvisor.logs.reading import read_logs; b = time.process_time();"
    "l = read_logs([sys.argv[1]], processes=1);"
    "print(time.process_time() - b, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, l.records)"
)


def main() -> int:
    """Prints a line a form; 1 when counts differ."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--megabytes", type=int, default=200)
    options.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"), help="of PostgreSQL")
    asked = options.parse_args()
    if not (asked.folder / "counts.json").exists():
        make(asked.folder, asked.programs, transactions=12_000, requests=12_000, plans=0.05)
    differ = 0
    for ending, form in FORMS.items():
        log = asked.folder / f"server.{ending}"
        if not log.exists():
            continue
        differ += _differences(read_logs([str(log)]), json.loads((asked.folder / "counts.json").read_text()))
        seconds, megabytes_read, memory = _read(log, asked.megabytes)
        ours = megabytes_read / seconds
        theirs = _pgbadger(log, form)
        ratio = f"{ours / theirs:5.1f} times pgBadger's {theirs:.1f}" if theirs else "pgBadger is not installed"
        print(f"{form:8} {ours:6.1f} MB per CPU-second, {ratio}; {megabytes_read:,.0f} MB in {memory:.0f} MB of memory")
    print(f"{differ} statements are counted otherwise than by pg_stat_statements")
    return 1 if differ else 0


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
    seconds, memory, _ = map(float, done.stdout.split())
    return seconds, size, memory


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


def _differences(logs: Logs, counted: list[list[object]]) -> int:
    """Statements whose runs the log and the server count otherwise.

    Inside a function the server counts nothing (pg_stat_statements.track = top). Texts of several statements are one
    text in the log: statements of few calls are left out. So are BEGIN and COMMIT: up to PostgreSQL 15 the server
    counts a prepared utility statement only once (pgss_ProcessUtility sets its queryId to 0).
    """
    server: Counter[str] = Counter()
    for text, calls, _ in counted:
        server[fingerprint(str(text))] += int(str(calls))
    told = {each.key: each.runs - each.nested for each in logs.statements}
    control = {fingerprint(text) for text in ("BEGIN", "COMMIT")}
    kept = [key for key, calls in server.items() if calls >= 100 and key not in control]
    wrong = [key for key in kept if told.get(key) != server[key]]
    for key in wrong:
        text = next((each.text for each in logs.statements if each.key == key), key)
        print(f"  {told.get(key)} in the log, {server[key]} by the server: {text[:80]}")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
