"""B-trees for one use of a table: equalities, then ranges or an order, each plain, partial and covering."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice, permutations, zip_longest
from math import prod

from msgspec.structs import replace

from pgadvisor.candidates.candidate import Candidate, CandidateKey
from pgadvisor.candidates.conditions import Condition
from pgadvisor.candidates.expressions import column_key
from pgadvisor.candidates.included import included
from pgadvisor.candidates.lengths import may_be_key
from pgadvisor.candidates.orders import Order
from pgadvisor.candidates.partial import EVERYTHING, Part, parts_of
from pgadvisor.candidates.uses import Use
from pgadvisor.indexes.offers import WIDEST_KEY
from pgadvisor.indexes.sizes import width
from pgadvisor.model.catalog import Table

Keys = tuple[CandidateKey, ...]

MOST_KEYS = 5
SELDOM = 0.5
"""A condition that keeps more of the rows than this does not belong before others."""
FEW = 0.2
"""A part of the table so small that an index may do nothing but list its rows."""
FEW_ROWS = 2.0
"""Where equalities leave no more rows than this, more keys make the index bigger and nothing faster."""
MOST_JOINS = 4
MOST_RANGES = 3


SHORTENED = re.compile(r"(md5|left|substring|substr|length|char_length|octet_length|split_part)\(")
"""Expressions that are short, however long the text."""


def btrees(use: Use, asked: Counter[str], most: int) -> list[Candidate]:
    """The B-trees worth trying, the likeliest first, of each variety in turn: plain, partial or covering, for the rows
    that constants find or for a join.

    `asked`: how often statements of the workload compare each key of the table for equality.
    """
    joined = {each.key for each in use.conditions if each.is_join and each.role == "equal"}
    varieties: dict[tuple[bool, bool, bool], dict[Candidate, float]] = {}
    for part in parts_of(use):
        for keys in _all_keys(use, part, asked):
            for each in _variants(use, keys, part):
                variety = (not joined.isdisjoint(keys), bool(each.predicate), bool(each.included))
                varieties.setdefault(variety, {}).setdefault(each, _work(use, each, part))
    ranked = [
        sorted(variety, key=lambda each, seen=variety: (seen[each], len(each.keys), each.spelled))  # type: ignore[misc]
        for variety in varieties.values()
    ]
    mixed = (each for row in zip_longest(*ranked) for each in row if each is not None)
    return list(islice(dict.fromkeys(mixed), most))


def _variants(use: Use, keys: Keys, part: Part) -> Iterator[Candidate]:
    """Plain where it would read less than the table, and covering."""
    plain = _made(use, keys, part)
    bound, _ = _found(use, plain, part)
    wide = covering(use, plain, part)
    is_whole = wide is None and use.read is not None and _holds(plain, use.read)
    if bound <= SELDOM * use.rows or is_whole or any(_serves(plain, use, order) for order in use.orders):
        yield plain
    if wide is not None:
        yield wide


def _made(use: Use, keys: Keys, part: Part) -> Candidate:
    return Candidate(
        schema=use.table.schema,
        table_name=use.table.name,
        keys=keys,
        predicate=part.predicate,
        predicate_columns=part.columns,
    )


def covering(use: Use, candidate: Candidate, part: Part = EVERYTHING) -> Candidate | None:
    """The index with all else that the statement reads, for an index-only scan; None: it needs nothing, or too much."""
    if use.read is None:
        return None
    implied = frozenset(part.columns) - use.shown - _compared(use, part)
    more = included(use.table, candidate, use.read - implied)
    return replace(candidate, included=more) if more else None


def _compared(use: Use, part: Part) -> frozenset[str]:
    """The columns of conditions that are not in the index's WHERE."""
    return frozenset(name for each in use.conditions if each not in part.conditions for name in each.columns)


# Keys


def _all_keys(use: Use, part: Part, asked: Counter[str]) -> Iterator[Keys]:
    """Every sequence of keys worth trying, without those that the part settles."""
    open_conditions = [each for each in use.conditions if each.key and each not in part.conditions]
    found: dict[Keys, None] = {}
    for head in _heads(use, open_conditions, asked):
        for tail in _tails(use, open_conditions, head):
            names = dict.fromkeys(each for each in (*head, *tail) if each.key not in part.settled)
            found[narrow(use.table, _once(names)[:MOST_KEYS])] = None
    found.pop((), None)
    if not found and part.predicate and part.share <= FEW:
        found[narrow(use.table, _any_keys(use))] = None
        found.pop((), None)
    return iter(found)


def _once(keys: Iterable[CandidateKey]) -> Keys:
    """Each key once, whatever its direction."""
    found: dict[tuple[str, str | None], CandidateKey] = {}
    for key in keys:
        found.setdefault((key.key, key.operator_class), key)
    return tuple(found.values())


def narrow(table: Table, keys: Keys) -> Keys:
    """The first keys, up to where an entry gets too wide for a B-tree, or a value may be."""
    left = WIDEST_KEY
    for at, key in enumerate(keys):
        columns = [column for name in key.columns if (column := table.column(name))]
        left -= sum(width(column) for column in columns)
        if left < 0 or not (SHORTENED.match(key.key) or all(may_be_key(table, column) for column in columns)):
            return keys[:at]
    return keys


def _heads(use: Use, conditions: list[Condition], asked: Counter[str]) -> list[Keys]:
    """What stands before ranges and orders: equalities, most selective first, and as the workload shares them."""
    equal = sorted((each for each in conditions if each.role in ("equal", "several", "null")), key=_rank)
    local = [each for each in equal if not each.is_join and each.share < SELDOM]
    every = [each for each in equal if not each.is_join]
    joined = _keys(each for each in equal if each.is_join)[:MOST_JOINS]
    single = [each for each in local if each.role == "equal"]
    strong = _keys(_enough(local, use.rows))
    shared = tuple(sorted(_keys(local), key=lambda key: -asked[key.key]))
    heads = [strong, shared, _keys(single), _keys(every), strong[:1], _keys(local[::-1])]
    heads += [(key,) for key in joined]
    heads += [(key, *strong) for key in joined] + [(*strong, key) for key in joined]
    heads += [joined, joined[::-1], (*joined, *strong)] if len(joined) > 1 else []
    heads += [(key,) for key in shared]
    return list(dict.fromkeys([*heads, ()]))


def _rank(condition: Condition) -> tuple[bool, float, str]:
    """A list of values last: no order is left behind it."""
    return (condition.role == "several", condition.share, condition.key.key if condition.key else "")


def _enough(conditions: list[Condition], rows: float) -> list[Condition]:
    """The equalities up to where a look-up finds hardly more than one row."""
    left = rows
    for count, each in enumerate(conditions, start=1):
        left *= each.share
        if left <= FEW_ROWS:
            return conditions[:count]
    return conditions


def _tails(use: Use, conditions: list[Condition], head: Keys) -> list[Keys]:
    """What follows the equalities: nothing, an order, ranges, and either behind the other for what it filters."""
    taken = {key.key for key in head}
    ranges = sorted((each for each in conditions if each.role in ("range", "not null")), key=_rank)
    within = _keys(each for each in ranges if each.key and each.key.key not in taken)[:MOST_RANGES]
    behind = _keys(each for each in conditions if each.key and each.key.key not in taken and not _is_inverted(each))
    tails: list[Keys] = [(), *((key,) for key in within)]
    for order in use.orders:
        rest = _rest(order, head)
        if rest:
            tails += [rest, (*rest, *behind), *((key, *rest) for key in within[:2])]
    tails += [within, within[::-1]] if len(within) > 1 else []
    tails += list(permutations(within, 2)) if len(within) > 2 else []
    if not head:
        return [tail for tail in tails if tail]
    return [*tails, behind]


def _is_inverted(condition: Condition) -> bool:
    return condition.role in ("pattern", "contains", "other")


def _rest(order: Order, head: Keys) -> Keys:
    """The order without the keys that equalities make constant."""
    names = {key.key for key in head}
    return tuple(key for key in order if key.key not in names)


def _keys(conditions: Iterable[Condition]) -> Keys:
    return tuple(dict.fromkeys(each.key for each in conditions if each.key and not _is_inverted(each)))


def _any_keys(use: Use) -> Keys:
    """Keys for a partial index whose WHERE says it all: an order, what is shown, or the primary key."""
    if use.orders:
        return use.orders[0][:MOST_KEYS]
    primary = use.table.primary_key
    names = primary.columns if primary else tuple(column.name for column in use.table.columns[:1])
    columns = [column for name in names if (column := use.table.column(name))]
    return tuple(column_key(column) for column in columns)


# How promising


def _work(use: Use, candidate: Candidate, part: Part) -> float:
    """About how many pages a scan of the index would read, in PostgreSQL's cost units: for ranking, not for show."""
    bound, matched = _found(use, candidate, part)
    is_only = use.read is not None and bool(candidate.included or _holds(candidate, use.read))
    stop = 1.0
    is_ordered = any(_serves(candidate, use, order) for order in use.orders[:1])
    if is_ordered and use.limit is not None:
        left = use.rows * part.share * prod(each.share for each in use.conditions if each not in part.conditions)
        stop = min(1.0, use.limit / max(left, 1.0))
    sort = 0.0 if is_ordered or not use.orders else 0.02 * matched
    fetched = 0.02 if is_only else 1.0
    return stop * (0.01 * bound + fetched * matched) + sort


def _found(use: Use, candidate: Candidate, part: Part) -> tuple[float, float]:
    """Entries between the scan's bounds, and those of them that its conditions on keys leave."""
    bound, is_open, matched = use.rows * part.share, True, use.rows * part.share
    for key in candidate.keys:
        fitting = [each for each in use.conditions if each.key and each.key.key == key.key and not _is_inverted(each)]
        share = _joint(fitting)
        matched *= share
        bound *= share if is_open else 1.0
        is_open = is_open and any(each.role in ("equal", "several", "null") for each in fitting)
    return bound, matched


def _joint(conditions: list[Condition]) -> float:
    """What conditions on one key keep together: of two ends of a range what lies between them."""
    ends = [each.share for each in conditions if each.role == "range" and each.predicate.operator != "BETWEEN"]
    if len(ends) == 2 and sum(ends) > 1.0:
        return max(sum(ends) - 1.0, 0.001)
    return prod(each.share for each in conditions)


def _holds(candidate: Candidate, read: frozenset[str]) -> bool:
    return read <= {key.held for key in candidate.keys} | set(candidate.included)


def _serves(candidate: Candidate, use: Use, order: Order) -> bool:
    """Whether entries come in that order within what the equalities leave."""
    equal = {each.key.key for each in use.conditions if each.key and each.role == "equal"}
    keys = [key for key in candidate.keys if key.key not in equal]
    wanted = [key for key in order if key.key not in equal]
    return keys[: len(wanted)] == wanted
