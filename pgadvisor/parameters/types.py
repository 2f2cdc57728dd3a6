"""Parameter types: a text is given to the server to prepare, and casts are added until the server takes it.

A constant had a type that its `$n` lost: `1 + 2` became `$1 + $2`, of which PostgreSQL says "operator is not unique".
The server's own refusal says where; the loop tries types there, likely ones first, until the text prepares.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from pgadvisor.model.record import Record
from pgadvisor.parameters.form import Form, edited
from pgadvisor.sql.parse import Node, Parsed, Unread, parse
from pgadvisor.sql.syntax import innermost, location, walk

ATTEMPTS = 60
"""Most texts need none or one; each costs the server the parsing of one statement."""

GUESSES = ("integer", "text", "interval", "numeric", "timestamp with time zone", "boolean", "integer[]", "jsonb")
"""Types that constants have in applications, the most frequent first."""

_INDETERMINATE = "42P18"
_MISMATCHES = frozenset({"42725", "42883", "42804", "42846", "42P08", "42809"})
"""SQLSTATEs that say that types do not fit: ambiguous or missing function or operator, datatype mismatch, no cast."""


class Refusal(Record):
    """Why the server did not take a text."""

    sqlstate: str
    message: str = ""
    """The server's words: for us alone, they may quote the text."""
    position: int | None = None
    """1-based place in the text, in characters."""


class Typed(Record):
    """A form whose parameters all have a type."""

    form: Form
    """With the casts that were needed."""
    types: tuple[str, ...]
    """Of `$1`, `$2`, … as `format_type` prints them."""


Prepare = Callable[[str], "tuple[str, ...] | Refusal"]
"""Prepares a text: gives the types of its parameters, or why not."""

Casts = Mapping[int, str]
"""The type that each parameter token (by its place among all tokens) is cast to."""


def settle(form: Form, prepare: Prepare) -> Typed | Refusal:
    """The form with the casts that make the server take it, or the server's first refusal."""
    first = prepare(form.text)
    if not isinstance(first, Refusal):
        return Typed(form=form, types=first)
    parsed = parse(form.text)
    if isinstance(parsed, Unread):
        return first
    return _Search(form, parsed, prepare).run(first) or first


class _Search:
    """The search for casts, one refusal at a time, deepest first."""

    def __init__(self, form: Form, parsed: Parsed, prepare: Prepare) -> None:
        self._form = form
        self._parsed = parsed
        self._prepare = prepare
        self._left = ATTEMPTS

    def run(self, refusal: Refusal) -> Typed | None:
        return self._mend({}, refusal, frozenset())

    def _mend(self, casts: Casts, refusal: Refusal, seen: frozenset[tuple[str, int]]) -> Typed | None:
        site = self._site(refusal, casts)
        if site is None or (refusal.sqlstate, site) in seen:
            return None
        for change in self._changes(refusal, site, casts):
            if self._left <= 0:
                return None
            self._left -= 1
            tried = {**casts, **change}
            text = self._with(tried)
            found = self._prepare(text)
            if not isinstance(found, Refusal):
                return Typed(form=msgspec.structs.replace(self._form, text=text), types=found)
            if mended := self._mend(tried, found, seen | {(refusal.sqlstate, site)}):
                return mended
        return None

    def _with(self, casts: Casts) -> str:
        tokens = self._parsed.tokens
        return edited(self._form.text, [(tokens[at].end, tokens[at].end, f"::{casts[at]}") for at in casts])

    def _site(self, refusal: Refusal, casts: Casts) -> int | None:
        """What a refusal is about, in terms of the text without casts: a token, or below 0 a parameter's number."""
        if refusal.sqlstate == _INDETERMINATE:
            # "could not determine data type of parameter $3": the one error that comes without a position.
            digits = re.search(r"\$(\d+)", refusal.message)
            return -int(digits[1]) if digits else None
        if refusal.sqlstate not in _MISMATCHES or refusal.position is None:
            return None
        at, shift = refusal.position - 1, 0
        for place, token in enumerate(self._parsed.tokens):
            if token.start + shift <= at < token.end + shift:
                return place
            shift += len(f"::{casts[place]}") if place in casts else 0
        return None

    def _changes(self, refusal: Refusal, site: int, casts: Casts) -> Iterator[Casts]:
        if site < 0:
            places = [at for at, token in enumerate(self._parsed.tokens) if token.text == f"${-site}"]
            yield from ({places[0]: guess} for guess in ("text", "integer") if places and places[0] not in casts)
            return
        found = self._node_at(site)
        if found is None:
            return
        operator, tree = found
        named = _named_types(refusal.message, operator)
        for nodes in (_flow(tree), _columns_of_lists(self._parsed, tree), _all_parameters(tree)):
            places = [self._parsed.positions[location(node)] for node in nodes]
            if places:
                for guess in dict.fromkeys((*named, *GUESSES)):
                    yield dict.fromkeys(places, guess)

    def _node_at(self, site: int) -> tuple[str | None, Node] | None:
        """The operator, if one, and the smallest expression that the refusal is about."""

        def starts_here(kind: str, body: Node) -> bool:
            return kind in ("A_Expr", "FuncCall") and self._parsed.positions.get(location(body)) == site

        exact = innermost(self._parsed.body, starts_here)
        found = exact or innermost(self._parsed.body, lambda kind, body: self._holds(kind, body, site))
        if found is None:
            return None
        kind, body = found
        names = [part["String"].get("sval", "") for part in body.get("name", ())] if kind == "A_Expr" else []
        return (names[-1] if names else None), {kind: body}

    def _holds(self, kind: str, body: Node, site: int) -> bool:
        """Whether an expression that can give its parameters a type reaches over the token."""
        if kind not in ("A_Expr", "FuncCall", "CaseExpr", "CoalesceExpr", "MinMaxExpr", "A_ArrayExpr", "ResTarget",
                        "RangeSubselect", "SelectStmt"):  # fmt: skip
            return False
        places = [
            place
            for _, node in walk({kind: body})
            if "location" in node and (place := self._parsed.positions.get(location(node))) is not None
        ]
        return bool(places) and min(places) <= site <= max(places)


def _named_types(message: str, operator: str | None) -> list[str]:
    """The types in `operator does not exist: bigint = text`; before the colon stands the server's language."""
    if operator is None:
        return []
    left, found, right = message.rpartition(": ")[2].partition(f" {operator} ")
    return [each for each in (left, right) if found and each not in ("unknown", "text")]


def _flow(tree: Any) -> list[Node]:
    """The parameters whose type becomes the expression's: not those of conditions inside it, nor those with a cast."""
    kind, body = next(iter(tree.items())) if tree else ("", {})
    if kind == "ParamRef":
        return [body]
    if kind == "A_Expr":
        return [*_flow(body.get("lexpr")), *_flow(body.get("rexpr"))]
    if kind in ("FuncCall", "CoalesceExpr", "MinMaxExpr"):
        return _flow_of(body.get("args", []))
    if kind == "CaseExpr":
        results = [when["CaseWhen"].get("result") for when in body.get("args", [])]
        return _flow_of([*results, body.get("defresult")])
    if kind in ("A_ArrayExpr", "List", "RowExpr"):
        return _flow_of(body.get("elements") or body.get("items") or body.get("args") or [])
    if kind == "ResTarget":
        return _flow(body.get("val"))
    if kind == "SubLink":
        return [*_flow(body.get("testexpr")), *_flow(body.get("subselect"))]
    if kind == "SelectStmt":
        rows = [item for row in body.get("valuesLists", []) for item in row["List"].get("items", [])]
        arms = [{"SelectStmt": body[arm]} for arm in ("larg", "rarg") if arm in body]
        return _flow_of([*body.get("targetList", []), *rows, *arms])
    return []


def _flow_of(nodes: list[Any]) -> list[Node]:
    return [found for node in nodes if node for found in _flow(node)]


def _all_parameters(tree: Node) -> list[Node]:
    return [body for kind, body in walk(tree) if kind == "ParamRef"]


def _columns_of_lists(parsed: Parsed, tree: Node) -> list[Node]:
    """The parameters in the column of a VALUES list, or of a subquery, that the expression names: `v.id = t.id`."""
    names = {
        part["String"].get("sval", "")
        for kind, body in walk(tree)
        if kind == "ColumnRef"
        for part in body.get("fields", ())[-1:]
        if "String" in part
    }
    found = []
    for kind, source in walk({parsed.kind: parsed.body}):
        if kind == "RangeSubselect":
            select = source.get("subquery", {}).get("SelectStmt", {})
            aliases = _aliases(source.get("alias", {}).get("colnames", ()))
        elif kind == "CommonTableExpr":
            select = source.get("ctequery", {}).get("SelectStmt", {})
            aliases = _aliases(source.get("aliascolnames", ()))
        else:
            continue
        for at, nodes in enumerate(_output_columns(select)):
            own = [node["ResTarget"].get("name") for node in nodes if "ResTarget" in node]
            name = aliases[at] if at < len(aliases) else next(filter(None, own), f"column{at + 1}")
            if name in names:
                found += _flow_of(nodes)
    return found


def _aliases(columns: Any) -> list[str]:
    return [each["String"].get("sval", "") for each in columns]


def _output_columns(select: Node) -> list[list[Node]]:
    """The nodes of each output column: one of a select list, one of every row of VALUES, one of every arm."""
    if "larg" in select:
        arms = [_output_columns(select[arm]) for arm in ("larg", "rarg")]
        return [[*left, *right] for left, right in zip(*arms, strict=False)]
    rows = [row["List"].get("items", []) for row in select.get("valuesLists", [])] or [select.get("targetList", [])]
    return [list(column) for column in zip(*rows, strict=False)]
