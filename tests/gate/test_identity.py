"""The identity of a migration's finding: what moves or grows does not change it."""

import pytest
from msgspec.structs import replace

from pgadvisor.advise.baseline import mark, read_baseline, write_baseline
from pgadvisor.gate.identity import key_of
from tests.reports.make_migration_report import INDEX, INDEX_FINDING, migration_report

HERE = INDEX_FINDING.where


def test_neither_line_nor_size_counts() -> None:
    moved = replace(INDEX_FINDING, where=replace(HERE, line=90), message="writes to orders wait 2 min", spans=())
    assert key_of(moved, INDEX) == key_of(INDEX_FINDING, INDEX)
    assert key_of(INDEX_FINDING, INDEX).startswith("index-not-concurrent:")


def test_layout_and_comments_do_not_count() -> None:
    assert key_of(INDEX_FINDING, f"{INDEX.replace('    ', ' ')} -- soon") == key_of(INDEX_FINDING, INDEX)


@pytest.mark.parametrize(
    "other",
    [
        replace(INDEX_FINDING, rule="new-index-unused"),
        replace(INDEX_FINDING, where=replace(HERE, file="db/migrations/0043.sql")),
        replace(INDEX_FINDING, where=replace(HERE, table="public.items")),
        replace(INDEX_FINDING, where=replace(HERE, column="status")),
    ],
)
def test_rule_file_and_thing_count(other: object) -> None:
    assert key_of(other, INDEX) != key_of(INDEX_FINDING, INDEX)  # type: ignore[arg-type]


def test_another_statement_is_another_finding() -> None:
    assert key_of(INDEX_FINDING, INDEX.replace("(status)", "(placed_at)")) != key_of(INDEX_FINDING, INDEX)


def test_a_baseline_holds_when_lines_move() -> None:
    found = replace(INDEX_FINDING, key=key_of(INDEX_FINDING, INDEX))
    known = read_baseline(write_baseline((found,)), "known.json")
    moved = replace(INDEX_FINDING, where=replace(HERE, line=90), message="writes wait 3 s")
    report = replace(migration_report(), findings=(replace(moved, key=key_of(moved, INDEX)),))
    assert [each.status for each in mark(report, known.keys).findings] == ["known"]
