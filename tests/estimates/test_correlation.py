"""Which kind of extended statistics is proposed: by how many combinations there are, and what is there already."""

import pytest

from pgadvisor.advise.examples import facts_of
from pgadvisor.estimates.case import Cause, case_of
from pgadvisor.estimates.correlation import correlated
from pgadvisor.rule import ColumnGroup, ColumnStatistics, Example, ExtendedStatistics, node, table

ROWS = 1_000_000


def cause(
    combinations: int,
    *,
    distinct: int = 1_000,
    expected: float = 1,
    actual: float = 900,
    there: tuple[ExtendedStatistics, ...] = (),
    text: str = "((a.city = 1) AND (a.zip = 2))",
) -> Cause | None:
    """What is said of a scan by two columns of so many values each, counted in a sample."""
    seen = ColumnStatistics(null_fraction=0.0, average_width_bytes=4, n_distinct=distinct, correlation=0.1)
    group = ColumnGroup(columns=("city", "zip"), distinct=(distinct, distinct), combinations=combinations, rows=100_000)
    address = table("address", rows=ROWS, columns={"city": "integer", "zip": "integer"}, column_groups=(group,),
                    statistics={"city": seen, "zip": seen}, extended_statistics=there)  # fmt: skip
    scan = node("Seq Scan", table="address", schema="public", alias="a", filter=text, rows=expected, actual=actual)
    facts = facts_of(
        Example(sql="SELECT * FROM address a WHERE a.city = $1 AND a.zip = $2", tables=(address,), plan=scan)
    )
    case = case_of(facts, facts.plans[0], 0)
    assert case is not None
    return correlated(case)


@pytest.mark.parametrize(
    ("combinations", "kinds", "target"),
    [(80, "(mcv)", None), (640, "(mcv)", "SET STATISTICS 700"), (1_050, "(dependencies, mcv)", None),
     (60_000, "(mcv)", "SET STATISTICS 1000")],
)  # fmt: skip
def test_kind_and_target_hold_the_combinations(combinations: int, kinds: str, target: str | None) -> None:
    found = cause(combinations, actual=2_000 if combinations > 2_000 else 900)
    assert found is not None
    sql = found.remedy.sql or ""
    assert f"{kinds} ON city, zip" in sql
    assert (target in sql) if target else ("ALTER STATISTICS" not in sql)
    assert found.remedy.undo == "DROP STATISTICS public.address_city_zip_stat;"


def test_nothing_is_proposed_that_would_not_help() -> None:
    assert cause(60_000, actual=100) is None, "one of thousands of pairs, each as rare"
    assert cause(1_050, expected=900, actual=5, distinct=30) is None, (
        "dependencies would take a contradiction for a match"
    )
    assert cause(80, actual=90_000) is None, "more rows than either column explains"
    assert cause(80, text="((a.city = 1) AND (a.zip = $0))", expected=50_000) is None


def test_a_list_that_is_too_short_is_made_longer() -> None:
    there = ExtendedStatistics(name="pair", schema="stats", definition="", columns=("zip", "city"), kinds=("mcv",))
    found = cause(640, there=(there,))
    assert found is not None
    assert found.remedy.sql == "ALTER STATISTICS stats.pair SET STATISTICS 700;\nANALYZE public.address;"
    assert cause(80, there=(there,)) is None, "it holds all of them already"
