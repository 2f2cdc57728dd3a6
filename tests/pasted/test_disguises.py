"""However a plan was copied, it is the same plan; and what is no plan is refused in a sentence."""

import random
from functools import cache

import pytest
from msgspec.structs import replace

from pgadvisor.errors import UsageError
from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan
from pgadvisor.model.plan_figures import figures
from pgadvisor.pasted.reading import decoded, read_pasted
from tests.pasted.plans import DISGUISES, JSON, JSON_DISGUISES, OBJECT, SQL, TEXT, WITH_QUERY, WITHOUT_PLANNING


@cache
def plain() -> Plan:
    return read_pasted(TEXT.encode())[0].plan


def test_a_text_is_read_whole() -> None:
    plan = plain()
    assert [(each.node_type, each.table or each.index) for each in plan.root.walk()] == [
        ("Limit", None), ("Sort", None), ("Nested Loop", None), ("Seq Scan", "orders"), ("Index Scan", "customer"),
    ]  # fmt: skip
    scan = plan.root.children[0].children[0].children[0]
    assert (scan.alias, scan.filter, scan.rows_removed_by_filter) == ("o", "(status = 'o|pen'::text)", 19790)
    assert (scan.estimated_rows, scan.actual_rows, scan.actual_total_ms) == (200, 210, 2.1)
    assert (scan.shared_hit_blocks, scan.shared_read_blocks, scan.temp_read_blocks) == (140, 8, 0)
    sort = plan.root.children[0]
    assert (sort.sort_keys, sort.sort_method) == (("o.amount", "(lower(c.name)) DESC"), "top-N heapsort")
    assert (plan.planning_ms, plan.execution_ms, plan.has_timing) == (0.21, 3.2, True)
    assert sum(each.self_ms or 0.0 for each in figures(plan)) == pytest.approx(3.105)


@pytest.mark.parametrize("name", DISGUISES)
def test_each_disguise_is_the_same_plan(name: str) -> None:
    found = read_pasted(DISGUISES[name].encode())
    assert len(found) == 1
    expected = replace(plain(), planning_ms=None) if name in WITHOUT_PLANNING else plain()
    assert found[0].plan == expected
    query = found[0].query
    assert (query and query.split()) == (SQL.split() if name in WITH_QUERY else None)


@pytest.mark.parametrize("name", JSON_DISGUISES)
def test_each_disguise_of_json_is_the_same_plan(name: str) -> None:
    found = read_pasted(JSON_DISGUISES[name].encode())
    assert [each.plan for each in found] == [read_explain(OBJECT)]


def test_several_plans_in_several_forms_are_told_in_turn() -> None:
    assert [each.plan for each in read_pasted(f"{TEXT}\n\n{DISGUISES['psql']}\nand\n\n{TEXT}".encode())] == [
        plain()
    ] * 3
    assert len(read_pasted(f"{JSON}\n{JSON}".encode())) == 2
    costs = "Sort\n  Sort Key: a\n  ->  Seq Scan on t\n\nSeq Scan on u\n  Filter: (a = 1)\n"
    assert [each.plan.root.node_type for each in read_pasted(costs.encode())] == ["Sort", "Seq Scan"]
    assert [each.line for each in read_pasted(costs.encode())] == [1, 5]


def shape(plan: Plan) -> list[tuple[int, str, str | None]]:
    return [
        (each.depth, node.node_type, node.subplan_name)
        for node, each in zip(plan.root.walk(), figures(plan), strict=True)
    ]


FLAT = """\
Hash Join (cost=9.00..70.00 rows=41 width=31) (actual time=9.304..90.232 rows=33 loops=1)
Hash Cond: (o.customer_id = c.id)
Join Filter: (o.amount > (SubPlan 1))
-> Append (cost=0.00..65.17 rows=413 width=22) (actual time=0.011..50.505 rows=332 loops=1)
-> Bitmap Heap Scan on orders_1 o (cost=0.00..60.17 rows=403 width=22) (actual time=0.011..40.505 rows=330 loops=1)
-> Bitmap Index Scan on orders_1_idx (cost=0.00..5.17 rows=403 width=0) (actual time=0.011..0.505 rows=330 loops=1)
-> Seq Scan on orders_2 o_1 (cost=0.00..5.17 rows=10 width=22) (actual time=0.011..9.505 rows=2 loops=1)
-> Hash (cost=2.00..2.00 rows=10 width=17) (actual time=9.198..9.199 rows=10 loops=1)
Buckets: 1024 Batches: 1 Memory Usage: 9kB
-> Seq Scan on customer c (cost=0.00..2.00 rows=10 width=17) (actual time=0.007..4.113 rows=10 loops=1)
SubPlan 1
-> Result (cost=0.00..0.01 rows=1 width=4) (actual time=0.001..0.001 rows=1 loops=33)
Execution Time: 91.000 ms"""


def test_a_plan_without_its_indentation_gets_it_back_or_is_refused() -> None:
    assert shape(read_pasted(FLAT.encode())[0].plan) == [
        (0, "Hash Join", None), (1, "Append", None), (2, "Bitmap Heap Scan", None), (3, "Bitmap Index Scan", None),
        (2, "Seq Scan", None), (1, "Hash", None), (2, "Seq Scan", None), (1, "Result", "SubPlan 1"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="lost its indentation"):
        read_pasted(b"Sort (cost=1.00..2.00 rows=1 width=1)\n-> Sort (cost=1.00..2.00 rows=1 width=1)\n"
                    b"-> Seq Scan on a (cost=1.00..2.00 rows=1 width=1)\n"
                    b"-> Seq Scan on b (cost=1.00..2.00 rows=1 width=1)")  # fmt: skip


def test_old_and_hand_made_plans_are_read() -> None:
    """A subplan without a number, as PostgreSQL 8 had it; notes, cut figures, plans in comments of SQL."""
    old = read_pasted(
        b"Seq Scan on foo  (cost=0.00..24.50 rows=50 width=12) (actual time=0.2..301.2 rows=3 loops=1)\n"
        b"  Filter: (subplan)\n  SubPlan\n"
        b"    ->  Index Scan using i on bar  (cost=0.00..4.00 rows=2 width=4) (actual time=0.1..0.2 rows=2 loops=999)\n"
        b"Total runtime: 301.440 ms\n"
    )[0].plan
    assert (shape(old)[1], old.execution_ms) == ((1, "Index Scan", "SubPlan"), 301.44)
    noted = (
        "Sort  (cost=1.0..2.0 rows=9)\n  Sort Method: quicksort  Memory: 32kB  ← ok\n  → Seq Scan on a (actual rows=8)"
    )
    plan = read_pasted(noted.encode())[0].plan
    assert (plan.root.sort_space_kb, plan.root.children[0].actual_rows) == (32, 8)
    in_comment = "SELECT 1;\n/*\n * " + TEXT.replace("\n", "\n * ") + "\n */\nSELECT 2;"
    assert read_pasted(in_comment.encode())[0].plan == plain()


def test_without_costs_no_estimate_is_wrong() -> None:
    plan = read_pasted(b"Sort (actual rows=500 loops=1)\n  ->  Seq Scan on a (actual rows=500 loops=1)\n")[0].plan
    assert (plan.is_analyzed, plan.execution_ms) == (True, None)
    assert [each.q_error for each in figures(plan)] == [None, None]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_other_encodings_are_read(encoding: str) -> None:
    assert decoded("Seq Scan on größe".encode(encoding)) == "Seq Scan on größe"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "nothing in the input"),
        (b" \n\n", "nothing in the input"),
        (b"\x00\x01\x02PGDMP", "no text"),
        (b"SELECT * FROM orders WHERE id = 1;", "no plan"),
        (b"Dear list,\nthe query is slow.\n", "no plan"),
        (JSON.encode()[:-30], "cut or damaged"),
        (b'[{"Plan": {"Node Type": "Seq Scan", "Plan Rows": "many"}}]', "cannot be read"),
        (b'[{"Plan": {"Node Type": "Seq Scan", "Plans": 3}}]', "cannot be read"),
        (b"- Plan:\n    Node Type: &a [*a, *a]\n", "cut or damaged"),
        (b"<explain><Query><Plan><Node-Type>Seq", "cut or damaged"),
        (b'[{"Plan": ' + b'{"Node Type": "Limit", "Plans": [' * 450 + b"]}" * 450 + b"}]", "deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_plan_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_pasted(data)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_input_never_crashes(seed: int) -> None:
    """Cut, shuffled, with bytes put in: a plan, or a sentence."""
    chance = random.Random(seed)
    sources = [each.encode() for each in (*DISGUISES.values(), *JSON_DISGUISES.values())]
    for source in sources:
        lines = source.split(b"\n")
        chance.shuffle(lines)
        at = chance.randrange(len(source))
        for data in (source[:at], source[at:], b"\n".join(lines), source[:at] + chance.randbytes(9) + source[at + 3 :]):
            try:
                for each in read_pasted(data):
                    figures(each.plan)
            except UsageError as error:
                assert str(error).count("\n") == 0
