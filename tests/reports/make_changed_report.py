"""The shop's report in its second week: endpoints, findings that are new or known, what was fixed, what got worse."""

from datetime import timedelta

import msgspec

from pgadvisor.model.finding import Severity
from pgadvisor.model.report import Changes, Endpoint, GoneFinding, Report, StatementChange
from tests.reports.make_report import HOSTILE, ITEMS, NOW, ORDERS_PAGE, hostile_report, shop_report


def changed_report() -> Report:
    """The audit of the shop, a week after another."""
    shop = shop_report()
    return msgspec.structs.replace(
        shop,
        findings=tuple(
            msgspec.structs.replace(each, status="new" if at in (0, 3) else "known")
            for at, each in enumerate(shop.findings)
        ),
        endpoints=(
            Endpoint(
                name="GET /admin/orders", statements=("8113450972365",), calls=64_400, total_ms=2.2e7, share=0.636
            ),
            Endpoint(name="sessions#create", statements=("4418802",), calls=91_000, total_ms=3.4e6, share=0.098),
            Endpoint(name="GET /reports/{id}", statements=("99018", "17")),
        ),
        changes=Changes(
            previous_at=NOW - timedelta(days=7),
            new=2,
            known=10,
            fixed=(_gone("unused-index", "index `orders_note_idx` was never scanned", "public.orders"),),
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
