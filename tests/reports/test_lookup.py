"""Look-ups of a report: each thing by its key, and nothing made up for a key that the report does not hold."""

import msgspec

from pgadvisor.model.finding import Where
from pgadvisor.model.report import Report
from pgadvisor.reports.labels import statements_of
from pgadvisor.reports.lookup import lookup_of
from tests.reports.make_changed_report import changed_report
from tests.reports.make_report import empty_report, shop_report


def _with_page(page: str) -> Report:
    return msgspec.structs.replace(shop_report(), rule_pages=(("a", page),))


def test_each_thing_by_its_key() -> None:
    report = shop_report()
    lookup = lookup_of(report)
    assert list(lookup.statements.values()) == list(report.statements)
    assert [lookup.plans[each.statement] for each in report.plans] == list(report.plans)
    for key, found in lookup.concerning.items():
        concerned = [at for at, each in enumerate(report.findings, start=1) if key in statements_of(each)]
        assert list(found) == concerned
        assert all(key in statements_of(lookup.finding(number)) for number in found)


def test_the_statement_that_a_finding_points_into() -> None:
    lookup = lookup_of(shop_report())
    first = shop_report().findings[0]
    own = lookup.statement_of(first)
    assert own is not None and own.key == first.where.statement
    none = msgspec.structs.replace(first, where=Where(), statements=())
    assert lookup.statement_of(none) is None
    assert lookup.statement_of(msgspec.structs.replace(none, statements=("of another report",))) is None


def test_a_reason_stands_under_its_heading() -> None:
    page = "# a\n\nIt is so.\n\n## Why it matters\n\nIt costs\ntime.\n\nAnd more.\n"
    assert lookup_of(_with_page(page)).reasons == {"a": "It costs time."}
    assert lookup_of(_with_page("# a\n\nIt is so.\n\n## Why it matters\n\n- a list\n")).reasons == {}
    assert lookup_of(_with_page("")).reasons == {}


def test_whether_findings_are_known_to_be_new() -> None:
    assert lookup_of(changed_report()).has_status
    assert not lookup_of(shop_report()).has_status
    assert not lookup_of(empty_report()).has_status
