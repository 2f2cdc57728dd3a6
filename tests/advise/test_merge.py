"""Findings of one cause become one."""

import msgspec

from pgadvisor.advise.examples import facts_of
from pgadvisor.advise.merge import merge
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Span, Where
from pgadvisor.rule import Example

FACTS: Facts = facts_of(
    Example(sql="SELECT 1", calls=10, mean_ms=1.0, other=(("SELECT 2", 10, 50.0), ("SELECT 3", 10, 9.0)))
)


def finding(cause: str | None, statement: str, *, severity: Severity = Severity.INFO, gain: float = 1.0) -> Finding:
    return Finding(
        rule="scan-discards-most-rows",
        where=Where(table="public.orders", statement=statement),
        message=f"says statement {statement}",
        evidence=(Evidence(rung=Rung.ESTIMATED, text=f"of {statement}"),),
        remedy=Remedy(text="Create it.", sql=f"-- {cause}"),
        wrong_if="never",
        severity=severity,
        gain_ms_per_day=gain,
        cause=cause,
        statements=(statement,),
    )


def test_one_cause_is_one_finding_told_by_its_most_costly_statement() -> None:
    (merged,) = merge([finding("index t (a)", "1"), finding("index t (a)", "2"), finding("index t (a)", "3")], FACTS)
    assert merged.statements == ("2", "3", "1")
    assert merged.message == "says statement 2"
    assert merged.gain_ms_per_day == 3.0
    assert merged.share == 1.0
    assert [each.text for each in merged.evidence] == ["of 2", "of 3", "of 1"]


def test_the_worst_severity_is_kept() -> None:
    (merged,) = merge([finding("x", "1", severity=Severity.WARNING), finding("x", "2")], FACTS)
    assert merged.severity is Severity.WARNING


def test_an_index_that_leads_another_joins_it() -> None:
    (merged,) = merge([finding("index t (a)", "2"), finding("index t (a, b)", "1")], FACTS)
    assert merged.cause == "index t (a, b)"
    assert merged.remedy.sql == "-- index t (a, b)"
    assert merged.statements == ("2", "1")


def test_an_index_that_only_begins_with_the_same_letters_does_not() -> None:
    assert len(merge([finding("index t (a)", "1"), finding("index t (ab, b)", "2")], FACTS)) == 2


def test_findings_without_a_cause_stay_apart() -> None:
    assert len(merge([finding(None, "1"), finding(None, "2")], FACTS)) == 2


def test_one_missing_index_is_one_finding_whatever_the_rules() -> None:
    text = msgspec.structs.replace(finding("index t (a)", "2", gain=5.0), rule="function-on-indexed-column")
    (merged,) = merge([text, finding("index t (a)", "2", gain=9.0)], FACTS)
    assert merged.rule == "scan-discards-most-rows"
    assert merged.also == ("function-on-indexed-column",)
    assert merged.gain_ms_per_day == 9.0
    assert "function-on-indexed-column: says statement 2" in [each.text for each in merged.evidence]


def test_the_rule_that_points_into_the_text_tells_it() -> None:
    pointing = msgspec.structs.replace(
        finding("index t (a)", "2", gain=0.0), rule="function-on-indexed-column", spans=(Span(start=0, end=4),)
    )
    planned = msgspec.structs.replace(finding("index t (a)", "2", gain=9.0), node=3)
    (merged,) = merge([planned, pointing], FACTS)
    assert merged.rule == "function-on-indexed-column"
    assert merged.also == ("scan-discards-most-rows",)
    assert merged.gain_ms_per_day == 9.0
    assert merged.node == 3


def test_in_a_file_each_statement_keeps_its_own() -> None:
    both = [finding("index t (a)", "1"), finding("index t (a, b)", "2"), finding("index t (a)", "2")]
    assert [each.statements for each in merge(both, FACTS, across=False)] == [("1",), ("2",), ("2",)]


def test_other_causes_of_two_rules_stay_apart() -> None:
    other = msgspec.structs.replace(finding("vacuum t", "2"), rule="heap-fetches")
    assert len(merge([other, finding("vacuum t", "2")], FACTS)) == 2


def test_old_statistics_are_one_finding_whoever_tells_it_and_those_of_columns_another() -> None:
    by_plan, of_columns = finding("statistics public.t", "2", gain=5.0), finding("statistics public.t (a)", "2")
    by_table = msgspec.structs.replace(finding("statistics public.t", "1"), rule="statistics-stale")
    found = merge([by_plan, by_table, of_columns], FACTS)
    assert [(each.also, each.key.partition(":")[0]) for each in found] == [
        (("statistics-stale",), "statistics"),
        ((), by_plan.rule),
    ]


def test_an_expression_key_leads_as_a_column_does() -> None:
    long = finding("index public.t (lower(a), b)", "1")
    assert len(merge([finding("index public.t (lower(a))", "2"), long], FACTS)) == 1


def test_the_key_of_a_missing_index_does_not_hang_on_the_rule_that_tells_it() -> None:
    by_scan = finding("index t (a)", "2", gain=5.0)
    by_join = msgspec.structs.replace(finding("index t (a)", "1"), rule="join-reads-whole-table")
    today = merge([by_scan, by_join], FACTS)
    tomorrow = merge([msgspec.structs.replace(by_scan, gain_ms_per_day=0.5), by_join], FACTS)
    assert [each.rule for each in today + tomorrow] == ["scan-discards-most-rows", "join-reads-whole-table"]
    assert today[0].key == tomorrow[0].key != ""


def test_keys_are_each_statements_own_where_findings_are() -> None:
    facts = facts_of(Example(sql="SELECT a FROM t", other=(("SELECT b FROM t", 10, 1.0),)))
    found = merge([finding("index t (a)", "1"), finding("index t (a)", "2")], facts, across=False)
    assert len({each.key for each in found}) == 2


def test_the_key_of_an_existing_index_names_the_rule() -> None:
    unused = msgspec.structs.replace(finding("index public.a_idx", "1"), rule="unused-index")
    double = msgspec.structs.replace(finding("index public.a_idx", "1"), rule="duplicate-index")
    assert [each.key.partition(":")[0] for each in merge([unused, double], FACTS)] == [
        "unused-index",
        "duplicate-index",
    ]
