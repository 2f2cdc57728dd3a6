"""The write-heavy benchmark: its workload is what it says, its sets can be made, advice is read in every form."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from benchmarks.write_heavy.__main__ import OWN, WORKLOAD
from benchmarks.write_heavy.advice import FORBIDDEN, IndexSet, own_sets, read_set
from benchmarks.write_heavy.rows import Counts, load
from benchmarks.write_heavy.trial import SOURCE, run_trial
from benchmarks.write_heavy.workload import TEMPLATES, calls_of, workload_sql
from pgadvisor.planner.embedded import EmbeddedServer
from pgadvisor.sql.parse import is_valid
from pgadvisor.sql.splitter import split_statements

SCALE = 0.01


@pytest.fixture(scope="module")
def loaded() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(settings={"wal_level": "replica", "autovacuum": "off"}) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {SOURCE}")
        with psycopg.connect(server.dsn(SOURCE), autocommit=True) as connection:
            load(connection, Counts(SCALE))
        yield server


def test_nine_of_ten_calls_write_and_come_the_same_each_time() -> None:
    calls = calls_of(2_000, Counts(SCALE))
    reads = {each.name for each in TEMPLATES if each.is_read}
    assert 0.08 < sum(call.name in reads for call in calls) / len(calls) < 0.12
    assert {call.name for call in calls} == {each.name for each in TEMPLATES}
    assert calls == calls_of(2_000, Counts(SCALE))
    assert len({call.text for call in calls}) > 0.9 * len(calls)


def test_the_workload_file_is_what_the_templates_give() -> None:
    text = WORKLOAD.read_text("utf-8")
    assert text == workload_sql(Counts()), "run: python -m benchmarks.write_heavy --write"
    statements = split_statements(text)
    assert [(each.name, each.calls) for each in statements] == [(each.name, each.calls) for each in TEMPLATES]
    assert all(is_valid(each.text) for each in statements)


def test_every_set_can_be_made_and_every_call_be_sent(loaded: EmbeddedServer) -> None:
    calls = calls_of(600, Counts(SCALE))
    trials = {each.name: run_trial(loaded, each, calls) for each in own_sets(OWN)}
    none, best, per_query = trials["none"], trials["best"], trials["per_query"]
    assert best.index_mb < none.index_mb < per_query.index_mb
    assert best.wal_mb < none.wal_mb < per_query.wal_mb
    assert per_query.hot_share < 0.4 < none.hot_share < 0.7 < best.hot_share
    assert all(trial.seconds > 0 and len(trial.by_name) == len(TEMPLATES) for trial in trials.values())


def test_our_own_sets_drop_nothing_that_must_stay(loaded: EmbeddedServer) -> None:
    assert [each.name for each in own_sets(OWN) if each.forbidden] == []
    bad = IndexSet("bad", tuple(f"DROP INDEX public.{name}" for name in FORBIDDEN))
    assert bad.forbidden == FORBIDDEN
    with psycopg.connect(loaded.dsn(SOURCE)) as connection:
        named = connection.execute("SELECT indexrelname FROM pg_stat_user_indexes").fetchall()
    assert set(FORBIDDEN) <= {name for (name,) in named}


def test_advice_is_read_from_lines_and_from_both_forms_of_json(tmp_path: Path) -> None:
    create = "SET lock_timeout = '2s';\nCREATE INDEX CONCURRENTLY a ON jobs (queue) WHERE status = 'a;b';"
    advice = {"create": [{"sql": create}], "drop": [{"sql": "DROP INDEX CONCURRENTLY public.b;"}]}
    expected = ("CREATE INDEX a ON jobs (queue) WHERE status = 'a;b'", "DROP INDEX public.b")
    for name, text in {
        "top.json": json.dumps(advice),
        "below.json": json.dumps({"format": 1, "advice": advice}),
        "lines.sql": f"-- a set\n{create}\nDROP INDEX public.b;\n",
    }.items():
        (tmp_path / name).write_text(text, "utf-8")
        assert read_set(tmp_path / name) == IndexSet(Path(name).stem, expected)
