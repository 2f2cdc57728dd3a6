"""What a twin's statistics lack, told as Gaps: each kind once, with a few names."""

from collections.abc import Iterable, Sequence

from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.planner.twin_column_statistics import Row

_NAMED = 5
"""So many tables or columns are named, and the others counted."""


def misfits(left: Iterable[Row]) -> list[Gap]:
    """Rows of column statistics that were refused."""
    names = [f"{row['schema']}.{row['relation']}, column {row['number']}" for row in left]
    if not names:
        return []
    return [
        Gap(
            area="planner",
            subject="statistics",
            reason=f"the planner twin did not take all column statistics of {_cut(names)}: their type differs there",
            cure="name programs of the audited server's version with --twin-bin DIR, with its extensions installed",
        )
    ]


def without_extended(names: Sequence[str]) -> list[Gap]:
    """Tables with extended statistics that have no data, or not all."""
    if not names:
        return []
    return [
        Gap(
            area="planner",
            subject=names[0] if len(names) == 1 else "extended statistics",
            reason=f"the planner twin lacks what extended statistics know, or a part of it: {_cut(names)}",
            cure="collect as a role with pg_read_all_data and keep the values (--keep-values)",
        )
    ]


def never_analyzed(snapshot: Snapshot) -> list[Gap]:
    """Tables without any statistics: what is advised on them is a guess."""
    names = [
        table.qualified
        for table in snapshot.tables
        if table.rows is None and table.kind in ("table", "materialized view")
    ]
    if not names:
        return []
    return [
        Gap(
            area="planner",
            subject="tables never analyzed",
            reason=f"without statistics PostgreSQL guesses, and so does the planner twin: {_cut(names)}",
            cure="ANALYZE these tables",
        )
    ]


def without_values(snapshot: Snapshot) -> list[Gap]:
    """What is lost with the values of columns."""
    has_statistics = any(column.statistics for table in snapshot.tables for column in table.columns)
    if snapshot.keeps_values or not has_statistics:
        return []
    return [
        Gap(
            area="planner",
            subject="values",
            reason="the snapshot holds no values of columns, so the planner twin takes all values of a column for "
            "equally frequent, a range open on one side for a third of the rows and one with two ends for 0.5 %",
            cure="make the snapshot with --keep-values, or audit the server itself",
        )
    ]


def _cut(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
