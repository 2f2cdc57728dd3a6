"""The SQL of build plans carried out on a real server, and what they say a build takes."""

from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from pgadvisor.candidates.candidate import Candidate, IndexMethod
from pgadvisor.example import table
from pgadvisor.facts import Facts
from pgadvisor.indexes.build_plan import IndexBuild, build, build_order, drop
from pgadvisor.indexes.names import IndexNames
from pgadvisor.model.advice import AdvisedIndex
from pgadvisor.model.catalog import ColumnStatistics, Index, Setting
from pgadvisor.model.whatif import IndexSize
from tests.migrations.make import builds, expression, facts_of, facts_on, key
from tests.rules.fix_audited import execute

PARTITIONED = """
CREATE TABLE "Ev" (id bigint, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE ev_1 PARTITION OF "Ev" FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE SCHEMA old;
CREATE TABLE old."ev '2" PARTITION OF "Ev" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind);
CREATE TABLE old.ev_2_a PARTITION OF old."ev '2" FOR VALUES IN ('a');
INSERT INTO "Ev" SELECT i, '2025-06-01'::date + i, 'a' FROM generate_series(1, 300) i;
"""
WANTED = Candidate(
    schema="public", table_name="Ev", keys=(key("kind"), expression("(id % 7)", "id")), predicate="id > 0"
)


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_partitioned_table_s_index_is_built_below_and_attached(database: str) -> None:
    execute(database, PARTITIONED)
    made = builds(facts_of(database), [WANTED, replace(WANTED, predicate="id > 5", predicate_columns=("id",))])
    for each in made:
        execute(database, each.sql)
        built, used = (rows(database, check) for check in each.checks)
        assert len(built) == 4 and all(is_valid for _, is_valid in built)
        assert len(used) == 2, "PostgreSQL counts scans where rows are"
    parents = rows(database, "SELECT count(*) FROM pg_inherits i JOIN pg_index x ON x.indexrelid = i.inhrelid")
    assert parents == [(6,)]
    for each in made:
        execute(database, each.undo)
    assert all(not found.indexes for found in facts_of(database).tables)


def test_a_dropped_index_of_a_partitioned_table_comes_back_with_its_names(database: str) -> None:
    execute(database, PARTITIONED)
    execute(database, 'CREATE INDEX up ON "Ev" (kind, (id % 7)); ALTER INDEX old.ev_2_a_kind_expr_idx RENAME TO "Low"')
    facts = facts_of(database)
    before = [(each.name, each.indexes) for each in facts.tables]
    parent = facts.table("public.Ev")
    assert parent
    dropped = drop(parent, parent.indexes[0], facts)
    assert "CREATE INDEX CONCURRENTLY" in dropped.undo and "CONCURRENTLY" not in dropped.sql
    execute(database, dropped.sql)
    assert not any(each.indexes for each in facts_of(database).tables)
    execute(database, dropped.undo)
    after = [(each.name, each.indexes) for each in facts_of(database).tables]
    assert [(name, _told(indexes)) for name, indexes in after] == [(name, _told(indexes)) for name, indexes in before]
    assert len(after) == 4


def _told(indexes: tuple[Index, ...]) -> list[tuple[object, ...]]:
    return [(each.name, each.definition, each.is_valid, each.partition_of) for each in indexes]


def test_a_foreign_partition_is_left_out_and_told(database: str) -> None:
    execute(
        database,
        "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER away FOREIGN DATA WRAPPER nothing;"
        "CREATE TABLE ev (id int, kind int) PARTITION BY LIST (kind);"
        "CREATE TABLE ev_1 PARTITION OF ev FOR VALUES IN (1);"
        "CREATE FOREIGN TABLE ev_2 PARTITION OF ev FOR VALUES IN (2) SERVER away",
    )
    made = builds(facts_of(database), [Candidate(schema="public", table_name="ev", keys=(key("id"),))])[0]
    execute(database, made.sql)
    built = dict(rows(database, made.checks[0]))
    assert built == {"ev_id_idx": False, "ev_1_id_idx": True}
    assert "ev_2 cannot have it" in made.notes[0]


def test_a_failed_build_shows_in_the_check(database: str) -> None:
    execute(database, "CREATE TABLE t (id int); INSERT INTO t VALUES (0)")
    wanted = Candidate(schema="public", table_name="t", keys=(expression("(1 / id)", "id"),))
    made = builds(facts_of(database), [wanted])[0]
    with pytest.raises(psycopg.errors.DivisionByZero):
        execute(database, made.sql)
    assert rows(database, made.checks[0]) == [("t_expr_idx", False)]
    execute(database, made.undo)
    assert rows(database, "SELECT FROM pg_index WHERE NOT indisvalid") == []


def test_a_missing_extension_comes_first_and_is_told(database: str) -> None:
    execute(database, "CREATE TABLE t (words text)")
    wanted = Candidate(
        schema="public", table_name="t", keys=(key("words", "gin_trgm_ops"),), method="gin", extension="pg_trgm"
    )
    made = builds(facts_of(database), [wanted])[0]
    assert made.sql.startswith("CREATE EXTENSION IF NOT EXISTS pg_trgm;\nCREATE INDEX CONCURRENTLY t_words_idx ")
    assert any("pg_trgm" in note for note in made.notes)
    execute(database, made.sql)
    made = builds(facts_of(database), [wanted])[0]
    assert made.sql.startswith("CREATE INDEX CONCURRENTLY t_words_idx1 ")
    assert [note.partition(":")[0] for note in made.notes] == ["low confidence"]  # never analyzed


def big(rows_: float, memory_kb: str) -> Facts:
    text = ColumnStatistics(null_fraction=0, average_width_bytes=40, n_distinct=-1)
    found = table("orders", rows=rows_, columns={"status": "text"}, statistics={"status": text})
    found = replace(found, heap_bytes=round(rows_ * 200), pages=round(rows_ * 200 / 8192))
    setting = Setting(name="maintenance_work_mem", value=memory_kb)
    return facts_on(found, settings=(setting,))


def plan(facts: Facts, method: IndexMethod, part: float = 1.0, operator_class: str | None = None) -> IndexBuild:
    found = facts.tables[0]
    index = Candidate(schema="public", table_name="orders", keys=(key("status", operator_class),), method=method)
    size = IndexSize(size_bytes=round((found.rows or 0) * part * 20), rows=(found.rows or 0) * part)
    return build(facts, index, found, IndexNames(facts), size)


def test_what_a_build_takes_grows_with_the_table_and_the_method() -> None:
    def seconds(rows: float, method: IndexMethod, part: float = 1.0, operator_class: str | None = None) -> float:
        return plan(big(rows, "65536"), method, part, operator_class).build_s or 0.0

    small = seconds(1e6, "btree")
    assert 1 < small < 10 and 100 * small < seconds(1e8, "btree") < 200 * small
    assert seconds(1e6, "gin", operator_class="gin_trgm_ops") > 2 * small
    assert 0 < seconds(1e6, "brin") < small
    assert 0 < seconds(1e6, "btree", part=0.01) < small


def test_a_sort_beyond_its_memory_takes_disk() -> None:
    small, large = plan(big(1e5, "65536"), "btree"), plan(big(1e8, "65536"), "btree")
    assert small.disk_bytes == 2 * (small.size_bytes or 0) and not small.notes
    assert (large.disk_bytes or 0) > 3 * (large.size_bytes or 0)


@pytest.mark.parametrize(
    ("memory_kb", "hint"), [("65536", "maintenance_work_mem = '1GB'"), ("1048576", None), ("8388608", None)]
)
def test_a_big_build_gets_a_word_about_memory(memory_kb: str, hint: str | None) -> None:
    notes = " ".join(plan(big(1e8, memory_kb), "btree").notes)
    assert "of free disk" in notes
    assert (hint or "maintenance_work_mem") in notes if hint else "maintenance_work_mem" not in notes


def test_nothing_is_made_up_for_a_table_of_unknown_size() -> None:
    facts = facts_on(replace(table("orders"), rows=None))
    found = facts.tables[0]
    index = Candidate(schema="public", table_name="orders", keys=(key("status"),))
    made = build(facts, index, found, IndexNames(facts), IndexSize(size_bytes=8192))
    assert (made.size_bytes, made.build_s, made.disk_bytes, made.notes) == (8192, None, None, ())


def test_what_saves_most_a_second_is_built_first() -> None:
    def index(name: str, gain: float, seconds: float | None) -> AdvisedIndex:
        return AdvisedIndex(
            name=name, table="public.t", definition="", sql="", undo="", lock="", gain=gain, build_s=seconds
        )

    given = [index("slow", 1000, 100), index("unknown", 5, None), index("quick", 900, 10), index("tiny", 50, 0.01)]
    assert [each.name for each in build_order(given)] == ["quick", "tiny", "slow", "unknown"]
