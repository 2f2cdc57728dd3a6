"""Findings of one cause become one."""

import msgspec

from pgadvisor.advise.examples import facts_of
from pgadvisor.advise.merge import merge
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Span, Where
from pgadvisor.rule import Example, node

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
    others: Facts = facts_of(Example(sql="SELECT a", calls=10, mean_ms=1.0, other=(("SELECT b", 10, 50.0),)))
    assert len(merge([finding(None, "1"), finding(None, "2")], others)) == 2


def test_the_same_statement_of_two_users_is_one_finding() -> None:
    text = "SELECT * FROM orders WHERE id = $1"
    twice: Facts = facts_of(Example(sql=text, calls=10, mean_ms=1.0, other=((text, 10, 50.0), ("SELECT 3", 10, 9.0))))
    found = [msgspec.structs.replace(finding(None, key), message="the same") for key in ("1", "1", "2")]
    merged = merge(found, twice)
    assert [each.statements for each in merged] == [("2", "1"), ("1",)]
    assert len(merge(found, twice, across=False)) == 3


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


def test_an_index_of_no_use_is_one_finding_for_however_many_reasons() -> None:
    unused = msgspec.structs.replace(finding("index public.a_idx", "1"), rule="unused-index")
    double = msgspec.structs.replace(finding("index public.a_idx", "1", gain=2.0), rule="duplicate-index")
    (merged,) = merge([unused, double], FACTS)
    assert (merged.rule, merged.also, merged.key.partition(":")[0]) == ("duplicate-index", ("unused-index",), "index")


def at_node(rule: str, node: int, cause: str | None = None, *, statement: str = "2") -> Finding:
    return msgspec.structs.replace(finding(cause, statement, gain=2.0), rule=rule, node=node, message=f"says {rule}")


def test_what_several_rules_say_of_one_node_is_one_finding_told_by_the_index() -> None:
    spill, index = at_node("sort-spills", 1), at_node("limit-sorts-many-rows", 1, "index t (a)")
    elsewhere, setting = at_node("sort-spills", 2), at_node("jit-overhead", 1, "jit")
    found = merge([spill, index, elsewhere, setting], FACTS)
    assert [each.rule for each in found] == ["limit-sorts-many-rows", "sort-spills", "jit-overhead"]
    assert found[0].also == ("sort-spills",)
    assert found[0].gain_ms_per_day == 2.0
    assert found[0].evidence[-1].text == "sort-spills: says sort-spills; or create it"


def test_a_worse_fault_of_a_node_leads_an_index_that_hardly_helps() -> None:
    spill = msgspec.structs.replace(at_node("sort-spills", 1), severity=Severity.WARNING)
    (merged,) = merge([at_node("scan-discards-most-rows", 1, "index t (a)"), spill], FACTS)
    assert (merged.rule, merged.severity) == ("sort-spills", Severity.WARNING)


def test_what_is_told_of_several_statements_does_not_join_a_finding_of_one() -> None:
    spill = msgspec.structs.replace(at_node("sort-spills", 1), severity=Severity.WARNING)
    both = [at_node("scan-discards-most-rows", 1, "index t (a)", statement=each) for each in "21"]
    assert len(merge([spill, *both], FACTS)) == 2


def test_a_statement_that_dominates_the_load_is_told_where_something_is_found_in_it() -> None:
    load = msgspec.structs.replace(finding(None, "2"), rule="statement-dominates-load", severity=Severity.WARNING)
    fault = msgspec.structs.replace(finding("index t (a)", "2"), severity=Severity.WARNING)
    trifle = msgspec.structs.replace(finding(None, "2"), rule="select-star")
    (merged,) = merge([load, fault], FACTS)
    assert (merged.rule, merged.also) == ("scan-discards-most-rows", ("statement-dominates-load",))
    assert len(merge([load, trifle], FACTS)) == 2


def test_where_no_gain_is_known_the_node_tells_how_much_there_is_to_gain_at_most() -> None:
    scan = node("Seq Scan", table="public.t", rows=10, actual=10, ms=50.0)
    facts = facts_of(Example(sql="SELECT a FROM t", plan=scan, calls=100, mean_ms=50.0))
    told = msgspec.structs.replace(finding(None, "1"), gain_ms_per_day=None, node=0)
    (merged,) = merge([told], facts)
    assert (merged.gain_ms_per_day, merged.at_most_ms_per_day) == (None, facts.ms_per_day("1"))
    assert merge([finding(None, "1")], facts)[0].at_most_ms_per_day is None


def test_an_index_that_frees_much_of_all_time_is_an_error_though_little_of_each_statement() -> None:
    facts = facts_of(Example(sql="SELECT 1", calls=9_000_000, mean_ms=100.0, other=(("SELECT 2", 9_000_000, 100.0),)))
    day = facts.ms_per_day("1") or 0.0

    def told(part: float, cause: str) -> Severity:
        both = [finding(cause, key, severity=Severity.WARNING, gain=day * part) for key in "12"]
        return merge(both, facts)[0].severity

    assert told(0.15, "index t (a)") is Severity.ERROR
    assert told(0.05, "index t (a)") is Severity.WARNING
    assert told(0.15, "jit") is Severity.WARNING
