"""Partial indexes for parameters: only for what every logged call asks for."""

from msgspec.structs import replace

from pgadvisor.candidates.proposed import candidates_of
from pgadvisor.facts import Facts
from pgadvisor.model.log import LoggedStatement, Logs
from tests.candidates.make_workload import facts_for

TEXT = "SELECT * FROM t WHERE b = $1 AND kind = $2 LIMIT $3"
LIMITED = "(b) WHERE kind = 'z'"
Values = tuple[tuple[str | None, ...], ...]


def spelled(values: Values, text: str = TEXT, *, logged: str | None = None, **more: float) -> list[str]:
    """The candidates for the text where a log holds these values of its calls."""
    facts = facts_for(text)
    key = facts.snapshot.statements[0].fingerprint
    told = LoggedStatement(key=key, text=logged or text, runs=len(values), timed=len(values), values=values)
    snapshot = replace(facts.snapshot, logs=Logs(statements=(told,), **more))  # type: ignore[arg-type]
    found = candidates_of(Facts(snapshot, facts.queries), facts.queries)
    return [each.spelled for candidates in found.values() for each in candidates]


def test_an_index_is_limited_to_what_every_call_asks_for() -> None:
    always: Values = (("1", "z"), ("2", "z"), ("3", "z"))
    assert LIMITED in spelled(always)
    assert "(b)" in spelled(always)
    flag = "SELECT * FROM t WHERE b = $1 AND rare = $2"
    assert "(b) WHERE rare" in spelled((("1", "t"), ("2", "t"), ("3", "t")), flag)
    for values in ((), always[:2], (*always, ("4", "x")), (*always, ("4", None)), (*always, ("4",))):
        assert LIMITED not in spelled(values), values
    assert not any("a = " in each for each in spelled((("7",),) * 3, "SELECT * FROM t WHERE a = $1")), "no state"


def test_values_belong_to_the_parameters_of_the_same_text() -> None:
    always: Values = (("1", "z"), ("2", "z"), ("3", "z"))
    assert LIMITED not in spelled(always, logged="SELECT * FROM t WHERE b = $2 AND kind = $1 LIMIT $3")
    assert LIMITED not in spelled(always, logged="SELECT * FROM t WHERE b = $1 AND kind = $2")
    assert LIMITED not in spelled((("1", "z..."),) * 3), "cut by log_parameter_max_length"
    assert LIMITED not in spelled(always, least_duration_ms=1_000.0), "only the exceptions were logged"
