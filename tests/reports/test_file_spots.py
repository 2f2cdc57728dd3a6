"""Lines and columns of findings in files."""

import pytest
from msgspec.structs import replace

from pgadvisor.model.finding import Span, Where
from pgadvisor.reports.file_spots import Spot, path_of, spot_of, thing_of, uri_of
from pgadvisor.reports.lookup import lookup_of
from tests.reports.make_migration_report import (
    FILE,
    INDEX,
    INDEX_FINDING,
    TIMEOUT_FINDING,
    TYPE,
    TYPE_FINDING,
    in_file,
    migration_report,
)
from tests.reports.make_report import shop_report


def test_a_part_in_a_later_line_has_its_own_columns() -> None:
    found = spot_of(lookup_of(migration_report()), INDEX_FINDING)
    assert found == Spot(FILE, 4, 5, 4, 14)
    assert INDEX.split("\n")[1][4:13] == "ON orders"


def test_a_part_in_the_first_line_counts_from_where_the_statement_begins() -> None:
    found = spot_of(lookup_of(migration_report()), TYPE_FINDING)
    at = 9 + TYPE.index("TYPE numeric")
    assert found == Spot(FILE, 6, at, 6, at + len("TYPE numeric"))


def test_columns_are_left_out_where_nobody_knows_them() -> None:
    report = replace(migration_report(), statements=(in_file("#2", TYPE, 6, column=None),))
    assert spot_of(lookup_of(report), TYPE_FINDING) == Spot(FILE, 6, end_line=6)


@pytest.mark.parametrize("span", [Span(start=0, end=0), Span(start=9_000, end=9_999)])
def test_a_part_that_is_none_leaves_the_line(span: Span) -> None:
    assert spot_of(lookup_of(migration_report()), replace(TYPE_FINDING, spans=(span,))) == Spot(FILE, 6)


def test_a_part_of_several_lines() -> None:
    whole = replace(INDEX_FINDING, spans=(Span(start=0, end=len(INDEX) + 50),))
    assert spot_of(lookup_of(migration_report()), whole) == Spot(FILE, 3, 1, 4, len("    ON orders (status)") + 1)


def test_without_a_part_the_line_is_marked() -> None:
    assert spot_of(lookup_of(migration_report()), TIMEOUT_FINDING) == Spot(FILE, 6)


def test_parts_of_another_file_are_not_looked_for_here() -> None:
    elsewhere = replace(TYPE_FINDING, where=replace(TYPE_FINDING.where, file="b.sql", line=None))
    assert spot_of(lookup_of(migration_report()), elsewhere) == Spot("b.sql", 1)


def test_a_redacted_report_tells_lines_alone() -> None:
    report = replace(migration_report(), is_redacted=True)
    assert spot_of(lookup_of(report), TYPE_FINDING) == Spot(FILE, 6)


@pytest.mark.parametrize(
    ("file", "path", "uri"),
    [
        ("./db/1.sql", "db/1.sql", "db/1.sql"),
        ("db\\sub\\1.sql", "db/sub/1.sql", "db/sub/1.sql"),
        ("/srv/a b.sql", "/srv/a b.sql", "file:///srv/a%20b.sql"),
        ("db/ä%:1.sql", "db/ä%:1.sql", "db/%C3%A4%25%3A1.sql"),
    ],
)
def test_paths_are_as_a_forge_names_them(file: str, path: str, uri: str) -> None:
    assert path_of(file) == path
    assert uri_of(path) == uri


def test_what_stands_in_no_file_has_a_name() -> None:
    lookup = lookup_of(shop_report())
    things = [thing_of(lookup, each) for each in lookup.report.findings]
    assert things[0] == "public.orders.status"
    assert all(things)
    nothing = replace(lookup.report.findings[0], where=Where(), statements=())
    assert thing_of(lookup, nothing) == "database"
    assert spot_of(lookup, nothing) is None
