"""Indexes made of two, or of the beginning of one; and which does another's work."""

import pytest

from pgadvisor.candidates.candidate import Candidate, CandidateKey, IndexMethod
from pgadvisor.candidates.merging import is_covered, merged, prefixes


def index(keys: str, *, method: IndexMethod = "btree", include: str = "", where: str | None = None) -> Candidate:
    """A candidate of keys as `a, b DESC, c text_pattern_ops`."""
    return Candidate(
        schema="public",
        table_name="t",
        keys=tuple(_key(each) for each in keys.split(", ")),
        method=method,
        included=tuple(include.split(", ")) if include else (),
        predicate=where,
    )


def _key(text: str) -> CandidateKey:
    name, _, rest = text.partition(" ")
    return CandidateKey(
        text=name, key=name, columns=(name,), label=name, is_descending=rest == "DESC", is_nulls_first=rest == "DESC",
        operator_class=rest if rest.endswith("_ops") else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (index("a, b"), index("c"), "(a, b, c)"),
        (index("a, b"), index("b, c"), "(a, b, c)"),
        (index("a", include="x"), index("b", include="y, a"), "(a, b) INCLUDE (x, y)"),
        (index("a", include="b, x"), index("b"), "(a, b) INCLUDE (x)"),
        (index("a", include="x"), index("a", include="y"), "(a) INCLUDE (x, y)"),
        (index("a, b DESC"), index("a, c"), "(a, b DESC, c)"),
        (index("a", where="z"), index("b", where="z"), "(a, b) WHERE z"),
        (index("a", method="gin"), index("b", method="gin"), "USING gin (a, b)"),
        (index("a"), index("a, b"), None),
        (index("a, b"), index("a"), None),
        (index("a"), index("b", where="z"), None),
        (index("a"), index("b", method="gin"), None),
        (index("a", method="hash"), index("b", method="hash"), None),
        (index("a, b, c"), index("d, e, f"), None),
    ],
)
def test_merged(one: Candidate, other: Candidate, both: str | None) -> None:
    found = merged(one, other)
    assert (found.spelled if found else None) == both
    if found:
        assert is_covered(one, found)


@pytest.mark.parametrize(
    ("narrow", "wide", "is_so"),
    [
        (index("a"), index("a, b"), True),
        (index("a"), index("a", include="x"), True),
        (index("a", include="b"), index("a, b"), True),
        (index("a, b DESC"), index("a DESC, b, c"), True),
        (index("a"), index("a"), True),
        (index("a", method="hash"), index("a, b"), True),
        (index("a jsonb_path_ops", method="gin"), index("a", method="gin"), True),
        (index("a", method="gin"), index("b, a", method="gin"), True),
        (index("b"), index("a, b"), False),
        (index("a, b"), index("a"), False),
        (index("a, b DESC"), index("a, b"), False),
        (index("a", include="x"), index("a, b"), False),
        (index("a"), index("a", where="z"), False),
        (index("a", where="z"), index("a"), False),
        (index("a"), index("a text_pattern_ops"), False),
        (index("a", method="gin"), index("a jsonb_path_ops", method="gin"), False),
        (index("a"), index("a", method="hash"), False),
    ],
)
def test_is_covered(narrow: Candidate, wide: Candidate, is_so: bool) -> None:
    assert is_covered(narrow, by=wide) == is_so


def test_prefixes() -> None:
    assert [each.spelled for each in prefixes(index("a, b, c", include="x", where="z"))] == [
        "(a, b) WHERE z",
        "(a) WHERE z",
    ]
    assert not prefixes(index("a"))
