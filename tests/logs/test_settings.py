"""What settings of the server make of its log: the same runs, each counted once."""

from pathlib import Path

import pytest

from pgadvisor.logs.prefix import find_prefix
from pgadvisor.logs.reading import read_logs
from pgadvisor.logs.tally import Options
from pgadvisor.model.log import Logs
from tests.logs.make_logs import FORMS, Entry, plan, run, stderr


def _read(folder: Path, data: bytes, **options: bool) -> Logs:
    (folder / "server.log").write_bytes(data)
    return read_logs([str(folder / "server.log")], options=Options(**options))


@pytest.mark.parametrize("form", FORMS)
def test_a_statement_logged_before_it_ran_has_a_plan_and_then_its_duration(tmp_path: Path, form: str) -> None:
    entries = [
        entry
        for at in range(4)
        for entry in (
            Entry("execute <unnamed>: SELECT 1 FROM t WHERE a = $1", second=at, detail=f"parameters: $1 = '{at}'"),
            plan("SELECT 1 FROM t WHERE a = $1", 2.0, second=at),
            Entry("duration: 2.500 ms", second=at),
        )
    ]
    logs = _read(tmp_path, FORMS[form](entries), keep_values=True)
    (told,) = logs.statements
    assert (told.runs, told.timed, told.duration_ms and told.duration_ms.total) == (4, 4, 10.0)
    assert len(told.plans) == 4 and sorted(told.values) == [(str(at),) for at in range(4)] and not logs.not_read
    without = [entry for entry in entries if entry.message != "duration: 2.500 ms"]
    (told,) = _read(tmp_path, FORMS[form](without), keep_values=True).statements
    assert (told.runs, told.timed, told.duration_ms and told.duration_ms.total) == (4, 4, 8.0)
    assert len(told.values) == 4


@pytest.mark.parametrize("form", FORMS)
def test_a_literal_of_several_lines_is_left_out_of_a_plan_in_text(tmp_path: Path, form: str) -> None:
    query = "SELECT 1 FROM t WHERE a = 'one\nAnn'"
    explained = (
        f"Query Text: {query}\nSeq Scan on t  (cost=0.00..1.00 rows=1 width=4) (actual time=0.1..0.1 rows=1 loops=1)\n"
        "  Filter: ((a = 'one\nAnn of: Bob'::text) AND (b <> 'it''s\nWorker Ann (cost=Bob'::text) AND (\"it's\" > 1))\n"
        "  Rows Removed by Filter: 3\n  SubPlan 1\n"
        '    ->  Index Scan using "Bo\'s" on u  (cost=0.00..1.00 rows=1 width=4)\n'
        "          Index Cond: (x = 'cut\nAnn"
    )
    logs = _read(tmp_path, FORMS[form]([Entry(f"duration: 5.000 ms  plan:\n{explained}"), run(query, 5.0)]))
    (told,) = logs.statements[0].plans
    assert "Ann" not in told.explain and "Bob" not in told.explain
    assert "Rows Removed by Filter: 3" in told.explain and 'using "Bo\'s" on u  (cost=0.00' in told.explain
    assert '("it\'s" > ?))' in told.explain


def test_several_statements_logged_as_one_have_several_plans(tmp_path: Path) -> None:
    both = "SELECT 1; SELECT 2"
    entries = [Entry(f"statement: {both}"), plan(both, 1.25), plan(both, 2.5), Entry("statement: COMMIT")]
    logs = _read(tmp_path, stderr(entries))
    told = next(each for each in logs.statements if each.text.startswith("SELECT"))
    assert (told.runs, told.timed, told.duration_ms and told.duration_ms.total) == (1, 1, 3.75)


def test_a_cursors_plan_comes_when_another_statement_closes_it(tmp_path: Path) -> None:
    cursor = "DECLARE c CURSOR FOR SELECT 1"
    entries = [
        Entry(f"statement: {cursor}"), Entry("duration: 0.100 ms"), Entry("statement: CLOSE c"), plan(cursor, 0.5),
        Entry("duration: 0.200 ms"),
    ]  # fmt: skip
    logs = _read(tmp_path, stderr(entries))
    assert {each.text.split()[0]: (each.runs, each.timed) for each in logs.statements} == {
        "DECLARE": (1, 1), "CLOSE": (1, 1),
    }  # fmt: skip
    assert not logs.not_read


def test_verbose_messages_are_read_behind_their_codes(tmp_path: Path) -> None:
    entries = [run("SELECT 1", 2.0), plan("SELECT 2", 3.0), Entry("no such table", "ERROR", statement="SELECT 3")]
    location = b"LOCATION:  exec_simple_query, postgres.c:1380\n"
    head = stderr(entries[:1]).partition(b"LOG:")[0]
    data = stderr(entries).replace(b"LOG:  ", b"LOG:  00000: ").replace(b"ERROR:  ", b"ERROR:  42P01: ")
    logs = _read(tmp_path, data + head + location)
    # The plan is longer than the shortest duration: its own stands elsewhere.
    assert [(each.text, each.runs, each.errors, len(each.plans)) for each in logs.statements] == [
        ("SELECT $1", 1, 1, 1)
    ]
    assert [event.what for event in logs.events] == ["no such table"] and not logs.not_read


@pytest.mark.parametrize(
    ("form", "spelled"),
    {"YAML": 'Query Text: "SELECT 1"\nQuery Parameters: "$1 = 1"\nPlan:', "XML": "<explain>"}.items(),
)
def test_plans_in_forms_that_are_not_read_say_which_is(tmp_path: Path, form: str, spelled: str) -> None:
    logs = _read(tmp_path, stderr([Entry(f"duration: 3.000 ms  plan:\n{spelled}"), run("SELECT 1", 3.1)]))
    reason = f"plan in {form}, which is not read"
    assert [(each.reason, each.count) for each in logs.not_read] == [(reason, 1)]
    assert [(each.runs, each.timed) for each in logs.statements] == [(1, 1)]


def test_a_local_client_is_a_client() -> None:
    line = b"2026-01-31 12:00:00 UTC [44]: [%d-1] user=joe,db=shop,app=web,client=[local] LOG:  ready\n"
    found = find_prefix(b"".join(line % at for at in range(1, 9)))
    assert found is not None and found.spelled == "%t [%p]: %q[%l-1] user=%u,db=%d,app=%a,client=%r "
