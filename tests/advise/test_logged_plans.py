"""Logged plans of real runs stand for statements whose own plan is an estimate or missing."""

import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from pgadvisor.advise.advise import advise
from pgadvisor.advise.logged_plans import with_logged_plans
from pgadvisor.advise.registry import all_rules
from pgadvisor.model.catalog import Server
from pgadvisor.model.log import LoggedPlan, LoggedStatement, Logs
from pgadvisor.model.plan import Plan, PlanNode, StatementPlan
from pgadvisor.model.snapshot import FORMAT, Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.sql.fingerprint import fingerprint

SQL = "DELETE FROM customer WHERE id = $1"
SECRET = "ann@secret.example"
TEXT = """Query Text: DELETE FROM customer WHERE id = 7
Delete on customer  (cost=0.29..8.31 rows=0 width=0) (actual time=0.100..0.100 rows=0 loops=1)
  ->  Index Scan using customer_pkey on customer  (cost=0.3..8.3 rows=1 width=6) (actual time=0.05..0.06 rows=1 loops=1)
        Index Cond: (id = 7)
        Filter: (email = 'ann@secret.example'::text)
Trigger for constraint orders_customer_id_fkey: time=117.900 calls=1"""
SCAN = {"Node Type": "Index Scan", "Relation Name": "customer", "Alias": "customer", "Index Name": "customer_pkey",
        "Startup Cost": 0.29, "Total Cost": 8.31, "Plan Rows": 1, "Plan Width": 6, "Actual Startup Time": 0.05,
        "Actual Total Time": 0.06, "Actual Rows": 1, "Actual Loops": 1,
        "Filter": f"(email = '{SECRET}'::text)"}  # fmt: skip
TRIGGER = {"Trigger Name": "RI_ConstraintTrigger_a_1", "Constraint Name": "orders_customer_id_fkey",
           "Relation": "customer", "Time": 117.9, "Calls": 1}  # fmt: skip
JSON = json.dumps({"Query Text": SQL, "Plan": {
    "Node Type": "ModifyTable", "Operation": "Delete", "Relation Name": "customer", "Plan Rows": 0, "Total Cost": 8.31,
    "Actual Startup Time": 0.1, "Actual Total Time": 0.1, "Actual Rows": 0, "Actual Loops": 1, "Plans": [SCAN]},
    "Triggers": [TRIGGER]})  # fmt: skip
PLANNED = json.dumps({"Plan": {"Node Type": "Index Scan", "Relation Name": "customer", "Index Name": "customer_pkey"}})
OWN = StatementPlan(statement="1", kind="values", reason="not run: it writes",
                    plan=Plan(root=PlanNode(node_type="ModifyTable")))  # fmt: skip


def snapshot(*logged: LoggedPlan, own: StatementPlan | None = OWN, mean_ms: float | None = 120.0) -> Snapshot:
    statement = Statement(key="1", text=SQL, fingerprint=fingerprint(SQL), calls=1_000, mean_ms=mean_ms)
    told = LoggedStatement(key=statement.fingerprint, text=SQL, runs=9, timed=9, plans=logged)
    return Snapshot(format=FORMAT, pgadvisor="test", collected_at=datetime.now(UTC), statements=(statement,),
                    plans=(own,) if own else (), logs=Logs(statements=(told,)))  # fmt: skip


def plan_of(snapshot: Snapshot) -> StatementPlan | None:
    return next(iter(with_logged_plans(snapshot).plans), None)


@pytest.mark.parametrize("explain", [JSON, TEXT], ids=["json", "text"])
def test_a_logged_run_shows_what_an_estimate_cannot(explain: str) -> None:
    seen = snapshot(LoggedPlan(duration_ms=900.0, explain=explain), LoggedPlan(duration_ms=118.2, explain=explain))
    found = plan_of(seen)
    assert found is not None and found.plan is not None
    assert (found.kind, found.reason) == ("logged", "a run of 118.2 ms, of 2 in the logs")
    assert found.plan.execution_ms == 118.2 and SECRET not in str(found)
    report = advise(seen, [rule for rule in all_rules() if rule.kind == "plan"])
    told = [each for each in report.findings if each.rule == "foreign-key-check-slow"]
    assert len(told) == 1 and "takes 117.9 ms, 100% of the statement" in told[0].message


def test_only_a_better_plan_takes_the_place_of_its_own() -> None:
    run = LoggedPlan(duration_ms=118.2, explain=JSON)
    measured = replace(OWN, kind="analyzed", plan=Plan(root=PlanNode(node_type="ModifyTable"), execution_ms=1.0))
    assert plan_of(snapshot(run, own=measured)) == measured
    refused = replace(OWN, kind="none", plan=None, is_refused=True)
    assert plan_of(snapshot(run, own=refused)) == refused
    planned = LoggedPlan(duration_ms=118.2, explain=PLANNED)
    assert plan_of(snapshot(planned)) == OWN
    found = plan_of(snapshot(planned, own=None))
    assert found is not None and found.reason == "for a call of 118.2 ms: without row counts"
    assert plan_of(snapshot(run, mean_ms=2.0)) == OWN, "a run so slow is an odd one"
    assert plan_of(snapshot(LoggedPlan(duration_ms=118.2, explain="{"))) == OWN
    now = datetime.now(UTC)
    server = Server(version_num=170_000, version="17", database="shop", started_at=now, statistics_reset_at=now)
    assert plan_of(replace(snapshot(run), server=server)) == OWN, "its index is no more"
