"""The shop's report in its second week: endpoints, findings that are new or known, what was fixed, what got worse."""

from datetime import timedelta

import msgspec

from pgadvisor.model.finding import Evidence, Finding, Rung, Severity
from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.report import (
    Changes,
    Disagreement,
    Endpoint,
    GoneFinding,
    RejectedRemedy,
    Report,
    StatementChange,
    Trials,
    UnplannedStatement,
)
from tests.reports.make_report import (
    HOSTILE,
    ITEMS,
    NOW,
    ORDERS_PAGE,
    hostile_report,
    orders_plan,
    shop_report,
    unpaid_plan,
)


def changed_report() -> Report:
    """The audit of the shop, a week after another."""
    shop = shop_report()
    return msgspec.structs.replace(
        shop, findings=_marked(shop.findings), endpoints=_endpoints(), trials=_trials(), changes=_changes()
    )


def _marked(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Two of them new, the first one tried."""
    tried = PlanComparison(
        change="CREATE INDEX ON public.orders (status, placed_at)",
        before=orders_plan(),
        after=unpaid_plan(),
        tried_on="planner twin, PostgreSQL 18.6",
    )
    evidence = Evidence(rung=Rung.ESTIMATED, text="tried: the planner's cost falls", comparison=tried)
    return tuple(
        msgspec.structs.replace(
            each,
            status="new" if at in (0, 3) else "known",
            evidence=(*each.evidence, evidence) if at == 0 else each.evidence,
        )
        for at, each in enumerate(findings)
    )


def _endpoints() -> tuple[Endpoint, ...]:
    return (
        Endpoint(name="GET /admin/orders", statements=("8113450972365",), calls=64_400, total_ms=2.2e7, share=0.636),
        Endpoint(name="sessions#create", statements=("4418802",), calls=91_000, total_ms=3.4e6, share=0.098),
        Endpoint(name="GET /reports/{id}", statements=("99018", "17")),
    )


def _trials() -> Trials:
    return Trials(
        planner="planner twin, PostgreSQL 18.6",
        planned=6,
        not_planned=(UnplannedStatement(statement="2207", reason="it is no SQL"),),
        compared=5,
        different=("17",),
        disagreements=(Disagreement(statement="17", what="orders: Seq Scan on the server, not read on the planner"),),
        remedies=1,
        rejected=(
            RejectedRemedy(
                rule="missing-index",
                change="CREATE INDEX ON public.customer (region)",
                reason="no plan gets cheaper by 5%",
            ),
        ),
    )


def _changes() -> Changes:
    return Changes(
        previous_at=NOW - timedelta(days=7),
        new=2,
        known=10,
        fixed=(
            _gone("unused-index", "index `orders_note_idx` was never scanned", "public.orders"),
            msgspec.structs.replace(
                _gone("foreign-key-without-index", "`payment.order_id` has no index", "public.payment"),
                applied="public.payment_order_id_idx",
                ms_per_call_before=79.0,
                ms_per_call_after=0.4,
            ),
        ),
        not_judged=(_gone("replica-lags", "a replica is 4 s behind", None),),
        statements=(
            StatementChange(
                text=ORDERS_PAGE,
                change="worse",
                statement="8113450972365",
                ms_per_call_before=210.0,
                ms_per_call_after=341.0,
                ms_per_day_before=1.9e6,
                ms_per_day_after=3.1e6,
            ),
            StatementChange(text=ITEMS, change="new", statement="55120031", ms_per_call_after=79.0),
            StatementChange(text="SELECT 1", change="gone", ms_per_day_before=12.0),
        ),
    )


def hostile_changed_report() -> Report:
    """Hostile texts also where the second week has places for them."""
    return msgspec.structs.replace(
        hostile_report(),
        endpoints=tuple(Endpoint(name=text, statements=(f"#{at}",)) for at, text in enumerate(HOSTILE, start=1)),
        changes=Changes(
            previous_at=NOW,
            fixed=tuple(GoneFinding(rule=text, severity=Severity.INFO, message=text, key=text) for text in HOSTILE),
            statements=tuple(StatementChange(text=text, change="new") for text in HOSTILE),
        ),
    )


def _gone(rule: str, message: str, place: str | None) -> GoneFinding:
    return GoneFinding(rule=rule, severity=Severity.WARNING, message=message, key=rule, place=place)
