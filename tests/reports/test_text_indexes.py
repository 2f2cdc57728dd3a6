"""Index advice in a terminal: golden files, 80 columns, SQL that can be copied, nothing that commands the terminal."""

import msgspec
import pytest
from rich.cells import cell_len

from pgadvisor.model.advice import IndexAdvice
from pgadvisor.model.report import Report, Verdict
from pgadvisor.reports import labels
from pgadvisor.reports.text import render, summary
from pgadvisor.reports.text_indexes import WHOLE
from pgadvisor.reports.visible_text import UNSEEN, visible
from tests.golden import assert_golden
from tests.reports.make_advice import (
    advised_report,
    hostile_advice,
    idle_advice,
    large_advice,
    make_advice,
    measured_advice,
)
from tests.reports.make_report import shop_report
from tests.reports.test_text import printed


def alone(advice: IndexAdvice) -> Report:
    """The report of `pgadvisor indexes`: the advice, and no rule asked."""
    verdict = Verdict(headline="3 indexes to create, 2 to drop", text="Together they save 98% of the workload's time.")
    return msgspec.structs.replace(
        shop_report(), verdict=verdict, findings=(), rules_run=(), rules_not_run=(), rule_pages=(), advice=advice
    )


def sql_of(advice: IndexAdvice) -> set[str]:
    """Every line to copy, as it is shown."""
    texts = [text for each in advice.create for text in (each.sql, each.undo, *each.checks)]
    texts += [text for each in advice.drop for text in (each.sql, each.undo)]
    texts += [each.definition for each in advice.why]
    return {f"      {line}".rstrip() for text in texts for line in visible(text).splitlines()}


def test_golden() -> None:
    assert_golden("report/indexes.txt", render(alone(measured_advice())))
    assert_golden("report/indexes_none.txt", render(alone(idle_advice())))


def test_golden_summary() -> None:
    assert_golden("report/indexes_summary.txt", printed(summary(alone(make_advice()))))


@pytest.mark.parametrize("advice", [make_advice(), measured_advice(), idle_advice(), make_advice(unit="cost")])
@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_width_but_for_sql(advice: IndexAdvice, width: int) -> None:
    lines = set(render(alone(advice), width=width).splitlines()) - sql_of(advice)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [40, 80])
def test_sql_is_whole_however_narrow(width: int) -> None:
    advice = measured_advice()
    assert sql_of(advice) <= set(render(alone(advice), width=width).splitlines())


def test_of_an_audit_it_stands_beside_the_findings() -> None:
    told = render(advised_report())
    assert not labels.is_of_indexes(advised_report())
    assert "Findings" in told and "\nCreate\n" in told and "What a budget buys" in told
    assert "The counters cover 7 days" in told


def test_without_times_it_speaks_of_cost() -> None:
    told = render(alone(make_advice(unit="cost")))
    assert "saves   cost 481,900" in told
    assert "cost 482,300 → 390" in told
    assert " a day" not in told.partition("How far to trust this")[0]


def test_what_an_index_costs_is_not_told_as_saved() -> None:
    first, *others = make_advice().create
    told = render(alone(make_advice(create=(msgspec.structs.replace(first, gain=-90_000.0), *others))))
    assert "    costs   1.5 min a day, 1.9% of the workload" in told and "-1.5 min" not in told


def test_what_was_left_out_is_said_once() -> None:
    left_out = (("2207", "said already"), ("17", "its text was cut"), ("not-there", "strange"))
    told = render(alone(make_advice(left_out=left_out)))
    assert "said already" not in told  # the statement is among those that are not understood
    assert "left out: DELETE FROM product p WHERE p.id NOT IN…: its text was cut" in " ".join(told.split())
    assert "left out: not-there: strange" in told


def test_of_very_many_indexes_the_rest_can_still_be_built() -> None:
    advice = large_advice(creates=WHOLE + 20)
    told = render(alone(advice))
    assert told.count("CREATE INDEX CONCURRENTLY") == WHOLE + 20 + len(advice.drop)
    assert told.count("DROP INDEX CONCURRENTLY") == WHOLE + 20 + len(advice.drop)
    assert told.count("SHARE UPDATE EXCLUSIVE on") >= WHOLE + 20
    assert f"Of {WHOLE + 1} to {WHOLE + 20}, which statements each helps" in " ".join(told.split())
    assert "more indexes that stay" in told


def test_what_is_not_proved_is_not_said_to_be() -> None:
    curve = tuple(msgspec.structs.replace(each, gap=1.0, bound=0.0) for each in make_advice().curve)
    told = render(alone(make_advice(curve=curve)))
    assert "100.0%" not in told.partition("What a budget buys")[2].partition("How far")[0]


def test_nothing_in_it_commands_the_terminal() -> None:
    for color in (False, True):
        told = render(alone(hostile_advice()), color=color)
        if not color:
            assert UNSEEN.search(told.replace("\n", "")) is None
        assert "\x1b]" not in told and "\x9b" not in told and "\u202e" not in told
