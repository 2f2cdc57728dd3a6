"""Proposed indexes are tried on a real planner: what helps says how much, what does not is not proposed."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import msgspec
import psycopg
import pytest

from pgadvisor.advise.advise import advise
from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.trial import Trial
from pgadvisor.collect.collector import collect
from pgadvisor.collect.plans import PlanOptions, collect_plans
from pgadvisor.collect.session import open_session
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where
from pgadvisor.model.plan import Plan, PlanNode, StatementPlan
from pgadvisor.model.report import Disagreement, Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.draws import Draw, DrawnStatement
from pgadvisor.planner.twin_statements import draw_statements, preparing
from tests.fix_row_planner import RowPlanner
from tests.fix_servers import Server, create_database, drop_database

SCHEMA = """
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL, at timestamptz NOT NULL,
                     note text);
INSERT INTO orders SELECT n, (n * 7919) % 20000, CASE WHEN n % 10 = 0 THEN 'open' ELSE 'secret-done' END,
                          timestamptz '2026-01-01' + n * interval '1 minute', repeat('x', 80)
                   FROM generate_series(1, 60000) n;
CREATE INDEX orders_at_idx ON orders (at);
ANALYZE orders;
"""
BY_CUSTOMER = "SELECT * FROM orders WHERE customer_id = $1"
BY_BOTH = "SELECT * FROM orders WHERE customer_id = $1 AND status = $2"
BY_STATUS = "SELECT * FROM orders WHERE status = $1"


class Shop(NamedTuple):
    """A database with rows, a planner on it, and a snapshot of its statements with their plans."""

    planner: RowPlanner
    snapshot: Snapshot
    drawn: tuple[DrawnStatement, ...]

    def trial(self, **changes: object) -> Trial:
        snapshot = msgspec.structs.replace(self.snapshot, **changes)
        return Trial(Facts(snapshot, read_queries(snapshot)[0]), self.planner, self.drawn)


def statement(key: str, text: str, total_ms: float, rows: int | None = None) -> Statement:
    mean_ms = total_ms / 1_000
    return Statement(key=key, text=text, fingerprint=key, calls=1_000, mean_ms=mean_ms, total_ms=total_ms, rows=rows)


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[Shop]:
    dsn = create_database(server, "trial")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        with open_session(dsn) as session:
            read = collect(session)
            since = read.collected_at - timedelta(days=1)
            statements = (
                statement("1", BY_CUSTOMER, 10_000, rows=3_000),
                statement("2", BY_BOTH, 9_000),
                statement("3", BY_STATUS, 8_000),
            )
            assert read.server is not None
            given = msgspec.structs.replace(
                read,
                statements=statements,
                totals=None,
                server=msgspec.structs.replace(read.server, statistics_reset_at=since),
            )
            snapshot = collect_plans(session, given, PlanOptions(analyze=False, top=10))
        planner = RowPlanner(connection)
        yield Shop(planner, snapshot, draw_statements(preparing(connection), planner, snapshot))
    drop_database(server, dsn)


@pytest.fixture(scope="module")
def report(shop: Shop) -> Report:
    return advise(shop.snapshot, planner=shop.planner, drawn=shop.drawn)


def proposal(keys: str, statement: str = "1", severity: Severity = Severity.WARNING, **more: object) -> Finding:
    """A finding that proposes an index of orders."""
    name = f"orders_{keys.replace(', ', '_')}_idx"
    return Finding(
        rule="scan-discards-most-rows",
        where=Where(table="public.orders", statement=statement),
        message="says so",
        evidence=(Evidence(rung=Rung.MEASURED, text="counted"),),
        remedy=Remedy(text="Create it.", sql=f"CREATE INDEX CONCURRENTLY {name} ON public.orders ({keys});"),
        wrong_if="never",
        severity=severity,
        gain_ms_per_day=1.0,
        cause=f"index public.orders ({keys})",
        statements=(statement,),
    )  # type: ignore[arg-type]


def test_an_index_that_helps_is_shown_with_both_plans(report: Report) -> None:
    found = next(each for each in report.findings if each.cause == "index public.orders (customer_id)")
    compared = found.comparison
    assert compared is not None
    assert compared.tried_on == "database of a test"
    assert compared.change == "CREATE INDEX ON public.orders (customer_id)"
    assert "Seq Scan" in {node.node_type for node in compared.before.root.walk()}
    assert "orders_customer_id_idx" in {node.index for node in compared.after.root.walk()}
    assert compared.after.root.total_cost < 0.05 * compared.before.root.total_cost
    assert re.match(r"tried on database of a test: cost 1,\d{3} → 1\d\.\d \(0\.\d+%\)", found.evidence[1].text)


def test_the_gain_is_what_the_planner_saves_of_the_observed_time(report: Report) -> None:
    found = next(each for each in report.findings if each.cause == "index public.orders (customer_id)")
    assert found.statements == ("1", "2")
    assert found.gain_ms_per_day == pytest.approx(19_000, rel=0.02)
    assert any(
        each.text.startswith("it helps 1 of 1 other statement, whose cost falls to 0.") for each in found.evidence
    )


def test_no_value_of_the_data_comes_out(report: Report) -> None:
    assert b"secret" not in msgspec.json.encode(report)


def test_what_was_tried_and_how_far_it_can_be_trusted_is_said(report: Report) -> None:
    assert report.trials is not None
    assert (report.trials.planner, report.trials.planned, report.trials.compared) == ("database of a test", 3, 3)
    assert report.trials.different == ()
    assert report.trials.remedies == 1


def test_an_index_that_does_not_help_is_no_finding(shop: Shop) -> None:
    trial = shop.trial()
    assert trial.sifted([proposal("note", "1")]) == []
    (rejected,) = trial.summary().rejected
    assert rejected.change == "CREATE INDEX ON public.orders (note)"
    assert rejected.reason == "the planner does not use it"
    assert rejected.statements == ("1",)


def test_advice_must_hold_for_most_calls(shop: Shop) -> None:
    trial = shop.trial()
    assert trial.sifted([proposal("status", "3")]) == []
    (rejected,) = trial.summary().rejected
    assert rejected.reason.startswith("it helps ")
    assert "and saves " in rejected.reason


def test_an_index_that_helps_another_statement_is_not_called_rejected(shop: Shop) -> None:
    trial = shop.trial()
    kept = trial.sifted([proposal("customer_id", "1"), proposal("customer_id", "3")])
    assert [each.where.statement for each in kept] == ["1"]
    assert trial.summary().rejected == ()


@pytest.mark.parametrize(
    "finding",
    [
        msgspec.structs.replace(proposal("note"), cause="wildcard public.orders (note)"),
        msgspec.structs.replace(proposal("note"), remedy=Remedy(text="Think.")),
        msgspec.structs.replace(
            proposal("note"),
            remedy=Remedy(text="x", sql="CREATE INDEX x_idx ON public.orders (note);", needs_rewrite=True),
        ),
        msgspec.structs.replace(proposal("note"), where=Where(table="public.orders"), statements=()),
        proposal("note", "unknown"),
    ],
)
def test_what_cannot_be_tried_is_left_as_it_is(shop: Shop, finding: Finding) -> None:
    trial = shop.trial()
    assert trial.sifted([finding]) == [finding]
    assert trial.told(finding) == finding
    assert trial.summary().rejected == ()


def test_where_the_audited_server_plans_otherwise_advice_is_doubtful(shop: Shop) -> None:
    other = Plan(root=PlanNode(node_type="Index Scan", table="orders", alias="orders", index="orders_gone_idx"))
    plans = (StatementPlan(statement="1", kind="values", reason="a test", plan=other), *shop.snapshot.plans[1:])
    trial = shop.trial(plans=plans)
    told = trial.told(proposal("customer_id", severity=Severity.ERROR))
    assert told.severity is Severity.WARNING
    assert any(each.text.startswith("low confidence: the audited server plans") for each in told.evidence)
    summary = trial.summary()
    assert summary.different == ("1",)
    assert summary.disagreements == (
        Disagreement(
            statement="1",
            what="orders: Index Scan using orders_gone_idx on the server, Seq Scan on the planner",
        ),
    )


def test_who_plans_a_statement_otherwise_does_not_reject_its_index(shop: Shop) -> None:
    other = Plan(root=PlanNode(node_type="Index Scan", table="orders", alias="orders", index="orders_gone_idx"))
    plans = (StatementPlan(statement="1", kind="values", reason="a test", plan=other), *shop.snapshot.plans[1:])
    trial = shop.trial(plans=plans)
    assert trial.sifted([proposal("note")]) == [proposal("note")]
    assert any("does not show a gain of 10%" in each.text for each in trial.told(proposal("note")).evidence)


def test_no_gain_for_values_that_nobody_knows_rejects_nothing(shop: Shop) -> None:
    draw = Draw(text=BY_CUSTOMER.replace("$1", "(SELECT NULL::int)::int"), weight=1.0, label="typical")
    drawn = (DrawnStatement(statement="1", draws=(draw,), unknown=("$1",)),)
    trial = Trial(Facts(shop.snapshot, read_queries(shop.snapshot)[0]), shop.planner, drawn)
    assert trial.sifted([proposal("note")]) == [proposal("note")]
    (helpful,) = trial.sifted([proposal("customer_id")])
    words = [each.text for each in trial.told(helpful).evidence]
    assert "low confidence: no value of $1 is known: tried for any value" in words


def with_sql(sql: str) -> Finding:
    return msgspec.structs.replace(proposal("note"), remedy=Remedy(text="x", sql=sql))


def test_an_index_that_this_planner_cannot_make_is_told_not_to_be_tried(shop: Shop) -> None:
    trial, finding = shop.trial(), with_sql("CREATE INDEX x_idx ON public.orders (missing);")
    assert trial.sifted([finding]) == [finding]
    told = [each.text for each in trial.told(finding).evidence]
    assert told == ["counted", "not tried: the index could not be made on database of a test"]
    assert trial.summary().rejected == ()


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("(date_trunc('day', at))", "functions in index expression must be marked IMMUTABLE"),
        ("USING hash (note, status)", 'access method "hash" does not support multicolumn indexes'),
    ],
)
def test_an_index_that_postgresql_makes_nowhere_is_rejected(shop: Shop, keys: str, reason: str) -> None:
    trial = shop.trial()
    assert trial.sifted([with_sql(f"CREATE INDEX x_idx ON public.orders {keys};")]) == []
    assert [each.reason for each in trial.summary().rejected] == [f"PostgreSQL refuses such an index: {reason}"]


def test_a_statement_without_draws_is_told_not_to_be_tried(shop: Shop) -> None:
    drawn = (DrawnStatement(statement="1", reason="its text was cut"),)
    trial = Trial(Facts(shop.snapshot, read_queries(shop.snapshot)[0]), shop.planner, drawn)
    assert [each.text for each in trial.told(proposal("note")).evidence] == ["counted", "not tried: its text was cut"]


def test_gains_on_a_table_that_was_never_analyzed_are_guesses(shop: Shop) -> None:
    tables = tuple(msgspec.structs.replace(each, rows=None) for each in shop.snapshot.tables)
    told = shop.trial(tables=tables).told(proposal("customer_id", severity=Severity.ERROR))
    assert told.severity is Severity.WARNING
    assert any(each.text.startswith("low confidence: public.orders was never analyzed: ") for each in told.evidence)


def test_names_may_hold_dots(shop: Shop) -> None:
    shop.planner.connection.execute('CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."t.u" AS SELECT * FROM orders')
    shop.planner.connection.execute('ANALYZE "a.b"."t.u"')
    (orders,) = (each for each in shop.snapshot.tables if each.name == "orders")
    tables = (*shop.snapshot.tables, msgspec.structs.replace(orders, schema="a.b", name="t.u"))
    facts = Facts(msgspec.structs.replace(shop.snapshot, tables=tables), {})
    draw = Draw(text='SELECT * FROM "a.b"."t.u" WHERE customer_id = 5', weight=1.0, label="typical")
    trial = Trial(facts, shop.planner, (DrawnStatement(statement="1", draws=(draw,)),))
    sql = 'CREATE INDEX CONCURRENTLY "a.b_idx" ON "a.b"."t.u" (customer_id);'
    (kept,) = trial.sifted([msgspec.structs.replace(proposal("customer_id"), remedy=Remedy(text="x", sql=sql))])
    assert any(each.comparison for each in trial.told(kept).evidence)
    shop.planner.connection.execute('DROP SCHEMA "a.b" CASCADE')


def test_a_trial_never_makes_a_finding_worse_than_its_rule_did(shop: Shop) -> None:
    (kept,) = shop.trial().sifted([proposal("customer_id", severity=Severity.INFO)])
    assert kept.severity is Severity.INFO
    assert kept.gain_ms_per_day == pytest.approx(10_000, rel=0.02)


def test_without_a_planner_the_proposals_stand_as_they_are(shop: Shop) -> None:
    found = advise(shop.snapshot)
    assert found.trials is None
    assert all(each.comparison is None for each in found.findings)
