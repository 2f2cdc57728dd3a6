"""Names for new indexes: free, valid, and in the way that the database names its own."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import md5
from itertools import count, product

from pgadvisor.facts import Facts
from pgadvisor.indexes.new_index import NewIndex
from pgadvisor.model.catalog import Index, Table
from pgadvisor.model.record import Record
from pgadvisor.sql.identifiers import NAME_BYTES

EXACT, LIKELY = 2, 1
"""Votes of an index whose whole name follows from its table and columns, and of one that only begins or ends so."""

_WORDS = "i|ix|idx|indx|index"
_BEGINS = re.compile(rf"(?:{_WORDS})_", re.IGNORECASE)
_BETWEEN = re.compile(rf"_(?:(?:on|{_WORDS})_)?|__", re.IGNORECASE)
_ENDS = re.compile(rf"(_(?:{_WORDS}))\d*\Z", re.IGNORECASE)
_DIGEST = re.compile(r".*_([0-9a-f]{8}(_like)?|[0-9a-f]{6}_idx)", re.DOTALL)
"""The end of a name by Django: a digest of the table and the columns."""


class Naming(Record):
    """How a database names its indexes: what stands around a table's name and its columns."""

    before: str = ""
    between: str = "_"
    """Empty: the table is not in the name."""
    after: str = "_idx"
    has_digest: bool = False
    """As Django makes names for `Meta.indexes`: short, with a digest, at most 30 signs."""

    def name(self, table: str, columns: Sequence[str], more: str = "") -> str:
        """The name, cut to fit: of table and columns the longer first (`makeObjectName` in indexcmds.c)."""
        ending = f"{self.after}{more}"
        if self.has_digest:
            bare = columns[0].lstrip("-")
            ending = f"_{_digest(table, *columns, 'idx')}{ending}"
            return _fitted("", table[:11], "_", bare[:7], ending)
        listed = ("_and_" if self.between == "_on_" else "_").join(columns)
        return _fitted(self.before, table if self.between else "", self.between, listed, ending)


POSTGRES = Naming()
"""As PostgreSQL names an index that is given no name: `orders_customer_id_idx`."""
DJANGO = Naming(has_digest=True)


class IndexNames:
    """Names for new indexes: none is in use, and no two indexes get the same; an index keeps the one that it got."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._names: dict[tuple[str, str], str] = {}
        self._given: set[tuple[str, str]] = set()

    def of(self, index: NewIndex, table: Table) -> str:
        """A bare name for the index on that table, which may be a partition of the index's own."""
        told = (table.qualified, index.spelled)
        if told not in self._names:
            taken = self._facts.once(names_in_use).get(table.schema, frozenset())
            naming = naming_of(self._facts, self._facts.table(index.table) or table)
            free = (name for name in _names(naming, table.name, index) if name not in taken)
            self._names[told] = next(name for name in free if (table.schema, name) not in self._given)
            self._given.add((table.schema, self._names[told]))
        return self._names[told]


def naming_of(facts: Facts, table: Table) -> Naming:
    """How the indexes of that table are named, by majority; where there are none, those of its schema, then all."""
    votes = facts.once(_votes)
    tiers = [votes.get(place, Counter()) for place in (table.qualified, f"{table.schema}.", "")]

    def standing(naming: Naming) -> tuple[object, ...]:
        fields = (naming.before, naming.between, naming.after)
        return (*(tier[naming] for tier in tiers), naming == POSTGRES, fields)

    return max((*votes[""], POSTGRES), key=standing)


def naming_in(index: Index, table: Table) -> tuple[Naming, int] | None:
    """What the name of an existing index shows, and how sure that is; None: nothing."""
    begins, ends = _BEGINS.match(index.name), _ENDS.search(index.name)
    before, after = begins[0] if begins else "", ends[1] if ends else ""
    if exact := _exact(index, table, before, after):
        return exact, EXACT
    if _DIGEST.fullmatch(index.name):
        return DJANGO, EXACT
    if before:
        return Naming(before=before, between="_on_" if "_on_" in index.name else "_", after=""), LIKELY
    return (Naming(after=after), LIKELY) if after else None


def _exact(index: Index, table: Table, before: str, after: str) -> Naming | None:
    """The naming that gives this very name; its table or columns may begin or end like an index's name, too."""
    columns = [key.column or "" for key in index.keys]
    for start, end, joiner in product((before, ""), (after, ""), ("_", "_and_")):
        inner, listed = index.name.removeprefix(start).removesuffix(end), joiner.join(columns)
        if not all(columns) or not listed or not inner.endswith(listed):
            continue
        head = inner.removesuffix(listed)
        between = head.removeprefix(table.name)
        if head and (between == head or not _BETWEEN.fullmatch(between)):
            continue
        if start or end or len(between) > 1:
            return Naming(before=start, between=between, after=end)
    return None


def names_in_use(facts: Facts) -> dict[str, frozenset[str]]:
    """Names by schema of what shares one space of names: tables, indexes, views, sequences and composite types."""
    found: dict[str, set[str]] = {}
    for table in facts.tables:
        found.setdefault(table.schema, set()).update([table.name, *(index.name for index in table.indexes)])
    others = [(each.schema, each.name) for each in facts.snapshot.views]
    others += [(each.schema, each.name) for each in facts.snapshot.sequences]
    others += [(each.schema, each.name) for each in facts.snapshot.types if each.kind == "composite"]
    for schema, name in others:
        found.setdefault(schema, set()).add(name)
    return {schema: frozenset(names) for schema, names in found.items()}


def _votes(facts: Facts) -> dict[str, Counter[Naming]]:
    """Votes for each naming, by table, by schema (`public.`) and of all (empty).

    Constraints name their own indexes, and PostgreSQL those that come to a partition from its parent.
    """
    found: dict[str, Counter[Naming]] = {"": Counter()}
    for table in facts.tables:
        for index in table.indexes:
            if index.constraint or index.is_primary or index.is_exclusion or index.partition_of:
                continue
            if seen := naming_in(index, table):
                for place in (table.qualified, f"{table.schema}.", ""):
                    found.setdefault(place, Counter())[seen[0]] += seen[1]
    return found


def _names(naming: Naming, table: str, index: NewIndex) -> Iterator[str]:
    """The plain name, one with the predicate's columns, and then numbered ones, without end."""
    columns = [f"-{key.label}" if naming.has_digest and key.is_descending else key.label for key in index.keys]
    yield naming.name(table, columns)
    if index.predicate_columns and not naming.has_digest:
        where = [*columns[:-1], "_".join((columns[-1], "where", *index.predicate_columns))]
        yield naming.name(table, where)
    for number in count(1):
        yield naming.name(table, columns, f"{number}" if naming.after else f"_{number}")


def _digest(*parts: str) -> str:
    """The six digits that Django's `names_digest` gives."""
    return md5("".join(parts).encode(), usedforsecurity=False).hexdigest()[:6]


def _fitted(before: str, table: str, between: str, columns: str, ending: str) -> str:
    """All of it joined, with the table's and the columns' bytes cut to what a name may have."""
    room = NAME_BYTES - len(f"{before}{between}{ending}".encode())
    left, right = len(table.encode()), len(columns.encode())
    while left + right > room:
        left, right = (left - 1, right) if left > right else (left, right - 1)
    return f"{before}{_cut(table, left)}{between}{_cut(columns, right)}{ending}"


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
