"""The report in a terminal: golden files, 80 columns, SQL that can be copied, nothing that commands the terminal."""

import io

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from pgadvisor.model.report import Report
from pgadvisor.reports.text import render, statement_view, summary
from pgadvisor.reports.visible_text import visible
from tests.golden import assert_golden
from tests.reports.make_report import empty_report, file_report, hostile_report, large_report, shop_report


def printed(part: RenderableType, width: int = 80) -> str:
    """What a console of that width shows."""
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, force_terminal=False, _environ={})
    console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def test_golden() -> None:
    assert_golden("report/shop.txt", render(shop_report()))
    assert_golden("report/empty.txt", render(empty_report()))
    assert_golden("report/file.txt", render(file_report()))


def test_golden_summary_and_statements() -> None:
    report = shop_report()
    assert_golden("report/summary.txt", printed(summary(report)))
    assert_golden("report/statement.txt", printed(statement_view(report, "8113450972365")))
    assert_golden("report/statement_planned.txt", printed(statement_view(report, "-771235551")))
    assert_golden("report/statement_of_file.txt", printed(statement_view(file_report(), "#2")))


@pytest.mark.parametrize("report", [shop_report(), file_report(), empty_report(), hostile_report()])
@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_width_but_for_sql(report: Report, width: int) -> None:
    sql = {
        line.rstrip()
        for found in report.findings
        for part in (found.remedy.sql, found.remedy.undo)
        if part
        for line in visible(part).splitlines()
    }
    for line in render(report, width=width).splitlines():
        assert cell_len(line) <= width or line[4:] in sql, line
    for statement in report.statements:
        for line in printed(statement_view(report, statement.key), width).splitlines():
            assert cell_len(line) <= width, line


def test_sql_to_copy_is_whole() -> None:
    lines = [line.strip() for line in render(shop_report()).splitlines()]
    assert "CREATE UNIQUE INDEX CONCURRENTLY account_lower_email_idx ON public.account (lower(email));" in lines


@pytest.mark.parametrize("report", [shop_report(), hostile_report()])
def test_nothing_commands_the_terminal(report: Report) -> None:
    told = render(report) + printed(summary(report))
    told += "".join(printed(statement_view(report, each.key)) for each in report.statements)
    assert not set(told) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x2066)}


def test_markup_in_a_message_is_text() -> None:
    report = hostile_report()
    assert "[31mred" in render(report)
    assert "]]><!--" in render(report)


def test_colour_only_when_asked_and_never_alone() -> None:
    plain, coloured = render(shop_report()), render(shop_report(), color=True)
    assert "\x1b[" not in plain
    assert "\x1b[" in coloured
    assert [word in plain for word in ("error", "warning", "info", "(measured)", "(estimated)", "(inferred)")] == [
        True
    ] * 6


def test_every_finding_names_its_statement() -> None:
    assert "where    statement 2, line 8" in render(file_report())


def test_given_statements_are_told_one_by_one_and_each_finding_once() -> None:
    report = shop_report()
    given = tuple(
        msgspec.structs.replace(each, position=at, line=at * 3) for at, each in enumerate(report.statements, start=1)
    )
    told = render(msgspec.structs.replace(report, statements=given))
    places = [line for line in told.splitlines() if line.startswith("statement ")]
    assert places == [f"statement {at}, line {at * 3}" for at in range(1, 7)]
    assert "Nothing to change was found in statements 7, 8." in told
    assert told.count("rule     scan-discards-most-rows") == 1
    assert told.count("#1 error") == 2  # told with its first statement, named with its second
    assert "Findings about no statement" in told
    assert told.count("  rule     ") == len(report.findings)
    assert "▶      └ Seq Scan on orders o #1 #7" in told


def test_an_unknown_statement_is_an_error() -> None:
    with pytest.raises(KeyError):
        statement_view(shop_report(), "no such key")


def test_a_large_report_is_told_whole() -> None:
    told = render(large_report())
    assert told.count("\n#") == 500
