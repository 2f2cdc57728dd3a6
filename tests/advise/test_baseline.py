"""The baseline: what is known is written a finding a line, read strictly, and does not fail again."""

import json

import pytest
from msgspec.structs import replace

from pgadvisor.advise.baseline import mark, read_baseline, unused, with_known_told, write_baseline
from pgadvisor.errors import UsageError
from pgadvisor.model.finding import Severity
from pgadvisor.reports.json import render
from tests.reports.make_report import shop_findings, shop_report


def test_a_finding_a_line_sorted_and_always_the_same() -> None:
    written = write_baseline(shop_findings())
    lines = written.splitlines()
    assert (lines[0], lines[-1]) == ('{"pgadvisor_baseline": 1, "known": [', "]}")
    assert len(lines) == 2 + len(shop_findings())
    assert written == write_baseline(reversed(shop_findings()))
    told = json.loads(written)["known"]
    assert list(told[0]) == ["key", "rule", "message"]
    assert [each["key"] for each in told] == sorted(each.key for each in shop_findings())


def test_what_is_written_is_read() -> None:
    first = shop_findings()[0]
    found = read_baseline(write_baseline(shop_findings(), {first.key: "the old shop goes in May"}), "known.json")
    assert found.keys == {each.key for each in shop_findings()}
    assert [each.note for each in found.known if each.note] == ["the old shop goes in May"]


def test_no_finding_is_a_baseline_as_well() -> None:
    assert read_baseline(write_baseline(()), "known.json").known == ()


def test_the_form_that_the_page_exports_is_read() -> None:
    exported = '{"pgadvisor_baseline": 1, "known": [\n{"key":"a:1","rule":"a","message":"m"}\n]}\n'
    assert read_baseline(exported, "known.json").keys == {"a:1"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!doctype html>", "is not a baseline"),
        ("[]", "is not a baseline"),
        ("{}", "is not a baseline"),
        ('{"pgadvisor_baseline": 2, "known": []}', "newer"),
        ('{"pgadvisor_baseline": 1}', "known"),
        ('{"pgadvisor_baseline": 1, "known": [{"key": "a", "rule": "b", "message": "c", "nots": ""}]}', "nots"),
        ("[" * 100_000, "is not a baseline"),
    ],
)
def test_what_is_no_baseline_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_baseline(text, "known.json")


def test_a_report_is_no_baseline() -> None:
    with pytest.raises(UsageError, match=r"pgadvisor baseline report\.json -o FILE"):
        read_baseline(render(shop_report()), "report.json")


def test_what_is_marked_is_known_and_the_rest_new() -> None:
    report = shop_report()
    errors = [each.key for each in report.findings if each.severity is Severity.ERROR]
    marked = mark(report, errors)
    assert [each.status for each in marked.findings[:3]] == ["known", "known", "new"]


def test_what_was_known_before_stays_known() -> None:
    report = mark(shop_report(), {shop_findings()[0].key})
    assert [each.status for each in mark(report, {shop_findings()[1].key}).findings[:3]] == ["known", "known", "new"]


def test_the_verdict_says_how_many_are_known() -> None:
    report, keys = shop_report(), [each.key for each in shop_findings()]
    assert with_known_told(report) == report
    assert with_known_told(mark(report, keys)).verdict.text.endswith("All 12 findings are known.")
    assert with_known_told(mark(report, keys[:3])).verdict.text.endswith("3 of 12 findings are known.")
    assert with_known_told(mark(report, ())).verdict.text.endswith("None of the findings is known.")
    one = mark(replace(report, findings=report.findings[:1]), keys)
    assert with_known_told(one).verdict.text.endswith("The finding is known.")


def test_unused_is_what_its_rule_no_more_finds() -> None:
    report = shop_report()
    known = read_baseline(
        write_baseline(
            (
                report.findings[0],
                replace(report.findings[0], key="gone:1", rule="deep-offset"),
                replace(report.findings[0], key="gone:2", rule="unused-index"),  # did not run
            )
        ),
        "known.json",
    )
    assert [each.key for each in unused(report, known)] == ["gone:1"]
