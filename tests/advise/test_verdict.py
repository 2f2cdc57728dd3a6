"""The verdict says what the findings come to, and never calls "not looked" fine."""

import msgspec

from pgadvisor.advise.examples import facts_of
from pgadvisor.advise.verdict import best_changes, give_verdict
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where
from pgadvisor.model.report import RuleNotRun
from pgadvisor.rule import Example

FACTS = facts_of(Example(sql="SELECT 1", calls=1000, mean_ms=60.0, other=(("SELECT 2", 1000, 40.0),), days=1.0))
"""One day with 60 s of the first statement and 40 s of the second."""


def finding(statement: str, gain: float | None, rung: Rung = Rung.MEASURED) -> Finding:
    return Finding(
        rule="sort-spills", where=Where(statement=statement), message="sort spills", severity=Severity.WARNING,
        evidence=(Evidence(rung=rung, text="seen"),), remedy=Remedy(text="Raise work_mem."), wrong_if="never",
        gain_ms_per_day=gain, statements=(statement,), key=f"sort-spills:{statement}{gain}",
    )  # fmt: skip


def test_the_headline_counts_the_changes_and_what_they_free() -> None:
    verdict = give_verdict([finding("1", 50_000.0), finding("2", 20_000.0)], [], [], FACTS)
    assert verdict.headline == "Two changes would free about 70% of database time"
    assert verdict.severity is Severity.WARNING
    assert verdict.text.startswith("Start here: raise work_mem. ")


def test_a_statement_is_freed_once() -> None:
    changes, freed = best_changes([finding("1", 50_000.0), finding("1", 40_000.0)], FACTS)
    assert [change.gain_ms_per_day for change in changes] == [50_000.0]
    assert freed == 0.5


def test_more_than_all_is_never_freed() -> None:
    assert best_changes([finding("1", 90_000.0), finding("2", 90_000.0)], FACTS)[1] == 1.0


def test_without_gains_the_findings_are_counted() -> None:
    quiet = msgspec.structs.replace(finding("2", None), severity=Severity.INFO)
    assert give_verdict([finding("1", None), quiet], [], [], FACTS).headline == "1 warning and 1 info found"


def test_nothing_found_still_says_what_was_not_checked() -> None:
    verdict = give_verdict([], [RuleNotRun(rule="unused-index", reason="no counters", cure="grant")], [], FACTS)
    assert verdict.headline == "Nothing to change was found"
    assert verdict.severity is None
    assert "1 rule could not run" in verdict.text
