"""What is different from a previous run: fixed only what this run could have found again."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from pgadvisor.advise.applied import applied_index
from pgadvisor.advise.baseline import mark
from pgadvisor.advise.changes import with_changes
from pgadvisor.advise.recent import Recent
from pgadvisor.advise.registry import all_rules
from pgadvisor.model.catalog import Index, IndexKey
from pgadvisor.model.finding import Finding, Remedy, Where
from pgadvisor.model.log import LoggedEndpoint, Spread
from pgadvisor.model.plan import Plan, PlanNode
from pgadvisor.model.report import Changes, Endpoint, RejectedRemedy, Report, Trials
from pgadvisor.model.snapshot import FORMAT, Gap, Snapshot
from tests.reports.make_report import NOW, shop_report

ORDERS_PAGE, ITEMS = "8113450972365", "55120031"


def week(**changes: object) -> Report:
    """The shop's report where every rule ran."""
    return replace(shop_report(), rules_run=tuple(rule.name for rule in all_rules()), rules_not_run=(), **changes)


def found(rule: str) -> Finding:
    return next(each for each in shop_report().findings if each.rule == rule)


def without(rule: str, report: Report) -> Report:
    """The report without that rule's finding: it finds it no more."""
    return replace(report, findings=tuple(each for each in report.findings if each.rule != rule))


def compare(now: Report, before: Report | None = None) -> Report:
    """Held against the week before, by the counters as they are."""
    before = replace(before or week(), collected_at=NOW - timedelta(days=7))
    snapshot = Snapshot(format=FORMAT, pgadvisor="0.1.0", collected_at=NOW, statements=now.statements)
    return with_changes(now, before, Recent(snapshot=snapshot, counters="reset", window_s=now.window_s))


def changes(now: Report, before: Report | None = None) -> Changes:
    told = compare(now, before).changes
    assert told is not None
    return told


def rules(found: tuple[object, ...]) -> list[str]:
    return [each.rule for each in found]  # type: ignore[attr-defined]


def test_nothing_changed() -> None:
    report = compare(week())
    assert {each.status for each in report.findings} == {"known"}
    told = changes(week())
    assert told == Changes(
        previous_at=NOW - timedelta(days=7), known=12, reset_between=True, ms_per_day_before=told.ms_per_day_after,
        ms_per_day_after=told.ms_per_day_after, notes=told.notes,
    )  # fmt: skip
    assert "counters were reset" in report.verdict.text


def test_what_a_baseline_knows_is_counted_as_known() -> None:
    report = compare(week(), without("select-star", week()))
    assert report.changes and (report.changes.new, report.changes.known) == (1, 11)
    marked = mark(report, {found("select-star").key})
    assert marked.changes and (marked.changes.new, marked.changes.known) == (0, 12)


def test_what_the_previous_run_did_not_have_is_new() -> None:
    report = compare(week(), without("select-star", week()))
    assert [each.rule for each in report.findings if each.status == "new"] == ["select-star"]
    assert report.changes is not None
    assert (report.changes.new, report.changes.known) == (1, 11)


@pytest.mark.parametrize("rule", ["select-star", "duplicate-index", "foreign-key-without-index", "sort-spills"])
def test_what_its_rule_finds_no_more_is_fixed(rule: str) -> None:
    told = changes(without(rule, week()))
    assert (rules(told.fixed), rules(told.not_judged)) == ([rule], [])
    assert told.fixed[0].message == found(rule).message


def test_what_its_rule_could_not_look_at_is_not_judged() -> None:
    now = without("select-star", week())
    now = replace(now, rules_run=tuple(name for name in now.rules_run if name != "select-star"))
    assert (rules(changes(now).fixed), rules(changes(now).not_judged)) == ([], ["select-star"])


def test_a_table_that_could_not_be_read_is_not_judged() -> None:
    gap = Gap(area="statistics", subject="public.order_items", reason="hidden", cure="GRANT")
    assert rules(changes(without("select-star", week(gaps=(gap,)))).not_judged) == ["select-star"]


def test_a_statement_that_did_not_run_is_not_judged() -> None:
    idle = tuple(
        replace(each, calls=0, total_ms=0.0, mean_ms=None) if each.key == ITEMS else each
        for each in week().statements
    )  # fmt: skip
    now = without("select-star", week(statements=idle, window_s=60.0))
    assert rules(changes(now).not_judged) == ["select-star"]
    absent = tuple(each for each in week().statements if each.key != ITEMS)
    assert rules(changes(replace(now, statements=absent)).not_judged) == ["select-star"]


def test_a_statement_that_nobody_sends_any_more_is_gone_and_not_fixed() -> None:
    absent = tuple(each for each in week().statements if each.key != ITEMS)
    told = changes(without("select-star", week(statements=absent)))
    assert (rules(told.gone), rules(told.fixed), rules(told.not_judged)) == (["select-star"], [], [])
    soon = changes(without("select-star", week(statements=absent, window_s=60.0)))
    assert (rules(soon.gone), rules(soon.not_judged)) == ([], ["select-star"])


def test_a_statement_without_a_plan_says_nothing_of_its_plan() -> None:
    assert rules(changes(without("sort-spills", week(plans=()))).not_judged) == ["sort-spills"]


def test_a_statement_that_was_not_run_says_nothing_of_rows_counted() -> None:
    planned = Plan(root=PlanNode(node_type="Seq Scan"))
    plans = tuple(replace(each, kind="generic", plan=planned) for each in week().plans)
    assert rules(changes(without("row-estimate-far-off", week(plans=plans))).not_judged) == ["row-estimate-far-off"]


def test_what_a_comment_silences_is_neither_fixed_nor_open() -> None:
    silenced = tuple(
        replace(each, ignores=("select-star",)) if each.key == ITEMS else each for each in week().statements
    )
    told = changes(without("select-star", week(statements=silenced)))
    assert (told.fixed, told.not_judged) == ((), ())


def test_what_was_tried_and_does_not_help_is_not_fixed() -> None:
    rejected = RejectedRemedy(rule="sort-spills", change="CREATE INDEX …", reason="unused", statements=(ORDERS_PAGE,))
    told = changes(without("sort-spills", week(trials=Trials(planner="twin", rejected=(rejected,)))))
    assert (told.fixed, told.not_judged) == ((), ())


def test_an_unused_index_needs_the_same_counters_to_be_judged_by() -> None:
    unused = replace(found("duplicate-index"), rule="unused-index", key="unused-index:1")
    before = week(findings=(unused,))
    server = before.server
    assert server is not None
    anew = replace(server, statistics_reset_at=NOW - timedelta(hours=1))
    assert rules(changes(week(findings=()), before).fixed) == ["unused-index"]
    assert rules(changes(week(findings=(), server=anew), before).not_judged) == ["unused-index"]
    dropped = tuple(replace(each, indexes=()) for each in before.tables)
    assert rules(changes(week(findings=(), server=anew, tables=dropped), before).fixed) == ["unused-index"]


def test_the_same_fault_in_other_words_is_known() -> None:
    reworded = tuple(
        replace(each, key="sort-spills:other", message="sort spills a little") if each.rule == "sort-spills" else each
        for each in week().findings
    )
    told = changes(week(findings=reworded))
    assert (told.new, told.known, told.fixed) == (0, 12, ())


def test_a_remedy_that_was_applied_tells_what_it_saved() -> None:
    keys = tuple(IndexKey(text=name, column=name) for name in ("status", "placed_at"))
    made = Index(schema="public", name="my_own_name", definition="CREATE INDEX …", keys=keys)
    tables = tuple(
        replace(each, indexes=(*each.indexes, made)) if each.name == "orders" else each for each in week().tables
    )
    faster = tuple(
        replace(each, mean_ms=(each.mean_ms or 0) / 100, total_ms=(each.total_ms or 0) / 100)
        if each.key == ORDERS_PAGE
        else each
        for each in week().statements
    )
    now = without("scan-discards-most-rows", week(tables=tables, statements=faster, plans=()))
    told = changes(now)
    fixed = told.fixed[0]
    assert (fixed.rule, fixed.applied) == ("scan-discards-most-rows", "public.my_own_name")
    assert fixed.ms_per_call_before == pytest.approx(100 * (fixed.ms_per_call_after or 0))
    assert [(each.change, each.statement) for each in told.statements] == [("better", ORDERS_PAGE)]
    of_one_key = replace(made, keys=keys[:1], method="hash")
    asked = Remedy(text="", sql="CREATE INDEX ON public.orders (status)")
    (orders,) = [each for each in tables if each.name == "orders"]
    assert applied_index(asked, (replace(orders, indexes=(of_one_key,)),)) == "public.my_own_name", "serves the same"


def test_a_remedy_that_makes_more_than_an_index_is_not_told_as_applied() -> None:
    sql = "CREATE TABLE orders_new (id int);\nCREATE INDEX ON public.orders (placed_at, status);"
    old = replace(found("duplicate-index"), remedy=replace(found("duplicate-index").remedy, sql=sql))
    assert changes(week(findings=()), week(findings=(old,))).fixed[0].applied is None
    only = replace(old, remedy=replace(old.remedy, sql=sql.partition("\n")[2]))
    assert changes(week(findings=()), week(findings=(only,))).fixed[0].applied == "public.orders_placed_status_idx"


def looped(*, requests: int = 100, queries: int = 26, is_found: bool = True) -> Report:
    """A week whose logs tell of one endpoint, with a loop or without."""
    spread = {"count": requests, "least": 1.0, "median": 1.0, "p95": 1.0, "p99": 1.0, "most": 1.0}
    seen = LoggedEndpoint(
        name="GET /orders", requests=requests, queries=Spread(total=queries * requests, **spread),
        database_ms=Spread(total=requests, **spread), duration_ms=Spread(total=requests, **spread),
    )  # fmt: skip
    loop = replace(
        found("deep-offset"), rule="n-plus-one", key="n-plus-one:1", statements=("no longer sent",),
        where=Where(endpoint="GET /orders"),
    )  # fmt: skip
    endpoints = (Endpoint(name="GET /orders", statements=(), seen=seen),) if requests else ()
    return week(findings=(loop,) if is_found else (), endpoints=endpoints)


def test_a_loop_is_fixed_when_its_endpoint_had_requests_again_and_else_not_judged() -> None:
    """That its lookup is sent no more is what mends it, and does not make it gone."""
    told = changes(looped(queries=1, is_found=False), looped())
    assert [(each.rule, each.queries_before, each.queries_after) for each in told.fixed] == [("n-plus-one", 26.0, 1.0)]
    for rest in (looped(requests=3, is_found=False), looped(requests=0, is_found=False)):
        told = changes(rest, looped())
        assert (rules(told.not_judged), told.fixed, told.gone) == (["n-plus-one"], (), ())
