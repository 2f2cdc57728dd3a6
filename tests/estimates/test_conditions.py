"""What a scan filters by, read from the texts of plans as several versions print them."""

import pytest

from pgadvisor.estimates.conditions import bare_equal, conditions_of, is_joining, is_unknown, results_of
from pgadvisor.rule import node, table

TABLE = table(
    "address",
    columns={"city": "text", "zip": "character varying(10)", "number": "integer", "data": "jsonb", "done": "boolean"},
)


@pytest.mark.parametrize(
    ("text", "keys", "is_whole"),
    [
        ("((a.city = ?::text) AND ((a.zip)::text = $1))", ["city", "zip"], True),
        ("(a.data ? ?::text)", ["data"], True),
        ("((a.number % ?) = ?)", ["number % $1"], True),
        ("(a.city = ANY (?::text[]))", ["city"], True),
        ("((NOT a.done) AND (a.number > 4))", ["done", "number"], True),
        ("((a.number > 4) AND (NOT (ANY (a.id = (hashed SubPlan 1).col1))))", ["number"], False),
        ("((a.number > 4) AND (NOT (hashed SubPlan 1)))", ["number"], False),
        ("(EXISTS(SubPlan 1))", [], False),
        ("((a.city IS NULL) OR (a.number = 4))", [], False),
        ("(this is no condition", [], False),
    ],
)
def test_conjuncts_of_a_plans_conditions(text: str, keys: list[str], is_whole: bool) -> None:
    found = conditions_of(node("Seq Scan", table="address", alias="a", filter=text), TABLE)
    assert [each.key for each in found.predicates] == keys
    assert found.is_whole is is_whole


def test_a_bitmaps_conditions_are_counted_once() -> None:
    scan = node(
        "Bitmap Heap Scan",
        node("Bitmap Index Scan", index_condition="(a.city = 'Ulm'::text)"),
        table="address",
        alias="a",
        recheck_condition="(a.city = 'Ulm'::text)",
        filter="(a.number = 3)",
    )
    assert bare_equal(conditions_of(scan, TABLE).predicates) == ("city", "number")


@pytest.mark.parametrize(("text", "name"), [("(a.number = $0)", "InitPlan 1 (returns $0)"),
                                            ("(a.number = (InitPlan 1).col1)", "InitPlan 1")])  # fmt: skip
def test_a_subquerys_result_is_unknown_to_the_planner(text: str, name: str) -> None:
    inner = node("Result", subplan_name=name, parent_relationship="InitPlan")
    scan = node("Seq Scan", inner, table="address", alias="a", filter=text)
    [predicate] = conditions_of(scan, TABLE, results_of(scan)).predicates
    assert is_unknown(predicate)
    [sent] = conditions_of(node("Seq Scan", alias="a", filter="(a.number = $1)"), TABLE, results_of(scan)).predicates
    assert not is_unknown(sent)


def test_another_relations_column_joins() -> None:
    found = conditions_of(node("Index Scan", alias="a", index_condition="((a.id = p.a_id) AND (a.number = 3))"), TABLE)
    assert [is_joining(each, "a") for each in found.predicates] == [True, False]
