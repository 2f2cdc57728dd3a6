"""What to do first: the changes that free most, measured before estimated."""

import msgspec
import pytest

from pgadvisor.model.finding import Evidence, Remedy, Rung, Severity, Where
from pgadvisor.reports.finding_words import gain_text
from pgadvisor.reports.fix_first import first_fixes, gain
from pgadvisor.reports.lookup import lookup_of
from tests.reports.make_report import empty_report, finding, shop_report


def test_the_most_freed_measured_before_estimated() -> None:
    fixes = first_fixes(lookup_of(shop_report()))
    rungs = [fix.finding.rung for fix in fixes]
    assert rungs == sorted(rungs, key=lambda rung: rung.rank)
    assert [fix.finding.rule for fix in fixes] == [
        "scan-discards-most-rows",
        "function-on-indexed-column",
        "sort-spills",
        "subplan-per-row",
        "foreign-key-without-index",
    ]
    assert [fix.number for fix in fixes] == [1, 4, 5, 3, 6]


def test_a_change_that_two_findings_ask_for_stands_once() -> None:
    report = shop_report()
    twin = msgspec.structs.replace(report.findings[0], rule="sort-spills", key="other")
    fixes = first_fixes(lookup_of(msgspec.structs.replace(report, findings=(*report.findings, twin))))
    assert len({fix.finding.remedy.sql for fix in fixes}) == len(fixes)


def test_gain_of_one_statement_is_told_by_call() -> None:
    report = shop_report()
    freed = gain(lookup_of(report), report.findings[3])
    assert freed is not None and freed.after_ms_per_call is not None and freed.after_ms_per_day is not None
    assert freed.now_ms_per_day == pytest.approx(91_000 * 37.1 / 7)
    assert freed.after_ms_per_day == pytest.approx(91_000 * 37.1 / 7 - 479_000)
    assert freed.after_ms_per_call == pytest.approx(37.1 * (1 - 479_000 * 7 / (91_000 * 37.1)))


def test_what_is_not_known_is_not_told() -> None:
    report = shop_report()
    found = report.findings[3]
    without_window = gain(lookup_of(msgspec.structs.replace(report, window_s=None)), found)
    more_than_all = gain(lookup_of(report), msgspec.structs.replace(found, gain_ms_per_day=1e12))
    assert without_window is not None and without_window.now_ms_per_day is None and without_window.share is None
    assert more_than_all is not None and more_than_all.now_ms_per_day is None
    assert gain(lookup_of(report), report.findings[1]) is None


def test_a_day_is_not_told_from_a_few_minutes() -> None:
    report = shop_report()
    brief = msgspec.structs.replace(report, window_s=600.0)
    found = msgspec.structs.replace(report.findings[3], gain_ms_per_day=91_000 * 37.1 * 100)
    told = gain(lookup_of(brief), found)
    assert told is not None and told.is_extrapolated
    assert told.share == pytest.approx(91_000 * 37.1 * 100 * 600 / 86_400 / report.observed_ms)
    assert "a day" not in str(gain_text(lookup_of(brief), found))
    assert "% of all database time" in str(gain_text(lookup_of(brief), found))
    assert "a day" in str(gain_text(lookup_of(report), report.findings[3]))


def test_without_a_gain_the_worst_with_sql() -> None:
    measured = (Evidence(rung=Rung.MEASURED, text="counted"),)
    findings = (
        finding("a", Severity.ERROR, "no sql", Where(), Remedy(text="Think.")),
        finding("b", Severity.WARNING, "sql", Where(), Remedy(text="Do.", sql="ANALYZE t;"), evidence=measured),
        finding("c", Severity.INFO, "small", Where(), Remedy(text="Do.", sql="ANALYZE u;")),
    )
    fixes = first_fixes(lookup_of(msgspec.structs.replace(empty_report(), findings=findings)))
    assert [fix.finding.rule for fix in fixes] == ["b"]
    assert first_fixes(lookup_of(empty_report())) == ()
