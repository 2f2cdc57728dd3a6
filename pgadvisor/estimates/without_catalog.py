"""The likely cause of a wrong estimate in a plan that someone pasted: what its conditions alone suggest."""

import msgspec

from pgadvisor.estimates.case import DEFAULT_TARGET, Case, Cause
from pgadvisor.estimates.conditions import bare_equal
from pgadvisor.estimates.remedies import create_statistics
from pgadvisor.estimates.shares import default_share
from pgadvisor.model.finding import Evidence, Remedy, Rung
from pgadvisor.sql.identifiers import quoted

_RELABELLED = frozenset({"text", "character varying"})
"""Casts that a plan shows and that change nothing for a varchar."""


def likely(case: Case) -> Cause | None:
    """What the conditions suggest; None: nothing but that the statistics may be old."""
    return _expression(case) or _columns(case)


def _cause(name: str, columns: tuple[str, ...], text: str, remedy: Remedy) -> Cause:
    evidence = Evidence(rung=Rung.INFERRED, text=f"{text}; whether the statistics are old cannot be told from a plan")
    return Cause(name=f"probably {name}", columns=columns, evidence=evidence, remedy=remedy)


def _expression(case: Case) -> Cause | None:
    wrapped = [each for each in case.predicates if each.is_wrapped and default_share(each) is not None]
    found = next((each for each in wrapped if each.cast_to not in _RELABELLED), None)
    if found is None or "$" in found.key or not found.column:
        return None
    column = found.column.column
    if found.wrap == "cast":
        remedy = Remedy(text=f"Compare {column} with a value of its own type: cast the value, not the column.")
        return _cause("a cross-type comparison", (column,), f"{column} is compared as {found.cast_to}", remedy)
    key = found.key if found.wrap == "function" else f"({found.key})"
    text = f"Let ANALYZE look at {found.key} as well (PostgreSQL 14 and later)."
    remedy = create_statistics(case.table, (key,), (column,), (), None, text)
    return _cause("an expression without statistics", (found.key,), f"the filter is on {found.key}", remedy)


def _columns(case: Case) -> Cause | None:
    columns = _compared(case)
    if len(columns) < 2 or not case.is_too_low or case.is_joined:
        return None
    read = case.actual + (case.node.rows_removed_by_filter or 0.0) * case.loops
    kinds = ("mcv",) if read / max(case.actual, 1.0) <= DEFAULT_TARGET else ("dependencies", "mcv")
    text = f"Let PostgreSQL learn how {', '.join(columns)} depend on each other."
    remedy = create_statistics(case.table, tuple(map(quoted, columns)), columns, kinds, None, text)
    return _cause("correlated columns", columns, f"{', '.join(columns)} are compared for equality", remedy)


def _compared(case: Case) -> tuple[str, ...]:
    """The columns compared for equality; a varchar's cast to text is none."""
    bare = (msgspec.structs.replace(each, is_wrapped=False) if each.cast_to in _RELABELLED else each
            for each in case.predicates)  # fmt: skip
    return bare_equal(tuple(bare))
