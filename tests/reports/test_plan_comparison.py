"""Two plans side by side: the words of each line, and the form for a terminal."""

from rich.console import Console

from pgadvisor.model.plan import Plan, PlanComparison, PlanNode
from pgadvisor.reports.plan_comparison import compared
from pgadvisor.reports.text_plan import comparison_view
from pgadvisor.rule import node, replace
from tests.reports.make_report import HOSTILE, orders_plan


def between(before: PlanNode, after: PlanNode) -> PlanComparison:
    return PlanComparison(change="CREATE INDEX", before=Plan(root=before), after=Plan(root=after), tried_on="the twin")


def unrun(root: PlanNode) -> PlanNode:
    """The plan as EXPLAIN without ANALYZE tells it."""
    children = tuple(unrun(each) for each in root.children)
    return replace(root, children=children, actual_rows=None, actual_loops=None, actual_total_ms=None)


def shown(comparison: PlanComparison) -> str:
    console = Console(width=80, no_color=True)
    with console.capture() as capture:
        console.print(comparison_view(compared(comparison)))
    return capture.get()


BEFORE = node("Seq Scan", table="orders", alias="orders", rows=1_000.0, cost=10_000.0)
AFTER = node("Index Scan", table="orders", alias="orders", index="orders_a_idx", rows=10.0, cost=8.0)


def test_the_words_say_how_many_times() -> None:
    it = compared(between(BEFORE, AFTER))
    (line,) = it.lines
    assert (line.sign, line.change) == ("≠", "changed")
    assert line.words == ("access path", "100× fewer rows", "1,250× less cost")
    assert (it.before_total, it.after_total) == ("cost 10,000", "cost 8")
    assert line.before and line.after
    assert (line.before.share, line.after.share) == (1.0, 0.0008)
    assert (line.before.own, line.before.rows) == ("cost 10,000", "1,000 rows")


def test_what_cost_nothing_before_has_no_ratio() -> None:
    (line,) = compared(between(node("Result", cost=0.0), node("Result", cost=5.0))).lines
    assert line.words == ("far more cost",)


def test_where_one_plan_was_not_run_planned_rows_of_one_loop_are_compared() -> None:
    planned = Plan(root=unrun(orders_plan().root.children[0]))
    before = compared(PlanComparison(change="x", before=orders_plan(), after=planned, tried_on="y")).lines[-1].before
    assert before and (before.rows, before.own) == ("1 row", "cost 0.4")


def test_in_a_terminal_both_stand_side_by_side() -> None:
    lines = [line.rstrip() for line in shown(between(BEFORE, AFTER)).splitlines()]
    assert lines[0] == "reads orders by index orders_a_idx instead of sequentially; cost 10,000 → 8"
    assert lines[1] == "tried on the twin: CREATE INDEX"
    assert lines[3].startswith("≠  Seq Scan on orders")
    assert "Index Scan using orders_a_idx" in lines[3]
    assert max(map(len, lines)) <= 80


def test_an_analyzed_plan_shows_planned_and_real_rows() -> None:
    text = shown(PlanComparison(change="x", before=orders_plan(), after=orders_plan(), tried_on="y"))
    assert text.startswith("the same plan; 341 ms as before")
    it = compared(PlanComparison(change="x", before=orders_plan(), after=orders_plan(), tried_on="y"))
    assert it.lines[3].before and it.lines[3].before.rows == "41 → 80,000 rows"
    assert it.lines[3].before.own == "161 ms"


def test_no_name_commands_a_terminal() -> None:
    for text in HOSTILE:
        printed = shown(between(BEFORE, node("Seq Scan", table=text, alias=text, cost=3.0)))
        assert "\x1b" not in printed and "\x07" not in printed and "\u202e" not in printed
