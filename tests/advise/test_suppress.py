"""A comment in the statement silences the named rules, and only those."""

import msgspec
import pytest

from pgadvisor.advise.examples import snapshot_of
from pgadvisor.advise.queries import read_queries
from pgadvisor.advise.suppress import suppress
from pgadvisor.facts import Facts
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Where
from pgadvisor.rule import Example

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
    kept, count = suppress([FINDING], facts(f"{comment}\nSELECT a FROM t OFFSET 1000"))
    assert (count == 1) is silenced
    assert (kept == []) is silenced


def test_all_statements_must_ask_for_it() -> None:
    both = msgspec.structs.replace(FINDING, statements=("1", "2"))
    silenced = "SELECT 1 -- pgadvisor: ignore deep-offset"
    snapshot = snapshot_of(Example(sql=silenced, other=(("SELECT 2", 1, 1.0),)))
    kept, _ = suppress([both], Facts(snapshot, {}))
    assert kept == [both]
