"""Comments and waivers of the settings silence the findings that they name, and only those; the useless are told."""

from datetime import date

import msgspec
import pytest

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import snapshot_of
from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.registry import audit_rules
from pgadvisor.advise.suppress import Suppression, terms_for
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where
from pgadvisor.model.report import Report
from pgadvisor.model.waiver import ListedWaiver, Waivers
from pgadvisor.rule import Example, table

RULES = audit_rules()
TODAY = date(2026, 11, 22)
WAIVERS = Waivers(today=TODAY)

FINDING = Finding(
    rule="deep-offset", where=Where(statement="1"), message="reads and throws away", severity=Severity.WARNING,
    evidence=(Evidence(rung=Rung.INFERRED, text="OFFSET"),), remedy=Remedy(text="Seek."), wrong_if="never",
    statements=("1",),
)  # fmt: skip


def facts(text: str) -> Facts:
    snapshot = snapshot_of(Example(sql=text))
    return Facts(snapshot, read_queries(snapshot)[0])


@pytest.mark.parametrize(
    ("comment", "silenced"),
    [
        ("-- pgadvisor: ignore deep-offset (the export needs it)", True),
        ("-- pgadvisor: ignore select-star, deep-offset", True),
        ("/* pgadvisor: ignore deep-offset */", True),
        ("-- pgadvisor: ignore select-star", False),
        ("-- ignore deep-offset", False),
    ],
)
def test_comment(comment: str, silenced: bool) -> None:
    silence = Suppression(facts(f"{comment}\nSELECT a FROM t OFFSET 1000"), terms_for(RULES, WAIVERS))
    kept = silence.kept([FINDING])
    assert (silence.by_comment == 1) is silenced
    assert (kept == []) is silenced


def test_all_statements_must_ask_for_it() -> None:
    both = msgspec.structs.replace(FINDING, statements=("1", "2"))
    silenced = "SELECT 1 -- pgadvisor: ignore deep-offset"
    snapshot = snapshot_of(Example(sql=silenced, other=(("SELECT 2", 1, 1.0),)))
    assert Suppression(Facts(snapshot, {}), terms_for(RULES, WAIVERS)).kept([both]) == [both]


def audited(text: str, *listed: ListedWaiver, file: str = "app/orders.sql") -> Report:
    """What an audit says of a statement of a file, on a table of 50,000 rows."""
    made = snapshot_of(Example(sql=text, tables=(table("orders", rows=5e4),)))
    placed = msgspec.structs.replace(made.statements[0], file=file, line=7)
    return advise(msgspec.structs.replace(made, statements=(placed,)), waivers=Waivers(today=TODAY, listed=listed))


DEEP = "SELECT id FROM orders ORDER BY id LIMIT 20 OFFSET 50000"


@pytest.mark.parametrize(
    ("waiver", "is_waived"),
    [
        (ListedWaiver(rule="deep-offset", file="app/*.sql", reason="an export"), True),
        (ListedWaiver(rule="deep-offset", file="batch/*.sql"), False),
        (ListedWaiver(rule="deep-offset", table="orders"), True),
        (ListedWaiver(table="public.ord*"), True),
        (ListedWaiver(rule="deep-offset", table="public.ord*", file="batch/*"), False),
        (ListedWaiver(rule="select-star", table="orders"), False),
        (ListedWaiver(rule="deep-offset", table="orders", until=date(2026, 11, 21)), False),
    ],
)
def test_waivers_of_the_settings(waiver: ListedWaiver, is_waived: bool) -> None:
    report = audited(DEEP, waiver)
    assert [each.rule for each in report.findings].count("deep-offset") == (not is_waived)
    waived = [each for each in report.waived if each.finding.rule == "deep-offset"]
    assert [(each.reason, each.is_in_source) for each in waived] == ([(waiver.reason, False)] if is_waived else [])


def test_a_waiver_by_key_and_the_key_of_what_is_waived() -> None:
    (found,) = (each for each in audited(DEEP).findings if each.rule == "deep-offset")
    for waiver in (ListedWaiver(key=found.key), ListedWaiver(table="orders", rule="deep-offset")):
        report = audited(DEEP, waiver)
        assert [each.finding.key for each in report.waived if each.finding.rule == "deep-offset"] == [found.key]
        assert "deep-offset" not in {each.rule for each in report.findings}


def test_what_is_of_no_use_is_told() -> None:
    said = audited(
        "SELECT id FROM orders WHERE id = 1 -- pgadvisor: ignore deep-offset, no-such-rule",
        ListedWaiver(rule="order-by-random", table="orders"),
        ListedWaiver(rule="never-heard-of", table="orders"),
        ListedWaiver(rule="order-by-random", file="batch/*"),  # another run reads them
        ListedWaiver(rule="truncate", file="app/*"),  # the gate's: no audit knows whether it is of use
    ).unused_waivers
    assert said == (
        "app/orders.sql:7: the comment that ignores deep-offset silences nothing and can go",
        'app/orders.sql:7: there is no rule "no-such-rule": `pgadvisor rules` lists them',
        "the waiver of order-by-random for orders silences nothing and can go",
        'the waiver of never-heard-of for orders: there is no rule "never-heard-of": `pgadvisor rules` lists them',
    )
    ended = audited(DEEP, ListedWaiver(rule="deep-offset", table="orders", until=date(2026, 1, 1)))
    (found,) = (each for each in ended.findings if each.rule == "deep-offset")
    assert [each.text for each in found.evidence].count("the waiver of deep-offset ended on 2026-01-01") == 1
    assert ended.unused_waivers == ("the waiver of deep-offset for orders ended on 2026-01-01",)
    assert audited(f"{DEEP} -- pgadvisor: ignore deep-offset (an export)").unused_waivers == ()
