"""Values for the parameters of normalised statements, made from column statistics and from the statement's counters."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
from psycopg import sql

from pgadvisor.model.catalog import UserType
from pgadvisor.model.record import Record
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.distribution import INTEGERS, Distribution, array_literal, first_day
from pgadvisor.parameters.form import Form, edited
from pgadvisor.parameters.roles import Columns, Role, deciding, grouping, roles_of
from pgadvisor.parameters.types import Typed
from pgadvisor.sql.nodes import base_type
from pgadvisor.sql.parse import Unread, parse, tokens_of
from pgadvisor.sql.query import Query
from pgadvisor.sql.syntax import number, walk

OPEN_RANGE = 1 / 3
CLOSED_RANGE = 0.005
"""The planner's own guesses for `x > $1` and `x BETWEEN $1 AND $2` (DEFAULT_INEQ_SEL and DEFAULT_RANGE_INEQ_SEL in
src/include/utils/selfuncs.h), where nothing says how wide ranges are."""

ARRAY_ITEMS = 5
"""Length of `= ANY($1)` where the rows per call do not tell."""
MOST_ARRAY_ITEMS = 100
LIMIT_ROWS = 20
"""LIMIT where nothing tells: a page."""
HALF, WHOLE = 0.5, 0.9
"""Shares of a table's pages: a call that touches less read a range, one that touches more read all of it."""
CALIBRATIONS = 8
"""Most texts that are planned for it: up to PostgreSQL 15 each takes a place in pg_stat_statements."""
CALIBRATED = 0.05
"""It stops when the planned rows are this near to those observed."""
LEAST_WIDTH = 1e-7

NEUTRAL: Mapping[str, str] = {
    **dict.fromkeys(("smallint", "integer", "bigint", "numeric", "real", "double precision", "oid", "money"), "1"),
    **dict.fromkeys(("text", "character varying", "character", "name", '"char"', "unknown"), "x"),
    **dict.fromkeys(("json", "jsonb"), "{}"),
    **dict.fromkeys(("date", "timestamp with time zone", "timestamp without time zone"), "2024-01-01"),
    **dict.fromkeys(("time without time zone", "time with time zone"), "12:00"),
    **dict.fromkeys(("bit", "bit varying"), "0"),
    **dict.fromkeys(("inet", "cidr"), "127.0.0.1"),
    "boolean": "true",
    "interval": "1 day",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "bytea": "\\x",
    "tsquery": "x",
    "tsvector": "x",
    "regconfig": "simple",
    "regclass": "pg_class",
    "xml": "<x/>",
    "jsonpath": "$",
}
"""A valid value of each type, for parameters whose value changes no plan: items of a select list, of SET, of VALUES."""

_WORDS: Mapping[tuple[str, int], str] = {
    ("date_trunc", 0): "day",
    ("date_part", 0): "day",
    ("extract", 0): "day",
    ("timezone", 0): "UTC",
    ("to_char", 1): "YYYY",
    ("encode", 1): "hex",
    ("decode", 1): "hex",
    ("to_timestamp", 1): "YYYY",
    ("to_date", 1): "YYYY",
    ("like_escape", 1): "\\",
}
"""Arguments of functions that take no other word: (function, place)."""


class Chosen(Record):
    """Values for a form's parameters."""

    literals: Mapping[int, str] = msgspec.field(default_factory=dict)
    """By number, each as SQL."""
    texts: Mapping[int, str] = msgspec.field(default_factory=dict)
    """The same without quotes: what to look for in a plan, to name it `$n` again."""
    unknown: frozenset[int] = frozenset()
    """Parameters that decide about rows, and of which nothing is known."""
    has_range: bool = False
    """Some value is the end of a range, whose width can be calibrated."""
    is_guessed: bool = False
    """A range's width, a LIMIT, or what is grouped by is a guess."""


class _Taken(NamedTuple):
    """Which of the possible values are taken: see `Values.at`."""

    width: float | None
    draw: float
    rank: int | None
    stretch: float


class Values:
    """Chooses the values of one statement's parameters."""

    def __init__(
        self,
        typed: Typed,
        query: Query | Unread,
        statement: Statement,
        columns: Columns,
        types: tuple[UserType, ...],
        now: datetime,
    ) -> None:
        """`query`: of the form's own text; `types`: those that users made; `now`: when the statistics were read."""
        self._now = now
        self._form = typed.form
        self._types = typed.types
        self._roles = {} if isinstance(query, Unread) else roles_of(query, columns)
        self._statement = statement
        self._deciding = deciding(typed.form)
        self._grouping = grouping(typed.form)
        self._words = _function_words(typed.form)
        self._labels = {each.name: each.labels[0] for each in types if each.kind == "enum" and each.labels}
        self._columns = columns
        self._query = query

    @property
    def rows_tell(self) -> float | None:
        """The rows that the plan's root should have: those of one call, unless the query itself bounds them."""
        if isinstance(self._query, Unread):
            return None
        top, rows = self._query.top, self._statement.rows_per_call
        is_bound = top.limit or top.has_aggregate or top.group_keys or top.is_distinct or top.distinct_on
        return None if is_bound or top.set_operation or rows is None else rows

    @property
    def _few_rows(self) -> float | None:
        """The rows of a call that a LIMIT does not cut: all of the table was read, or mostly none was found."""
        if isinstance(self._query, Unread):
            return None
        top, rows = self._query.top, self._statement.rows_per_call
        if not top.limit or top.offset or top.has_aggregate or rows is None:
            return None
        share = self._pages_share
        return rows if rows < 1 or (share is not None and share >= WHOLE) else None

    @property
    def _pages_share(self) -> float | None:
        """The share of its only table's pages that one call touches; None: not known."""
        statement = self._statement
        if isinstance(self._query, Unread) or not statement.calls or statement.shared_hit_blocks is None:
            return None
        tables = {use.table for use in self._query.tables()}
        table = self._columns.table(next(iter(tables))) if len(tables) == 1 else None
        if table is None or not table.pages:
            return None
        return (statement.shared_hit_blocks + (statement.shared_read_blocks or 0)) / statement.calls / table.pages

    @property
    def hinted_width(self) -> float | None:
        """The share of a table that a range reads, by the pages that one call touches; None: they do not tell."""
        share = self._pages_share
        return share if share is not None and share < HALF else None

    @property
    def rows_seen(self) -> float | None:
        """The rows of a call where a run with the right values would give about as many; None: that does not tell."""
        if isinstance(self._query, Unread):
            return None
        top = self._query.top
        is_grouped = top.has_aggregate or top.group_keys or top.is_distinct or top.distinct_on
        return None if is_grouped else self._statement.rows_per_call

    @property
    def query(self) -> Query | Unread:
        """The form's text, read."""
        return self._query

    @property
    def roles(self) -> Mapping[int, Role]:
        """What each parameter meets that meets something, by its number."""
        return self._roles

    def null_fraction(self, at: int) -> float:
        """The share of NULLs in what a parameter is compared with; 0 when it is not known."""
        role = self._roles.get(at)
        return role.distribution.null_fraction if role and role.distribution else 0.0

    def at(
        self, width: float | None = None, draw: float = 0.5, *, rank: int | None = None, stretch: float = 1.0
    ) -> Chosen:
        """The values. `width`: the share of the rows that ranges keep; None: what can be known without asking.
        `draw`: which of a column's values, by the share of rows before it. `rank`: instead of what the observed rows
        say, the values of that rank (`Distribution.of_rank`). `stretch`: a factor on the width of ranges."""
        taken = _Taken(width=self.hinted_width if width is None else width, draw=draw, rank=rank, stretch=stretch)
        literals: dict[int, str] = {}
        texts: dict[int, str] = {}
        unknown = set()
        for place, type_name in enumerate(self._types, 1):
            role = self._roles.get(place)
            found = self._met(place, role, taken) if role else self._words.get(place)
            if found is None and place not in self._deciding and not (role and role.kind == "limit"):
                found = self._neutral(place, type_name)
            if found is None:
                unknown.add(place)
                continue
            texts[place] = found
            literals[place] = self._literal(place, found, role, taken)
        ranges = [role for at, role in self._roles.items() if _is_range(role) and at in literals]
        is_paged = any(role.kind == "limit" for role in self._roles.values()) and not self._statement.rows
        return Chosen(
            literals=literals,
            texts=texts,
            unknown=frozenset(unknown),
            has_range=bool(ranges),
            is_guessed=bool((ranges and taken.width is None) or is_paged or self._grouping & literals.keys()),
        )

    def _literal(self, place: int, text: str, role: Role | None, taken: _Taken) -> str:
        """The value as SQL: quoted, so that PostgreSQL gives it the type that the place asks for."""
        if place in self._form.lists and role and role.distribution:
            several = role.distribution.several(self._items(role), taken.rank)
            return ", ".join(quoted_value(_wrapped(each, role)) for each in several)
        return quoted_value(text)

    def _met(self, place: int, role: Role, taken: _Taken) -> str | None:
        """The value for a parameter that meets something."""
        rows = self._statement.rows_per_call
        if role.kind == "limit":
            is_searched = any(each.kind in ("pattern", "regex") for each in self._roles.values())
            least = LIMIT_ROWS if is_searched and self._few_rows is not None else 1
            return str(LIMIT_ROWS if rows is None else max(math.ceil(rows), least))
        if role.kind in ("inner limit", "offset"):
            return "0" if role.kind == "offset" else "1"
        if role.distribution is None or not (role.distribution.is_known or role.kind in ("elements", "element")):
            return None
        if _is_range(role):
            return self._end(place, role, taken)
        return self._equal(place, role, taken)

    def _equal(self, place: int, role: Role, taken: _Taken) -> str | None:
        distribution = role.distribution
        assert distribution is not None
        if role.kind in ("elements", "element"):
            element = distribution.element
            return array_literal([element]) if element is not None and role.kind == "elements" else element
        if role.kind == "array":
            several = distribution.several(self._items(role), taken.rank)
            return array_literal([_wrapped(each, role) for each in several])
        if role.length > 1:
            several = distribution.several(role.length, taken.rank)
            return _wrapped(several[role.place % len(several)], role)
        if role.is_excluding:
            return _wrapped(distribution.rare(), role)
        rows = self.rows_tell if self._is_only(place) and taken.rank is None else None
        drawn = distribution.drawn(taken.draw) if taken.rank is None else distribution.of_rank(taken.rank)
        if role.kind in ("pattern", "regex"):
            few = self._few_rows if self._is_only(place) else None
            return _pattern(_wrapped(distribution.prefix(drawn, few if rows is None else rows), role), role)
        return _wrapped(drawn if rows is None else distribution.matching(rows), role)

    def _items(self, role: Role) -> int:
        """How many values a list of unknown length holds: as many as give the rows of one call."""
        rows, distribution = self.rows_tell, role.distribution
        if rows is None or distribution is None:
            return ARRAY_ITEMS
        return min(max(round(rows / distribution.typical_rows), 1), MOST_ARRAY_ITEMS)

    def _is_only(self, place: int) -> bool:
        """Whether the statement's rows are those of this one value."""
        others = [role for at, role in self._roles.items() if at != place and role.kind not in ("limit", "offset")]
        return not others and self._roles[place].is_conjunct

    def _end(self, place: int, role: Role, taken: _Taken) -> str | None:
        """One end of a range that keeps its part of the rows: from one side, or around the middle."""
        distribution = role.distribution
        assert distribution is not None
        is_closed = any(
            other.column == role.column and _is_range(other) and _is_above(other) != _is_above(role)
            for at, other in self._roles.items()
            if at != place
        )
        width = taken.width
        if width is None:
            width = CLOSED_RANGE if is_closed else OPEN_RANGE
        width = min(width * taken.stretch, 1.0)
        if is_closed:
            share = 0.5 - width / 2 if _is_above(role) else 0.5 + width / 2
        else:
            share = 1 - width if _is_above(role) else width
        if role.kind in ("age above", "age below"):
            return self._age(distribution, share, self._types[place - 1])
        return _wrapped(distribution.quantile(share), role)

    def _age(self, distribution: Distribution, share: float, type_name: str) -> str | None:
        """How long ago the quantile was: what `now() - $1` needs."""
        moment = distribution.moment(share)
        if moment is None:
            return None
        seconds = (self._now - moment).total_seconds()
        return str(round(seconds / 86_400)) if type_name in INTEGERS else f"{seconds:.6f} seconds"

    def _neutral(self, place: int, type_name: str) -> str | None:
        """A valid value for a parameter that changes no plan."""
        if type_name.endswith("[]"):
            return "{}"
        bare = base_type(type_name)
        return NEUTRAL.get(bare) or self._labels.get(bare.rpartition(".")[2].strip('"'))


def with_values(form: Form, literals: Mapping[int, str]) -> str:
    """The form's text with values in place of the parameters that have one."""
    edits = [
        (token.start, token.end, literals[int(token.text[1:])])
        for token in tokens_of(form.text)
        if token.kind == "parameter" and int(token.text[1:]) in literals
    ]
    return edited(form.text, edits)


def calibrated(values: Values, rows_of: Callable[[Chosen], float]) -> tuple[Chosen, float | None]:
    """The values whose ranges are as wide as the observed rows say, and that width; `rows_of` asks the planner.

    Where the rows of a call do not show how much was read (an aggregate, a LIMIT), the first choice stays.
    """
    first = values.at()
    wanted = values.rows_tell
    if wanted is None or not first.has_range or first.unknown:
        return first, None
    wanted = max(wanted, 1.0)
    narrow, wide = LEAST_WIDTH, 1.0
    width = OPEN_RANGE
    best: tuple[float, Chosen, float] | None = None
    for _ in range(CALIBRATIONS):
        tried = values.at(width)
        rows = max(rows_of(tried), 1.0)
        off = abs(math.log(rows / wanted))
        if best is None or off < best[0]:
            best = off, tried, width
        if off <= CALIBRATED or wide / narrow < 1.01:
            break
        narrow, wide = (width, wide) if rows < wanted else (narrow, width)
        # Rows grow with the width: by the same factor, unless that leaves what is possible; then halfway.
        likely = width * wanted / rows
        width = likely if narrow < likely < wide else math.sqrt(narrow * wide)
    assert best is not None
    return best[1], best[2]


def quoted_value(text: str) -> str:
    """The value as an SQL literal of unknown type."""
    return sql.Literal(text).as_string(None).strip()


def _pattern(start: str, role: Role) -> str:
    """A LIKE pattern or regular expression for what begins so."""
    if role.kind == "regex":
        return "^" + "".join(letter if letter.isalnum() else f"\\{letter}" for letter in start)
    return "".join(f"\\{letter}" if letter in "\\%_" else letter for letter in start) + "%"


def _is_range(role: Role) -> bool:
    return role.kind in ("above", "below", "age above", "age below")


def _is_above(role: Role) -> bool:
    return role.kind in ("above", "age above")


def _wrapped(value: str, role: Role) -> str:
    """The value as what stands around the column would make it."""
    if role.wrap == "day":
        return first_day(value) or value
    return value.lower() if role.wrap == "lower" else value.upper() if role.wrap == "upper" else value


def _function_words(form: Form) -> dict[int, str]:
    """Words for the parameters that are arguments of functions which take certain words only."""
    parsed = parse(form.text)
    found = {}
    for kind, call in walk(parsed.body if not isinstance(parsed, Unread) else {}):
        if kind == "FuncCall":
            name = call["funcname"][-1]["String"].get("sval", "")
            for place, argument in enumerate(call.get("args", ())):
                if "ParamRef" in argument and (name, place) in _WORDS:
                    found[number(argument["ParamRef"])] = _WORDS[name, place]
    return found
