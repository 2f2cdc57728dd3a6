"""`--log` of `audit` and `snapshot`: with a server, with a snapshot, alone."""

import json
from pathlib import Path

from pgadvisor.collect.file import read_snapshot
from tests.cli.run import assert_refused, pgadvisor
from tests.logs.make_logs import Entry, run, stderr

ORDERS = "SELECT * FROM orders WHERE email = 'ann@secret.example'"


def log_in(folder: Path) -> Path:
    entries = [*(run(ORDERS, 5.0 + at, second=at) for at in range(5)), Entry("deadlock detected", "ERROR", second=9)]
    file = folder / "server.log"
    file.write_bytes(stderr(entries))
    return file


def test_a_log_alone_is_audited(tmp_path: Path) -> None:
    done = pgadvisor("audit", "--log", log_in(tmp_path), "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    statement = report["statements"][0]
    assert (statement["calls"], statement["mean_ms"]) == (5, 7.0)
    assert "secret" not in done.stdout
    assert any("no database was asked" in each["reason"] for each in report["gaps"])


def test_a_snapshot_keeps_what_logs_tell(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    made = pgadvisor("snapshot", "-o", tmp_path / "a.pgsnap", "--log", f"{tmp_path}/*.log", "--log-line-prefix",
                     "%m [%p] %q%u@%d/%a ")  # fmt: skip
    assert made.returncode == 0, made.stderr
    snapshot = read_snapshot(tmp_path / "a.pgsnap")
    assert snapshot.logs is not None and snapshot.logs.files[0].name == log.name
    assert snapshot.statements[0].fingerprint == snapshot.logs.statements[0].key
    again = pgadvisor("audit", tmp_path / "a.pgsnap", "--log", "-", "--format", "json", stdin=log.read_text())
    assert again.returncode == 0, again.stderr


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert_refused(pgadvisor("audit", "--log", tmp_path / "none.log"), "there is no log file")
    log = log_in(tmp_path)
    assert_refused(pgadvisor("audit", "--log", log, "--executor", "spark://x"), "dask://HOST:PORT")
    assert_refused(pgadvisor("audit", "--log", log, "--workload", log), "leave out --log")
