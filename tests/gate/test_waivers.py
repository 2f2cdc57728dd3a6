"""Waivers: what they silence, until when, and what is said of those that do nothing."""

from datetime import date
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from pgadvisor.gate.waivers import Outcome, waive
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where
from pgadvisor.model.migration import Migration, MigrationStatement, Waiver
from pgadvisor.model.waiver import ListedWaiver, Terms

FILE = "db/0042_status.sql"
TODAY = date(2026, 11, 22)
RULES = {name: name for name in ("index-not-concurrent", "truncate-cascade")} | {"old-name": "truncate-cascade"}
INDEX = Finding(
    rule="index-not-concurrent", where=Where(table="public.orders", file=FILE, line=3), message="writes wait",
    severity=Severity.ERROR, evidence=(Evidence(rung=Rung.INFERRED, text="CREATE INDEX"),),
    remedy=Remedy(text="Build it concurrently."), wrong_if="the table is small", key="index-not-concurrent:ab",
)  # fmt: skip
TRUNCATE = replace(
    INDEX, rule="truncate-cascade", where=Where(file=FILE, line=7), message="more is emptied", key="truncate-cascade:cd"
)


def migration(*waivers: Waiver, line: int = 3, is_judged: bool = True) -> Migration:
    """Two statements, the waivers beside the one of that line."""
    statements = tuple(
        MigrationStatement(text="…", line=each, waivers=waivers if each == line else ()) for each in (3, 7)
    )
    return Migration(file=FILE, tool="sql", name="0042", up=statements, is_judged=is_judged)


def waiver(rule: str = "index-not-concurrent", **more: Any) -> Waiver:
    return Waiver(rules=(rule,), line=2, **more)


def judged(*waivers: Waiver, listed: tuple[ListedWaiver, ...] = (), **terms: Any) -> Outcome:
    """Both findings under these waivers."""
    ran = frozenset(("index-not-concurrent", "truncate-cascade"))
    found = Terms(today=TODAY, rules=RULES, rules_run=ran, listed=listed)
    return waive((INDEX, TRUNCATE), (migration(*waivers),), replace(found, **terms))


def test_a_waiver_silences_its_rule_beside_its_statement() -> None:
    done = judged(waiver(reason="nobody uses it yet"))
    assert done.kept == (TRUNCATE,)
    (waived,) = done.waived
    assert (waived.finding, waived.reason, waived.is_in_source) == (INDEX, "nobody uses it yet", True)
    assert done.notes == ()


def test_another_statement_is_not_silenced() -> None:
    done = waive((TRUNCATE,), (migration(waiver("truncate-cascade")),), Terms(today=TODAY, rules=RULES))
    assert done.kept == (TRUNCATE,)


def test_a_line_within_a_statement_belongs_to_it() -> None:
    within = replace(INDEX, where=replace(INDEX.where, line=5))
    assert waive((within,), (migration(waiver()),), Terms(today=TODAY, rules=RULES)).kept == ()


def test_without_names_all_rules_are_silenced() -> None:
    assert judged(Waiver(rules=(), line=2)).kept == (TRUNCATE,)


def test_an_old_name_holds() -> None:
    done = waive((TRUNCATE,), (migration(waiver("old-name"), line=7),), Terms(today=TODAY, rules=RULES))
    assert done.kept == () and done.notes == ()


@pytest.mark.parametrize(("until", "holds"), [(date(2026, 11, 21), False), (TODAY, True), (date(2027, 1, 1), True)])
def test_it_holds_to_the_end_of_its_last_day(until: date, holds: bool) -> None:
    done = judged(waiver(until=until, reason="small"))
    assert (INDEX.key not in [each.key for each in done.kept]) is holds
    assert (done.notes == ()) is holds


def test_one_that_ended_is_told_and_stands_among_the_evidence() -> None:
    done = judged(waiver(until=date(2026, 5, 1), reason="small"))
    assert done.waived == ()
    assert done.notes == (f"{FILE}:2: the waiver of index-not-concurrent ended on 2026-05-01",)
    assert done.kept[0].evidence[-1].text == "the waiver of index-not-concurrent ended on 2026-05-01"
    assert done.kept[1] == TRUNCATE


def test_a_reason_is_needed_only_where_it_is_asked_for() -> None:
    assert judged(waiver()).kept == (TRUNCATE,)
    strict = judged(waiver(), needs_reason=True)
    assert len(strict.kept) == 2
    assert "gives no reason" in strict.notes[0]
    assert judged(waiver(reason="small"), needs_reason=True).notes == ()


def test_another_waiver_may_hold_where_one_ended() -> None:
    done = judged(waiver(until=date(2026, 5, 1)), listed=(ListedWaiver(file=FILE, rule="index-not-concurrent"),))
    assert [each.is_in_source for each in done.waived] == [False]
    assert len(done.notes) == 1


def test_one_that_silences_nothing_is_told() -> None:
    done = judged(waiver("truncate-cascade"))
    assert done.notes == (f"{FILE}:2: the waiver of truncate-cascade silences nothing and can go",)


def test_of_a_rule_that_did_not_run_nothing_is_said() -> None:
    assert judged(waiver("truncate-cascade"), rules_run=frozenset(("index-not-concurrent",))).notes == ()


def test_one_that_names_no_rule_is_told() -> None:
    assert judged(waiver("indx")).notes == (f'{FILE}:2: there is no rule "indx": `pgadvisor rules` lists them',)


def test_history_is_not_judged_nor_are_its_waivers() -> None:
    terms = Terms(today=TODAY, rules=RULES, rules_run=frozenset(RULES))
    assert waive((), (migration(waiver(), is_judged=False),), terms).notes == ()


def test_a_comment_beside_many_statements_is_told_once() -> None:
    at_the_top = waiver("truncate-cascade")
    both = tuple(MigrationStatement(text="…", line=line, waivers=(at_the_top,)) for line in (3, 7))
    found = replace(migration(), up=both, down=both)
    terms = Terms(today=TODAY, rules=RULES, rules_run=frozenset(RULES))
    assert len(waive((INDEX,), (found,), terms).notes) == 1
    assert waive((TRUNCATE,), (found,), terms).notes == ()


def test_the_way_back_in_its_own_file() -> None:
    beside = (MigrationStatement(text="…", line=1, waivers=(waiver(),)),)
    found = replace(migration(), down=beside, down_file="db/0042.down.sql")
    down = replace(INDEX, where=Where(file="db/0042.down.sql", line=1))
    done = waive((INDEX, down), (found,), Terms(today=TODAY, rules=RULES))
    assert done.kept == (INDEX,)


@pytest.mark.parametrize(
    ("listed", "silenced"),
    [
        (ListedWaiver(file="db/*.sql", rule="index-not-concurrent"), True),
        (ListedWaiver(file="db/0042*"), True),
        (ListedWaiver(file="other/*"), False),
        (ListedWaiver(key=INDEX.key), True),
        (ListedWaiver(key=INDEX.key, rule="truncate-cascade"), False),
        (ListedWaiver(key=INDEX.key, until=date(2026, 1, 1)), False),
    ],
)
def test_entries_of_the_settings_file(listed: ListedWaiver, silenced: bool) -> None:
    done = judged(listed=(listed,))
    assert (INDEX.key in [each.finding.key for each in done.waived]) is silenced


def test_a_finding_of_no_file_is_silenced_by_its_key() -> None:
    bare = replace(INDEX, where=Where(table="public.orders"))
    terms = Terms(today=TODAY, rules=RULES, listed=(ListedWaiver(key=INDEX.key), ListedWaiver(file="*")))
    assert waive((bare,), (), terms).kept == ()
    assert waive((bare,), (), replace(terms, listed=terms.listed[1:])).kept == (bare,)


def test_an_entry_without_a_place_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="`table` or `key`"):
        msgspec.convert({"rule": "truncate-cascade"}, ListedWaiver)
