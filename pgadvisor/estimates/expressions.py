"""An expression around a column: PostgreSQL has statistics of it only when it was told to."""

from collections.abc import Sequence
from math import prod

from pgadvisor.estimates.case import Case, Cause, alike
from pgadvisor.estimates.remedies import EXPRESSIONS_SINCE, create_statistics
from pgadvisor.estimates.shares import UNKNOWN_BOTH_ENDS, UNKNOWN_RANGE, default_share, share_of
from pgadvisor.facts import Facts
from pgadvisor.indexes.offers import IMMUTABLE_FUNCTIONS
from pgadvisor.model.catalog import Table
from pgadvisor.model.finding import Evidence, Remedy, Rung
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.identifiers import object_name, quoted, quoted_table
from pgadvisor.sql.query import Predicate


def expression(case: Case) -> Cause | None:
    """A function or an operator around a column, for which the planner took its default."""
    found = [each for each in case.predicates if each.is_wrapped and default_share(each) is not None]
    keys = {_key_in_query(case, each) for each in found}
    if len(keys) != 1 or case.is_joined:
        return None
    key, names = keys.pop(), tuple(dict.fromkeys(use.column for each in found for use in each.columns))
    if key is None or has_statistics(case.table, key) or not is_default(case, found):
        return None
    remedy = statistics_of(case.table, key, names, case.facts)
    if remedy is None:
        return None
    share = _defaults(found)
    text = f"there are no statistics of {key}: the planner took its default, {share:.1%} of the rows"
    evidence = Evidence(rung=Rung.MEASURED, text=text)
    return Cause(name="expression without statistics", columns=(key,), evidence=evidence, remedy=remedy)


def is_default(case: Case, found: Sequence[Predicate]) -> bool:
    """Whether the estimate is what the planner takes when it knows nothing of them."""
    others = [share_of(each, case.table) for each in case.predicates if each not in found]
    if not case.is_whole or None in others:
        return False
    least = _defaults(found) * prod(each.least for each in others if each)
    most = _defaults(found) * prod(each.most for each in others if each)
    share = case.expected / case.rows
    return least <= share <= most or alike(share, most) or (bool(least) and alike(share, least))


def _defaults(found: Sequence[Predicate]) -> float:
    """The planner's default for all conditions on one expression: two ends are a narrow range."""
    shares = [default_share(each) or 1.0 for each in found]
    ends = shares.count(UNKNOWN_RANGE)
    if ends < 2:
        return prod(shares)
    return UNKNOWN_BOTH_ENDS * prod(each for each in shares if each != UNKNOWN_RANGE)


def _key_in_query(case: Case, predicate: Predicate) -> str | None:
    """The expression without a value in it that nobody knows: as the plan has it, else as the query's text does."""
    if "$" not in predicate.key:
        return predicate.key
    written = [
        each.key
        for each in (case.plan.query.predicates() if case.plan.query else ())
        if each.wrap == predicate.wrap and each.function == predicate.function and "$" not in each.key
        if {use.column for use in each.columns} == {use.column for use in predicate.columns}
    ]
    return written[0] if len(set(written)) == 1 else None


def has_statistics(table: Table, key: str) -> bool:
    """Whether an index or an object of extended statistics makes ANALYZE look at that expression."""
    indexed = any(each.statistics and canonical(each.text) == key for index in table.indexes for each in index.keys)
    bare = key.replace(" ", "")
    return indexed or any(
        "expressions" in each.kinds and bare in each.definition.replace(" ", "") for each in table.extended_statistics
    )


def statistics_of(table: Table, key: str, names: tuple[str, ...], facts: Facts) -> Remedy | None:
    """Statistics on the expression; before PostgreSQL 14 an index on it, where one may be made."""
    server = facts.snapshot.server
    spelled = key if key.endswith(")") and key.partition("(")[0].isidentifier() else f"({key})"
    if server is None or server.version_num >= EXPRESSIONS_SINCE:
        return create_statistics(table, (spelled,), names, (), None, f"Let ANALYZE look at {key} as well.")
    if key.partition("(")[0] not in IMMUTABLE_FUNCTIONS:
        return None
    name = object_name(table.name, names, "expr_idx", frozenset(index.name for index in table.indexes))
    return Remedy(
        text=f"Index {key}: ANALYZE then looks at it as well (statistics alone can be had from PostgreSQL 14 on).",
        sql=f"CREATE INDEX CONCURRENTLY {quoted(name)} ON {quoted_table(table)} ({spelled});\n"
        f"ANALYZE {quoted_table(table)};",
        undo=f"DROP INDEX CONCURRENTLY {quoted(table.schema)}.{quoted(name)};",
        lock=f"SHARE UPDATE EXCLUSIVE on {table.label}: reads and writes go on",
        cost="an index more to keep up",
    )
