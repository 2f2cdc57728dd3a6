"""An advised index as a finding: its remedy and its cause, whatever its names."""

import pytest

from pgadvisor.advise.examples import facts_of
from pgadvisor.example import Example, table
from pgadvisor.indexes.advised import advised_cause, advised_remedy
from pgadvisor.model.advice import AdvisedIndex


@pytest.mark.parametrize(
    ("name", "on", "spelled"),
    [
        ("t_a_idx", "public.t", "(a DESC) INCLUDE (b) WHERE NOT done"),
        ('"my table_a_idx"', 'public."my table"', "USING gin (a)"),
        ('"a ON b_idx"', '"On Off"."a ON b"', "(lower(a))"),
    ],
)
def test_all_that_follows_the_table_is_told(name: str, on: str, spelled: str) -> None:
    index = AdvisedIndex(
        name=name, table="public.t", definition=f"CREATE INDEX {name} ON {on} {spelled}", sql="", undo="", lock=""
    )
    facts = facts_of(Example(sql="SELECT 1", tables=(table("t"),)))
    assert advised_cause(index) == f"index public.t {spelled}"
    assert advised_remedy(index, facts).text == f"Create an index on t {spelled}."
