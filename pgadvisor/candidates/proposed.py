"""All indexes worth trying for a workload, by statement."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from math import inf

from pgadvisor.candidates.btree import btrees
from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.existing import finds_one, is_spare_copy, is_there
from pgadvisor.candidates.foreign_keys import foreign_key_indexes
from pgadvisor.candidates.logged import with_logged
from pgadvisor.candidates.special import brins, specials
from pgadvisor.candidates.uses import Use, uses_of
from pgadvisor.facts import Facts
from pgadvisor.model.catalog import Table
from pgadvisor.sql.query import Query

MOST = 60
"""Candidates of a statement."""
MOST_OF_USE = 32
"""B-trees of one use of a table."""
FIRST_FEW = 4
"""B-trees before BRIN, which is small and seldom fast."""
PAGE = 8192
PAGES_OF_NEW = 10
ROW_COST = 0.01
"""`cpu_tuple_cost`."""
NOTICED = 10.0
"""Planner units, about 0.03 ms: what a call saves below that is lost in its round trip."""

Asked = Mapping[str, Counter[str]]
"""By table: how often statements compare each key for equality."""


def candidates_of(facts: Facts, queries: Mapping[str, Query]) -> dict[str, tuple[Candidate, ...]]:
    """By the key of the statement its candidates, the most promising first; statements without any are left out.

    Of a statement with several tables each gets its turn, so that callers may cut the rest. Nothing that is there
    already, nothing that its columns' types do not allow.
    """
    queries = with_logged(facts, queries)
    uses = {key: uses_of(facts, query) for key, query in queries.items()}
    asked = _asked(facts, uses)
    found = {key: _candidates(facts, each, queries[key], asked) for key, each in uses.items()}
    return {key: candidates for key, candidates in found.items() if candidates}


def _candidates(facts: Facts, uses: Iterable[Use], query: Query, asked: Asked) -> tuple[Candidate, ...]:
    rows = [list(_of_use(facts, use, asked)) for use in uses]
    rows.append(list(foreign_key_indexes(facts, query)))
    mixed = dict.fromkeys(each for row in zip_longest(*rows) for each in row if each is not None)
    return tuple(each for each in mixed if not is_there(facts, each))[:MOST]


def _of_use(facts: Facts, use: Use, asked: Asked) -> Iterator[Candidate]:
    """The candidates of one use: B-trees and the others in turn, BRIN behind the first few."""
    table = use.table
    if finds_one(table, use) or is_nearly_empty(table) or _is_tiny(table):
        return
    plain = btrees(use, asked.get(table.qualified, Counter()), MOST_OF_USE)
    plain[FIRST_FEW:FIRST_FEW] = brins(facts, use)
    for pair in zip_longest(specials(facts, use), plain):
        yield from (each for each in pair if each is not None and not is_spare_copy(table, use, each))


def is_nearly_empty(table: Table) -> bool:
    """Whether it is so small, and never analyzed, that PostgreSQL plans for ten pages that are not there: all that an
    index saves is made up then (`estimate_rel_size` in plancat.c)."""
    is_sized = table.kind == "table" and table.heap_bytes is not None
    return is_sized and table.rows is None and (table.heap_bytes or 0) < PAGES_OF_NEW * PAGE


def _is_tiny(table: Table) -> bool:
    """Whether reading all of it costs next to nothing."""
    if table.heap_bytes is None or table.heap_bytes <= 0:
        return False
    return table.heap_bytes <= PAGE or table.heap_bytes / PAGE + ROW_COST * (table.rows or inf) < NOTICED


def _asked(facts: Facts, uses: Mapping[str, tuple[Use, ...]]) -> Asked:
    """Which keys of each table statements compare for equality, each by its calls."""
    found: dict[str, Counter[str]] = {}
    for statement, of_statement in uses.items():
        known = facts.statement(statement)
        calls = (known.calls if known else None) or 1
        for use in of_statement:
            counted = found.setdefault(use.table.qualified, Counter())
            counted.update({each.key.key: calls for each in use.conditions if each.key and each.role == "equal"})
    return found
