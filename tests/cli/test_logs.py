"""`--log` of `audit` and `snapshot`: with a server, with a snapshot, alone."""

import gzip
import json
import random
from pathlib import Path

import pytest

from pgadvisor.cli import logs
from pgadvisor.collect.file import read_snapshot
from pgadvisor.errors import UsageError
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
    assert report["source"]["window_s"] == 9.0, "as long as the log is"
    assert [(each["kind"], each["count"]) for each in report["log"]["events"]] == [("deadlock", 1)]
    for form in ("text", "markdown", "html"):
        assert "deadlock" in pgadvisor("audit", "--log", tmp_path / "server.log", "--format", form).stdout


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


def test_logs_that_tell_nothing_are_not_passed_over(tmp_path: Path) -> None:
    """An empty file, one cut while packed, a prefix that no line has."""
    log, empty, cut = log_in(tmp_path), tmp_path / "empty.log", tmp_path / "cut.log.gz"
    empty.write_bytes(b"")
    noise = random.Random(0).randbytes(20_000)
    cut.write_bytes(gzip.compress(log.read_bytes() + noise)[:-4_000])
    for name, reason in ((empty, "no record was understood"), (cut, "packed data that are damaged")):
        done = pgadvisor("audit", "--log", name, "--format", "json")
        assert reason in " ".join(each["reason"] for each in json.loads(done.stdout)["gaps"] if each["area"] == "logs")
        assert bool(json.loads(done.stdout)["statements"]) == (name is cut), "what stands before damage is read"
    log.write_bytes(b"\tgone\nwhat is this\n" + log.read_bytes())
    bare = tmp_path / "bare.log"
    bare.write_text("2026-01-31 12:00:00.001 UTC LOG:  duration: 1.500 ms  statement: SELECT 1 /*route='/a'*/\n" * 9)
    done = pgadvisor("audit", "--log", bare, "--format", "json")
    assert "name neither process nor session" in done.stdout and not json.loads(done.stdout)["endpoints"][0]["seen"]
    config = tmp_path / "pgadvisor.toml"
    config.write_text('[[endpoints]]\npattern = "GET *"\nms = 1\n', encoding="utf-8")
    done = pgadvisor("audit", "--log", log, "--format", "json", "--config", config)
    cures = {each["reason"]: each["cure"] for each in json.loads(done.stdout)["gaps"] if each["area"] == "logs"}
    assert "begins within a record" in cures["not read: continuation of a record that is not there, in line 1"]
    assert "--log-line-prefix" in cures["not read: line that begins no record, in line 2"]
    assert "Hint: no log tells of requests, so no budget was looked at" in done.stderr
    prefix = ("--log-line-prefix", "<%z>")
    assert_refused(pgadvisor("endpoints", "--log", log, *prefix), "tell of no request (", "--log-line-prefix")


def test_a_cluster_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(logs, "WORKERS_S", 0.1)
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None, protocol="tcp") as cluster:
        spelled = cluster.scheduler_address.replace("tcp://", "dask://")
        with pytest.raises(UsageError, match="no workers: start one"), logs.executor_of(spelled):
            pass


def test_a_pattern_that_the_shell_took_apart_is_told(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    for command in ("audit", "endpoints"):
        assert_refused(pgadvisor(command, "dbname=x", "--log", log, log), "pattern", "into quotes")
