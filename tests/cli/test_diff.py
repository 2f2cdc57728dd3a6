"""`pgadvisor diff`, as a user runs it: two weeks of a shop, in between an index made, one dropped, and much else."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import jsonschema
import pytest
from msgspec.structs import replace

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import NOON
from pgadvisor.collect.file import write_snapshot
from pgadvisor.model.catalog import Server, Setting, Table
from pgadvisor.model.log import LoggedEndpoint, Logs, Spread
from pgadvisor.model.snapshot import FORMAT, Snapshot
from pgadvisor.model.workload import Statement, WorkloadTotals
from pgadvisor.reports import json as json_report
from pgadvisor.reports import json_diff
from pgadvisor.rule import table
from pgadvisor.sql.fingerprint import fingerprint
from tests.cli.run import assert_refused, pgadvisor

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "diff.schema.json"
WEEK = timedelta(days=7)
START = NOON - 2 * WEEK
LOOKUP = "SELECT id, total FROM orders WHERE lower(email) = $1"
PAGE = "SELECT id FROM items WHERE kind = $1"
INSERT = "INSERT INTO orders (email) VALUES ($1)"
FAULTY = "SELECT id FROM items WHERE kind NOT IN (SELECT kind FROM kinds)"
OTHERS = tuple(f"SELECT kind AS kind_{number} FROM kinds WHERE id = $1" for number in range(6))
Calls = dict[str, tuple[int, float]]
"""Text → calls and milliseconds a call, of one week."""
FIRST: Calls = {LOOKUP: (7_000, 100.0), PAGE: (7_000, 2.0), INSERT: (7_000, 4.0), **dict.fromkeys(OTHERS, (700, 1.0))}
SECOND: Calls = {**FIRST, LOOKUP: (7_000, 1.0), PAGE: (7_000, 20.0), INSERT: (7_000, 2.0), FAULTY: (70, 50.0)}


def shop(*weeks: Calls, tables: tuple[Table, ...], logs: Logs | None = None, work_mem: str = "4096") -> Snapshot:
    """The shop after those weeks; its counters hold all of them."""
    sums: dict[str, tuple[int, float]] = {}
    for week in weeks:
        for text, (calls, mean_ms) in week.items():
            had, had_ms = sums.get(text, (0, 0.0))
            sums[text] = (had + calls, had_ms + calls * mean_ms)
    statements = tuple(
        Statement(key=str(crc32(text.encode())), text=text, fingerprint=fingerprint(text) or text, calls=calls,
                  total_ms=total_ms, mean_ms=total_ms / calls, rows=calls)
        for text, (calls, total_ms) in sums.items()
    )  # fmt: skip
    total_ms = sum(each.total_ms or 0.0 for each in statements)
    return Snapshot(
        format=FORMAT, pgadvisor="0.1.0", collected_at=START + len(weeks) * WEEK,
        server=Server(version_num=150018, version=f"15.{17 + len(weeks)}", database="shop", host="db-1",
                      statistics_reset_at=START),
        settings=(Setting(name="work_mem", value=work_mem, unit="kB"),), tables=tables, statements=statements,
        logs=logs,
        totals=WorkloadTotals(statements=len(statements), calls=sum(each.calls or 0 for each in statements),
                              total_ms=total_ms, since=START),
    )  # fmt: skip


def tables(*, second: bool) -> tuple[Table, ...]:
    either = {"orders_lower_idx": "lower(email)"} if second else {"orders_total_idx": "total"}
    columns = {"id": "bigint", "email": "text", "total": "bigint"}
    orders = table("orders", columns=columns, indexes={"orders_email_idx": "email", **either})
    items = table("items", rows=3e6 if second else 1e6, columns={"id": "bigint", "kind": "integer"})
    more = (table("baskets"),) if second else ()
    return (orders, items, table("kinds", rows=50, columns={"id": "bigint", "kind": "integer"}), *more)


def endpoint(requests: int, queries: float, mean_ms: float) -> LoggedEndpoint:
    def spread(mean: float) -> Spread:
        return Spread(count=requests, total=mean * requests, least=0, median=mean, p95=2 * mean, p99=mean, most=mean)

    return LoggedEndpoint(name="GET /orders", requests=requests, queries=spread(queries), database_ms=spread(mean_ms),
                          duration_ms=spread(mean_ms))  # fmt: skip


def first(**more: object) -> Snapshot:
    return replace(
        shop(FIRST, tables=tables(second=False), logs=Logs(endpoints=(endpoint(400, 3, 50.0),))), **more
    )  # fmt: skip


def second(**more: object) -> Snapshot:
    logs = Logs(endpoints=(endpoint(500, 41, 10.0),))
    return replace(shop(FIRST, SECOND, tables=tables(second=True), logs=logs, work_mem="65536"), **more)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    """A directory with both weeks, as snapshots and as reports."""
    for name, run in (("old", first()), ("new", second())):
        write_snapshot(tmp_path / f"{name}.pgsnap", run)
        (tmp_path / f"{name}.json").write_text(json_report.render(advise(run)), encoding="utf-8")
    yield tmp_path


def diff(*arguments: str | Path) -> dict[str, object]:
    done = pgadvisor("diff", *arguments, "--format", "json", "-q")
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


def test_two_snapshots_tell_what_changed_and_what_the_index_saved(files: Path) -> None:
    told = diff(files / "old.pgsnap", files / "new.pgsnap")
    changes: dict = told["changes"]  # type: ignore[type-arg, assignment]
    assert [each["rule"] for each in told["new_findings"]] == ["not-in-subquery"]  # type: ignore[attr-defined]
    (fixed,) = [each for each in changes["fixed"] if each["rule"] == "function-on-indexed-column" or each["applied"]]
    assert fixed["applied"] == "public.orders_lower_idx"
    by_change = {each["text"]: each["change"] for each in changes["statements"]}
    assert by_change == {LOOKUP: "better", PAGE: "worse", FAULTY: "new", INSERT: "better"}

    made, dropped = sorted(changes["indexes"], key=lambda each: each["change"] == "dropped")
    assert (made["index"], made["change"]) == ("public.orders_lower_idx", "made")
    assert fixed["rule"] in made["advised_by"]
    (measured,) = made["statements"]
    assert (measured["calls_before"], measured["calls_after"]) == (7_000, 7_000)
    assert (measured["ms_per_call_before"], measured["ms_per_call_after"]) == (100.0, 1.0)  # of the second week alone
    assert made["saved_ms_per_day"] == pytest.approx(99.0 * 1_000)
    assert (dropped["index"], dropped["saved_ms_per_day"]) == ("public.orders_total_idx", pytest.approx(2_000))
    assert changes["saved_ms_per_day"] == pytest.approx(101_000)

    (requests,) = changes["endpoints"]
    assert (requests["mean_ms_before"], requests["mean_ms_after"], requests["p95_ms_after"]) == (50.0, 10.0, 20.0)
    assert (requests["queries_before"], requests["queries_after"], requests["change"]) == (3.0, 41.0, "worse")
    kinds = [(each["what"], each["change"]) for each in changes["schema"]]
    assert kinds == [("server", "changed"), ("setting", "changed"), ("table", "new"), ("rows", "changed"),
                     ("index", "new"), ("index", "gone")]  # fmt: skip
    notes = " ".join(changes["notes"])
    assert "at least what is told" in notes
    assert "the version of PostgreSQL, work_mem, the rows of public.items" in notes
    assert "got" not in notes  # the statements that no index is for take the same time


def test_all_formats_tell_the_same_and_nothing_else_of_the_report(files: Path) -> None:
    pair = (files / "old.pgsnap", files / "new.pgsnap")
    text, markdown = (pgadvisor("diff", *pair, "--format", each, "-q").stdout for each in ("text", "markdown"))
    for words in ("public.orders_lower_idx", "101 s", "a day", "100 ms → 1 ms", "15.18 → 15.19", "GET /orders",
                  "not-in-subquery"):  # fmt: skip
        assert words in " ".join(text.replace("1.68 min", "101 s").split()), text
        assert words in markdown.replace("1.68 min", "101 s"), markdown
    assert pgadvisor("diff", *pair, "-o", files / "changes.html", "-q").returncode == 0
    assert "public.orders_lower_idx" in (files / "changes.html").read_text()


def test_reports_are_compared_as_far_as_they_tell(files: Path) -> None:
    """The catalog is not in them; what is said of findings, statements and endpoints is the same."""
    whole: dict = diff(files / "old.pgsnap", files / "new.pgsnap")["changes"]  # type: ignore[type-arg, assignment]
    for old, new in (("old.json", "new.pgsnap"), ("old.pgsnap", "new.json"), ("old.json", "new.json")):
        told: dict = diff(files / old, files / new)["changes"]  # type: ignore[type-arg, assignment]
        assert {each["text"]: each["change"] for each in told["statements"]} == {
            each["text"]: each["change"] for each in whole["statements"]
        }
        assert told["new"] == whole["new"]
        assert told["endpoints"] == whole["endpoints"]
        assert "holds the catalog" in " ".join(told["notes"]) or "does not hold the catalog" in " ".join(told["notes"])
    mixed: dict = diff(files / "old.json", files / "new.pgsnap")["changes"]  # type: ignore[type-arg, assignment]
    assert [each["index"] for each in mixed["indexes"]] == ["public.orders_lower_idx"]


def test_what_few_calls_or_a_faster_server_hide_is_said(files: Path) -> None:
    rare = {**SECOND, LOOKUP: (4, 1.0)}
    write_snapshot(files / "rare.pgsnap", shop(FIRST, rare, tables=tables(second=True)))
    told: dict = diff(files / "old.pgsnap", files / "rare.pgsnap")["changes"]  # type: ignore[type-arg, assignment]
    made = next(each for each in told["indexes"] if each["change"] == "made")
    assert (made["saved_ms"], made["unknown"]) == (None, "its statements were called 4 times since, too few to tell")
    quick = {text: (calls, mean_ms / 3) for text, (calls, mean_ms) in SECOND.items()}
    quick[LOOKUP] = (7_000, 0.5)
    reset = shop(quick, tables=tables(second=True))
    assert reset.totals
    later = replace(reset, collected_at=START + 2 * WEEK, totals=replace(reset.totals, since=START + WEEK))
    write_snapshot(files / "reset.pgsnap", later)
    told = diff(files / "old.pgsnap", files / "reset.pgsnap")["changes"]  # type: ignore[assignment]
    assert told["reset_between"]
    assert "got 3.0 times faster as well" in " ".join(told["notes"])


@pytest.mark.parametrize(("asked", "code"), [((), 0), (("new",), 1), (("worse",), 1), (("new", "worse"), 1)])
def test_what_is_new_or_worse_fails_when_asked(files: Path, asked: tuple[str, ...], code: int) -> None:
    options = [word for each in asked for word in ("--fail-on", each)]
    done = pgadvisor("diff", files / "old.pgsnap", files / "new.pgsnap", *options)
    assert done.returncode == code, done.stderr
    assert ("Failed: " in done.stderr) == bool(asked)


def test_nothing_changed(files: Path) -> None:
    write_snapshot(files / "same.pgsnap", shop(FIRST, FIRST, tables=tables(second=False)))
    done = pgadvisor("diff", files / "old.pgsnap", files / "same.pgsnap", "--fail-on", "new", "--fail-on", "worse")
    assert done.returncode == 0, done.stdout
    assert "0 new findings; no statement's time changed" in done.stdout


def test_what_is_no_pair_is_refused(files: Path) -> None:
    old, new = files / "old.pgsnap", files / "new.pgsnap"
    assert_refused(pgadvisor("diff", new, old), "is later than", f"pgadvisor diff {old} {new}")
    assert_refused(pgadvisor("diff", new, new), "very same run")
    server = first().server
    assert server
    write_snapshot(files / "crm.pgsnap", first(server=replace(server, database="crm")))
    assert_refused(pgadvisor("diff", files / "crm.pgsnap", new), '"crm"', '"shop"')
    newer = json.loads((files / "old.json").read_text()) | {"format": 99}
    (files / "newer.json").write_text(json.dumps(newer))
    assert_refused(pgadvisor("diff", files / "newer.json", new), "newer pgadvisor", "upgrade")
    (files / "page.html").write_text("<!doctype html><p>a report")
    assert_refused(pgadvisor("diff", old, files / "page.html"), "HTML page")
    assert_refused(pgadvisor("diff", old, files / "nowhere.pgsnap"), "nowhere.pgsnap", "check the name")
    judged = json.loads((files / "old.json").read_text()) | {"migrations": []}
    (files / "gate.json").write_text(json.dumps(judged))
    assert_refused(pgadvisor("diff", files / "gate.json", new), "no findings of a workload")


def test_only_warnings_and_errors_are_new_findings_that_fail(files: Path) -> None:
    info = {**FIRST, "SELECT * FROM items WHERE kind = $1": (7_000, 1.0)}
    write_snapshot(files / "info.pgsnap", shop(FIRST, info, tables=tables(second=False)))
    told = diff(files / "old.pgsnap", files / "info.pgsnap")
    assert {each["severity"] for each in told["new_findings"]} == {"info"}  # type: ignore[attr-defined]
    done = pgadvisor("diff", files / "old.pgsnap", files / "info.pgsnap", "--fail-on", "new")
    assert done.returncode == 0, done.stderr


def test_logs_alone_are_compared_by_their_requests(files: Path) -> None:
    for name, at, seen in (("monday", 0, endpoint(400, 26, 50.0)), ("tuesday", 1, endpoint(500, 1, 10.0))):
        run = Snapshot(format=FORMAT, pgadvisor="0.1.0", collected_at=START + at * timedelta(days=1),
                       logs=Logs(endpoints=(seen,)))  # fmt: skip
        write_snapshot(files / f"{name}.pgsnap", run)
        (files / f"{name}.json").write_text(json_report.render(advise(run)), encoding="utf-8")
    for ending in ("pgsnap", "json"):
        told: dict = diff(files / f"monday.{ending}", files / f"tuesday.{ending}")["changes"]  # type: ignore[type-arg, assignment]
        assert [(each["name"], each["change"]) for each in told["endpoints"]] == [("GET /orders", "better")]
        assert told["notes"] == ["Logs alone were compared: no database was asked."]
        assert not told["reset_between"]
    done = pgadvisor("diff", files / "monday.pgsnap", files / "tuesday.pgsnap")
    line = "GET /orders: 50 ms → 10 ms a request (p95 100 ms → 20 ms), queries of each 26 → 1, requests 400 → 500"
    assert f"better: {line}" in " ".join(done.stdout.split())
    assert_refused(pgadvisor("diff", files / "monday.pgsnap", files / "new.pgsnap"), "of logs alone", "same kind")


def test_json_fits_its_schema(files: Path) -> None:
    assert SCHEMA.read_text("utf-8") == json_diff.schema(), (
        "write docs/diff.schema.json anew from pgadvisor.reports.json_diff.schema()"
    )
    form = json.loads(json_diff.schema())
    jsonschema.validate(diff(files / "old.pgsnap", files / "new.pgsnap"), form, cls=jsonschema.Draft202012Validator)
