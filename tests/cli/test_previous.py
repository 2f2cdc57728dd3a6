"""`--previous`, `--baseline` and `pgadvisor baseline`, as a user runs them."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import snapshot_of
from pgadvisor.cli.previous import compared, read_previous
from pgadvisor.collect.file import write_snapshot
from pgadvisor.errors import UsageError
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.reports import html
from pgadvisor.reports import json as json_report
from pgadvisor.rule import Example, table
from tests.cli.run import assert_refused, pgadvisor

FAULTY = "SELECT * FROM a WHERE b NOT IN (SELECT c FROM d)"


WITHOUT_TWIN = ("--planner", "none")
"""What is said of changes does not hang on the twin, which takes seconds to start."""


def week(calls: int = 5_000, *, weeks: int = 1, other: str = "SELECT id FROM a WHERE b = $1") -> Snapshot:
    """The shop after so many weeks."""
    made = snapshot_of(
        Example(
            sql=FAULTY,
            calls=calls,
            tables=(table("a", columns={"b": "int"}), table("d", columns={"c": "int"})),
            other=((other, calls, 2.0),),
        )
    )
    totals = replace(made.totals, calls=2 * calls) if made.totals else None
    return replace(made, collected_at=made.collected_at + timedelta(days=7 * (weeks - 1)), totals=totals)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    """A directory with two weeks as snapshots, and the first as a report."""
    write_snapshot(tmp_path / "first.pgsnap", week())
    write_snapshot(tmp_path / "second.pgsnap", week(10_000, weeks=2))
    (tmp_path / "first.json").write_text(json_report.render(advise(week())), encoding="utf-8")
    yield tmp_path


@pytest.mark.parametrize("previous", ["first.pgsnap", "first.json"])
def test_a_second_audit_says_what_is_different(files: Path, previous: str) -> None:
    done = pgadvisor(
        "audit", *WITHOUT_TWIN, files / "second.pgsnap", "--previous", files / previous, "--format", "json", "-q"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["findings"]
    assert {each["status"] for each in told["findings"]} == {"known"}
    assert told["changes"]["since_previous"] == (previous == "first.pgsnap")
    assert told["source"]["window_s"] == (7 if previous == "first.pgsnap" else 30 + 7) * 86_400
    assert (told["changes"]["fixed"], told["changes"]["not_judged"], told["changes"]["statements"]) == ([], [], [])


def test_the_summary_of_a_second_audit_says_what_changed(files: Path) -> None:
    done = pgadvisor(
        "audit", *WITHOUT_TWIN, files / "second.pgsnap", "--previous", files / "first.json", "-o", files / "a.html"
    )
    told = pgadvisor("diff", files / "first.json", files / "second.pgsnap", "--planner", "none").stdout
    assert " ".join(told.splitlines()[0].split()) in " ".join(done.stderr.split()), done.stderr


def test_only_new_findings_fail(files: Path) -> None:
    asked = ("audit", *WITHOUT_TWIN, files / "second.pgsnap", "--fail-on", "info", "-q")
    assert pgadvisor(*asked).returncode == 1
    assert pgadvisor(*asked, "--previous", files / "first.json").returncode == 0


def test_another_server_is_a_gap(files: Path) -> None:
    moved = week(10_000, weeks=2)
    assert moved.server and moved.totals
    host = replace(moved.server, host="db-2")
    other = replace(moved, server=host, totals=replace(moved.totals, since=moved.collected_at - timedelta(days=1)))
    write_snapshot(files / "other.pgsnap", other)
    first = week()
    assert first.server
    write_snapshot(files / "first.pgsnap", replace(first, server=replace(first.server, host="db-1")))
    done = pgadvisor(
        "audit", *WITHOUT_TWIN, files / "other.pgsnap", "--previous", files / "first.pgsnap", "--format", "json", "-q"
    )
    told = json.loads(done.stdout)
    assert [each["reason"] for each in told["gaps"] if each["subject"] == "the previous run"] == [
        "the previous run read db-1, this one db-2: their counters may be those of two servers"
    ]
    assert told["changes"]["reset_between"]


@pytest.mark.parametrize("host", ["10.1.2.3", "2001:db8::7", "customer.orders.internal", "secret"])
def test_the_host_of_the_previous_run_is_redacted(files: Path, host: str) -> None:
    for name, run, at in (("first", week(), host), ("second", week(10_000, weeks=2), "10.9.8.7")):
        assert run.server and run.totals
        totals = replace(run.totals, since=run.collected_at - timedelta(days=1))
        write_snapshot(files / f"{name}.pgsnap", replace(run, server=replace(run.server, host=at), totals=totals))
    done = pgadvisor(
        "audit", *WITHOUT_TWIN, files / "second.pgsnap", "--previous", files / "first.pgsnap", "--redact",
        "--format", "json", "-q", folder=files,
    )  # fmt: skip
    (gap,) = [each for each in json.loads(done.stdout)["gaps"] if each["subject"] == "the previous run"]
    assert gap["reason"].startswith("the previous run read h_")
    assert not re.search(r"\d\.\d|db8|customer|orders|secret", gap["reason"])


def test_a_baseline_counts_among_what_is_new(files: Path) -> None:
    pgadvisor("baseline", files / "first.json", "-o", files / "known.json")
    empty = replace(advise(week()), findings=())
    (files / "empty.json").write_text(json_report.render(empty), encoding="utf-8")
    done = pgadvisor(
        "audit", *WITHOUT_TWIN, files / "second.pgsnap", "--previous", files / "empty.json",
        "--baseline", files / "known.json", "--format", "json", "-q",
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert {each["status"] for each in told["findings"]} == {"known"}
    assert (told["changes"]["new"], told["changes"]["known"]) == (0, len(told["findings"]))


def test_runs_are_judged_when_they_can_be_compared_and_not_before(files: Path) -> None:
    judged: list[Snapshot] = []

    def judge(snapshot: Snapshot) -> Report:
        judged.append(snapshot)
        return advise(snapshot)

    with pytest.raises(UsageError, match="later"):
        compared(week(), read_previous(files / "second.pgsnap"), judge)
    assert judged == []
    assert compared(week(10_000, weeks=2), read_previous(files / "first.pgsnap"), judge).changes
    assert len(judged) == 2


def test_what_cannot_be_compared_is_refused(files: Path) -> None:
    page, report = files / "first.html", advise(week())
    page.write_text(html.render(report), encoding="utf-8")
    (files / "empty.json").write_text("")
    (files / "list.json").write_text("[]")
    (files / "other.json").write_text('{"format": 1}')
    (files / "newer.json").write_text('{"format": 99, "findings": []}')
    (files / "half.json").write_text('{"format": 1, "pgadvisor": "0.1.0", "findings": []}')
    (files / "known.json").write_text('{"pgadvisor_baseline": 1, "known": []}')
    (files / "binary.json").write_bytes(b"\xff\xfe\x00")
    for name, words in {
        "first.html": ("HTML page", "--format json"),
        "empty.json": ("is empty", "snapshot"),
        "list.json": ("not a report",),
        "other.json": ("not a report",),
        "newer.json": ("newer pgadvisor", "upgrade"),
        "half.json": ("not a whole report", "source"),
        "known.json": ("baseline", "--baseline"),
        "binary.json": ("not a text",),
        "nowhere.json": ("nowhere.json", "No such file"),
        ".": ("is a directory",),
    }.items():
        done = pgadvisor("audit", *WITHOUT_TWIN, files / "second.pgsnap", "--previous", files / name)
        assert_refused(done, *words)
        assert len(done.stderr.splitlines()) == 1


def test_runs_that_do_not_belong_together_are_refused(files: Path) -> None:
    asked = ("audit", *WITHOUT_TWIN, files / "second.pgsnap", "--previous")
    assert_refused(pgadvisor(*asked, files / "second.pgsnap"), "the very run that is audited")
    assert_refused(
        pgadvisor("audit", *WITHOUT_TWIN, files / "first.pgsnap", "--previous", files / "second.pgsnap"), "later"
    )
    first = week()
    assert first.server
    write_snapshot(files / "crm.pgsnap", replace(first, server=replace(first.server, database="crm")))
    assert_refused(pgadvisor(*asked, files / "crm.pgsnap"), '"crm"', '"example"')
    queries = pgadvisor("query", FAULTY, "--format", "json", "-q")
    (files / "queries.json").write_text(queries.stdout)
    assert_refused(pgadvisor(*asked, files / "queries.json"), "report of queries")
    redacted = replace(advise(first), is_redacted=True)
    (files / "redacted.json").write_text(json_report.render(redacted))
    assert_refused(pgadvisor(*asked, files / "redacted.json"), "redacted")


def test_a_baseline_makes_findings_known(files: Path) -> None:
    known = files / "known.json"
    made = pgadvisor("baseline", files / "first.json", "-o", known)
    assert made.returncode == 0, made.stderr
    assert "known finding" in made.stderr
    assert made.stdout == ""
    asked = ("audit", *WITHOUT_TWIN, files / "second.pgsnap", "--fail-on", "info", "--format", "json")
    done = pgadvisor(*asked, "--baseline", known)
    assert done.returncode == 0
    assert {each["status"] for each in json.loads(done.stdout)["findings"]} == {"known"}
    assert "match" not in done.stderr
    write_snapshot(files / "worse.pgsnap", week(other="SELECT id FROM a WHERE b NOT IN (SELECT c FROM d)"))
    worse = pgadvisor("audit", *WITHOUT_TWIN, files / "worse.pgsnap", *asked[4:], "--baseline", known)
    assert worse.returncode == 1
    assert {each["status"] for each in json.loads(worse.stdout)["findings"]} == {"known", "new"}


def test_the_baseline_may_stand_in_the_settings(files: Path) -> None:
    pgadvisor("baseline", files / "first.json", "-o", files / "known.json")
    (files / "pgadvisor.toml").write_text('baseline = "known.json"\nfail-on = "info"\n')
    assert pgadvisor("audit", *WITHOUT_TWIN, "second.pgsnap", "-q", folder=files).returncode == 0
    elsewhere = pgadvisor("audit", *WITHOUT_TWIN, files / "second.pgsnap", "-q", "--config", files / "pgadvisor.toml")
    assert elsewhere.returncode == 0, elsewhere.stderr


def test_a_query_heeds_the_baseline(tmp_path: Path) -> None:
    asked = ("query", FAULTY, "--fail-on", "info", "-q")
    report = pgadvisor(*asked, "--format", "json")
    assert report.returncode == 1
    (tmp_path / "report.json").write_text(report.stdout)
    (tmp_path / "known.json").write_text(pgadvisor("baseline", tmp_path / "report.json").stdout)
    done = pgadvisor(*asked, "--baseline", tmp_path / "known.json")
    assert done.returncode == 0
    assert "findings are known" in done.stdout


def test_entries_that_match_nothing_are_told(files: Path) -> None:
    known = files / "known.json"
    pgadvisor("baseline", files / "first.json", "-o", known)
    content = json.loads(known.read_text())
    content["known"].append({"key": "deep-offset:0", "rule": "deep-offset", "message": "an old page"})
    known.write_text(json.dumps(content))
    done = pgadvisor("audit", *WITHOUT_TWIN, files / "second.pgsnap", "--baseline", known)
    assert "1 entry of the baseline matches no finding any more" in done.stderr
    assert "an old page" in done.stderr
    assert pgadvisor("audit", *WITHOUT_TWIN, files / "second.pgsnap", "--baseline", known, "-q").stderr == ""


def test_a_note_is_kept_when_the_baseline_is_made_again(files: Path) -> None:
    known = files / "known.json"
    pgadvisor("baseline", files / "first.json", "-o", known)
    content = json.loads(known.read_text())
    content["known"][0]["note"] = "goes in May"
    known.write_text(json.dumps(content))
    pgadvisor("baseline", files / "first.json", "-o", known)
    first = known.read_bytes()
    assert json.loads(first)["known"][0]["note"] == "goes in May"
    pgadvisor("baseline", files / "first.json", "-o", known)
    assert known.read_bytes() == first


def test_bad_baselines_are_refused(files: Path) -> None:
    (files / "empty.json").write_text("")
    (files / "newer.json").write_text('{"pgadvisor_baseline": 2, "known": []}')
    for name, words in {
        "empty.json": ("is empty",),
        "newer.json": ("newer pgadvisor",),
        "first.json": ("is a report", "pgadvisor baseline"),
        "first.pgsnap": ("not a text",),
        ".": ("is a directory",),
        "nowhere.json": ("No such file",),
    }.items():
        assert_refused(pgadvisor("audit", *WITHOUT_TWIN, files / "second.pgsnap", "--baseline", files / name), *words)
    assert_refused(pgadvisor("baseline", files / "first.pgsnap"), "not a text", "--format json")
    assert_refused(pgadvisor("baseline", files / "first.json", "-o", files / "first.json"), "overwritten")
    gone = pgadvisor("baseline", files / "nowhere.json", "-o", files / "first.json")
    assert_refused(gone, "nowhere.json", "No such file", "check the name")
    assert "space" not in gone.stderr
    (files / "pgadvisor.toml").write_text("baseline = 3\n")
    assert_refused(pgadvisor("audit", *WITHOUT_TWIN, "second.pgsnap", folder=files), "pgadvisor.toml", "baseline")
