"""The order of findings: severity, then time freed, then sureness, then time concerned."""

import msgspec

from pgadvisor.advise.examples import facts_of
from pgadvisor.advise.rank import rank
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where
from pgadvisor.rule import Example, node

FACTS = facts_of(Example(sql="SELECT 1", calls=10, mean_ms=1.0))


def finding(
    rule: str,
    severity: Severity = Severity.WARNING,
    *,
    rung: Rung = Rung.MEASURED,
    gain: float | None = None,
    at_most: float | None = None,
    share: float | None = None,
) -> Finding:
    return Finding(
        rule=rule,
        where=Where(),
        message="",
        evidence=(Evidence(rung=rung, text=""),),
        remedy=Remedy(text=""),
        wrong_if="",
        severity=severity,
        gain_ms_per_day=gain,
        at_most_ms_per_day=at_most,
        share=share,
    )


def test_one_list_of_all_rungs() -> None:
    expected = [
        finding("wrong-answers", Severity.ERROR, rung=Rung.INFERRED),
        finding("frees-most", gain=100.0, rung=Rung.ESTIMATED),
        finding("frees-at-most-more-than-is-sure-of-the-next", at_most=150.0),
        finding("as-much-and-measured", gain=60.0),
        finding("as-much-and-estimated", gain=60.0, rung=Rung.ESTIMATED),
        finding("as-much-and-inferred", gain=60.0, rung=Rung.INFERRED),
        finding("frees-at-most-less", at_most=110.0),
        finding("nothing-known-of-much-time", share=0.4),
        finding("nothing-known-of-little-time", share=0.1),
        finding("nothing-known-and-inferred", rung=Rung.INFERRED, share=0.9),
        finding("trifle-of-much-time", Severity.INFO, gain=1_000.0),
    ]
    assert [each.rule for each in rank(expected[::-1], FACTS)] == [each.rule for each in expected]


def test_a_gain_that_is_known_counts_alone() -> None:
    little, more = finding("a", gain=1.0, at_most=1_000.0), finding("b", gain=2.0)
    assert rank([little, more], FACTS) == [more, little]


def test_without_times_the_planners_cost_of_all_calls_tells() -> None:
    plan = node("Result", cost=10.0)
    facts = facts_of(Example(sql="SELECT 1", calls=100, plan=plan, other=(("SELECT 2", 1, 0.0),)))
    often, once = (
        msgspec.structs.replace(finding("z"), statements=("1",)),
        msgspec.structs.replace(finding("a"), statements=("2",)),
    )
    assert rank([once, often], facts) == [often, once]
