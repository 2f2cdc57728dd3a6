"""Columns that depend on each other: the planner multiplies what each keeps, and PostgreSQL must be told otherwise.

Which kind of extended statistics works was measured: `mcv` alone is best where all combinations fit into its list, and
useless where they do not; `dependencies` takes a contradiction (a city with another city's postal code) for a match.
"""

from math import ceil, prod

from pgadvisor.estimates.case import TOP_TARGET, Case, Cause
from pgadvisor.estimates.conditions import bare_equal
from pgadvisor.estimates.remedies import create_statistics, longer_statistics
from pgadvisor.estimates.shares import share_of
from pgadvisor.indexes.sizes import distinct_values
from pgadvisor.model.catalog import ColumnGroup, ExtendedStatistics, Table
from pgadvisor.model.finding import Evidence, Rung
from pgadvisor.model.record import Record
from pgadvisor.sql.identifiers import quoted

SLACK = 3.0
"""Between the product of the single shares, with values that a plan does not show, and the planner's estimate."""
FEWER = 3.0
"""So many times fewer combinations than independent columns would have: they depend on each other."""
FUNCTIONAL = 1.1
"""As many combinations as one of the columns has values, or hardly more: that one says what the others are."""
STEP = 100


class Kinds(Record):
    """What CREATE STATISTICS should keep."""

    names: tuple[str, ...]
    target: int | None = None
    """None: the table's own does."""


class Counted(Record):
    """How many combinations of values there are, and how that is known."""

    combinations: float
    is_functional: bool
    evidence: Evidence


def correlated(case: Case) -> Cause | None:
    """Several columns compared for equality, whose shares multiply to the estimate."""
    columns = suspects(case)
    if not columns:
        return None
    counted = counted_of(case.table, columns) or _inferred(case, columns)
    there = next((each for each in case.table.extended_statistics if _serves(each, columns)), None)
    kinds = kinds_for(counted, case)
    if kinds is None:
        return None
    named = ", ".join(columns)
    if there is not None:
        if "mcv" not in there.kinds or kinds.target is None:
            return None
        remedy = longer_statistics(case.table, there, kinds.target, f"Let {there.name} keep more combinations.")
    else:
        remedy = create_statistics(case.table, tuple(map(quoted, columns)), columns, kinds.names, kinds.target,
                                   f"Let PostgreSQL learn how {named} depend on each other.")  # fmt: skip
    return Cause(name="correlated columns", columns=columns, evidence=counted.evidence, remedy=remedy)


def suspects(case: Case) -> tuple[str, ...]:
    """The columns, two or more, that were taken for independent although the rows that came say otherwise."""
    columns = bare_equal(case.predicates)
    return columns if len(columns) > 1 and _is_product(case) else ()


def _serves(found: ExtendedStatistics, columns: tuple[str, ...]) -> bool:
    """Whether it is on all of those columns and of a kind that conditions are estimated with."""
    return set(columns) <= set(found.columns) and bool({"mcv", "dependencies"} & set(found.kinds))


def _is_product(case: Case) -> bool:
    """Whether each condition by itself keeps enough rows, and together they were taken for independent."""
    shares = [share_of(each, case.table) for each in case.predicates]
    known = [each for each in shares if each is not None]
    if case.is_joined or len(known) < 2:
        return False
    actual, expected = case.actual / case.rows, max(case.expected / case.rows, 1e-12)
    if case.is_too_low and any(each.most * SLACK < actual for each in known):
        return False
    if not case.is_whole or len(known) < len(shares):
        return expected <= SLACK * prod(each.most for each in known)
    least = prod(each.least for each in known) / SLACK
    # The planner never expects less than one row.
    return min(least, 1.0 / case.rows) <= expected <= max(SLACK * prod(each.most for each in known), SLACK / case.rows)


def counted_of(table: Table, columns: tuple[str, ...]) -> Counted | None:
    """What a sample of the table says of those columns; None: none was taken."""
    found = next((each for each in table.column_groups if set(each.columns) == set(columns)), None)
    if found is None or not found.rows:
        return None
    each = ", ".join(f"{count:,} of {name}" for name, count in zip(found.columns, found.distinct, strict=True))
    where = "all" if found.is_whole else "a sample"
    text = f"{where} of {found.rows:,} rows holds {found.combinations:,} combinations of {each}"
    is_functional = found.combinations <= FUNCTIONAL * max(found.distinct)
    return Counted(
        combinations=float(found.combinations),
        is_functional=is_functional,
        evidence=Evidence(rung=Rung.MEASURED, text=f"{text}; {_said(found)}"),
    )


def _said(found: ColumnGroup) -> str:
    independent = min(float(prod(found.distinct)), float(found.rows))
    if found.combinations <= FUNCTIONAL * max(found.distinct):
        first = found.columns[found.distinct.index(max(found.distinct))]
        return f"{first} says what the other is" if len(found.columns) == 2 else f"{first} says what the others are"
    if found.combinations * FEWER <= independent:
        return f"independent ones would have up to {independent:,.0f}"
    return "how often each occurs differs from what independent ones would have"


def _inferred(case: Case, columns: tuple[str, ...]) -> Counted:
    """As many combinations as fit with the rows that came, when all are equally frequent."""
    rows = case.table.rows or 1.0
    distinct = [distinct_values(column, rows) for name in columns if (column := case.table.column(name))]
    most = min(prod(distinct), rows)
    fitting = case.rows / max(case.actual, 1.0) if case.is_too_low else most
    return Counted(
        combinations=min(max(fitting, max(distinct)), most),
        is_functional=case.is_too_low,
        evidence=Evidence(
            rung=Rung.INFERRED,
            text=f"what the statistics say of {' and '.join(columns)} one by one, multiplied, gives the estimate",
        ),
    )


def kinds_for(counted: Counted, case: Case) -> Kinds | None:
    """The kinds and target that hold the combinations; None: none would."""
    wanted = ceil(counted.combinations / STEP) * STEP
    if counted.combinations <= case.target:
        return Kinds(names=("mcv",))
    if wanted <= TOP_TARGET:
        return Kinds(names=("mcv",), target=wanted)
    if counted.is_functional and case.is_too_low:
        return Kinds(names=("dependencies", "mcv"))
    # Only the most frequent combinations fit: those of this run are, when fewer than the list holds are as frequent.
    is_frequent = case.is_too_low and case.rows / max(case.actual, 1.0) <= TOP_TARGET
    return Kinds(names=("mcv",), target=TOP_TARGET) if is_frequent else None
