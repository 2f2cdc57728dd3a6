"""The report in a terminal: golden files, 80 columns, SQL that can be copied, nothing that commands the terminal."""

import io

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from pgadvisor.model.finding import Where
from pgadvisor.model.report import Report, Trials, UnplannedStatement
from pgadvisor.reports.text import WHOLE, render, statement_view, summary
from pgadvisor.reports.visible_text import visible
from tests.golden import assert_golden
from tests.reports.make_changed_report import changed_report, hostile_changed_report
from tests.reports.make_report import (
    empty_report,
    file_report,
    hostile_report,
    large_report,
    shop_report,
    span_of,
    statement,
)

SCAN = "scan-discards-most-rows"
WHY = f"# {SCAN}\n\nA scan.\n\n## Why it matters\n\nIt costs.\n"


def printed(part: RenderableType, width: int = 80) -> str:
    """What a console of that width shows."""
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, force_terminal=False, _environ={})
    console.print(part, crop=False)
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


@pytest.mark.parametrize(
    "report", [shop_report(), changed_report(), file_report(), empty_report(), hostile_changed_report()]
)
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
        assert cell_len(line) <= width or line[6:] in sql, line
    for each in report.statements:
        for line in printed(statement_view(report, each.key), width).splitlines():
            assert cell_len(line) <= width or line[6:] in sql, line


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
    assert "queryid  -771235551" in render(shop_report())


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


def test_of_a_large_report_every_finding_is_named_and_the_first_are_told_whole() -> None:
    findings = render(large_report()).partition("\nFindings\n")[2]
    assert findings.count("\n#") == 500
    assert findings.count("\n    rule     ") == WHOLE
    assert findings.count("The rest in a line each") == 1


def test_a_thousand_given_statements_are_told_in_part() -> None:
    text = "SELECT i.* FROM order_items i"
    report = msgspec.structs.replace(
        file_report(),
        statements=tuple(statement(f"#{at}", text, calls=None) for at in range(1, 201)),
        findings=tuple(
            msgspec.structs.replace(
                file_report().findings[0], where=Where(statement=f"#{at}"), statements=(f"#{at}",), key=str(at)
            )
            for at in range(1, 201)
        ),
    )
    told = render(report)
    assert told.count("    rule     select-star") == WHOLE
    assert [f"#{at} info" in told for at in range(1, 201)] == [True] * 200


def test_nothing_is_said_twice() -> None:
    told = render(shop_report())
    assert told.count("SELECT o.id, o.placed_at") == 1
    assert "shown with #1" in told
    assert told.count("A scan that discards") == 0  # its page has no reason to give
    report = msgspec.structs.replace(
        shop_report(), rule_pages=((SCAN, WHY),), findings=(shop_report().findings[0],) * 2
    )
    assert render(report).count("why      It costs.") == 1


def test_of_many_statements_without_a_plan_a_few_are_told_and_the_rest_counted() -> None:
    report = large_report(plans=9)
    trials = Trials(
        planner="planner twin, PostgreSQL 18.6",
        not_planned=tuple(UnplannedStatement(statement=each.key, reason="a CALL") for each in report.statements),
    )
    told = render(msgspec.structs.replace(report, trials=trials))
    assert " ".join(told.split()).count(": a CALL") == 5
    assert "and 4 more statements without a plan" in told


def test_guilty_parts_are_marked_also_where_they_stand_far_behind() -> None:
    far = f"SELECT {', '.join(f'column_{at}' for at in range(300))} FROM t WHERE lower(email) = $1 AND x = 2"
    base = shop_report()
    found = msgspec.structs.replace(base.findings[3], spans=(span_of(far, "lower(email)"),))
    told = render(msgspec.structs.replace(base, findings=(found,), statements=(statement("4418802", far),)))
    lines = told.splitlines()
    at = next(at for at, line in enumerate(lines) if "^" in line)
    marks = lines[at]
    assert lines[at - 1][marks.index("^") : marks.rindex("^") + 1] == "lower(email)"
    assert all(word in (*far.split(), "…") for line in lines[at - 6 : at] for word in line.split()[1:])


def test_new_findings_endpoints_tables_and_changes_are_told() -> None:
    told = render(changed_report())
    assert_golden("report/changed.txt", told)
    assert "#1 error   new   sequential scan" in told
    assert "#2 error   known " in told


def test_what_is_freed_at_most_is_no_promise() -> None:
    report = shop_report()
    first, *others = report.findings
    ceiling = msgspec.structs.replace(first, gain_ms_per_day=None, at_most_ms_per_day=3_600_000.0)
    told = render(msgspec.structs.replace(report, findings=(ceiling, *others)))
    assert "frees at most 1 h a day" in " ".join(told.split())
    assert "at most" not in render(report)
