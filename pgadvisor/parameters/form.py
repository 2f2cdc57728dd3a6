"""A statement's text as the server can plan it: what pg_stat_statements made of constants is put right.

pg_stat_statements writes `$n` for each constant, also where the grammar takes no parameter (`interval $1`,
`extract($1 from x)`), and one constant in SELECT and in GROUP BY becomes two parameters, which PostgreSQL takes for
two values. Nothing here asks a server; all edits go by the positions of PostgreSQL's own scanner and parser.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from pgadvisor.model.record import Record
from pgadvisor.sql.parse import Node, Parsed, Unread, parse, tokens_of
from pgadvisor.sql.syntax import STATEMENTS, location, number, parameters, shape, walk

Edit = tuple[int, int, str]
"""Start and end in characters, and what comes in their place."""

_INTERVAL_FIELDS = frozenset(("year", "month", "day", "hour", "minute", "second", "to"))


class Form(Record):
    """A text with its parameters numbered from 1 without holes."""

    text: str
    kind: str
    """`select`, `insert`, `update`, `delete`, `merge`."""
    numbers: tuple[int, ...] = ()
    """The number that each parameter has in the statement's own text: `$1` is the first."""
    is_guessed: bool = False
    """A word that takes no parameter was lost and is guessed."""
    lists: frozenset[int] = frozenset()
    """Parameters (by the numbers here) that stand for a whole list: PostgreSQL 18 writes `IN ($1 /*, ... */)`."""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with its edits made; they do not overlap."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def form_of(text: str) -> Form | Unread:
    """The form of a statement's text."""
    parsed = parse(text)
    if isinstance(parsed, Unread):
        return parsed
    if parsed.kind not in STATEMENTS:
        return Unread(reason="EXPLAIN does not plan this kind of statement")
    if "intoClause" in parsed.body:
        return Unread(reason="SELECT INTO makes a table")
    renamed = dict(_unified(parsed))
    edits = {**_renamings(parsed, renamed), **_typed_literals(parsed, renamed), **_extract_fields(parsed)}
    form = _numbered(edited(text, edits.values()), STATEMENTS[parsed.kind], frozenset(_squashed(text)))
    return msgspec.structs.replace(form, is_guessed=bool(_extract_fields(parsed)))


def renumbered(form: Form, text: str) -> Form:
    """The form with another text, which has some of its parameters; they keep the numbers of the statement's text."""
    new = _numbered(text, form.kind, form.lists)
    return msgspec.structs.replace(
        form, text=new.text, lists=new.lists, numbers=tuple(form.numbers[at - 1] for at in new.numbers)
    )


def _numbered(text: str, kind: str, squashed: frozenset[int]) -> Form:
    """The text with its parameters numbered anew, so that none is missing."""
    found = [token for token in tokens_of(text) if token.kind == "parameter"]
    numbers = sorted({int(token.text[1:]) for token in found})
    new = {old: at for at, old in enumerate(numbers, 1)}
    edits = [(token.start, token.end, f"${new[int(token.text[1:])]} ") for token in found]
    return Form(
        text=edited(text, edits),
        kind=kind,
        numbers=tuple(numbers),
        lists=frozenset(new[old] for old in squashed if old in new),
    )


def _squashed(text: str) -> Iterator[int]:
    """The parameters that stand for a list of constants: `$1 /*, ... */`."""
    before = None
    for token in tokens_of(text):
        if token.kind == "comment" and before is not None and token.text == "/*, ... */":
            yield int(before.text[1:])
        before = token if token.kind == "parameter" else None


def _renamings(parsed: Parsed, renamed: Mapping[int, int]) -> dict[int, Edit]:
    """The edits for parameters that get another's number, by the parameter's location."""
    tokens = {at: parsed.tokens[parsed.positions[at]] for at in renamed}
    return {at: (token.start, token.end, f"${renamed[at]}") for at, token in tokens.items()}


def _typed_literals(parsed: Parsed, renamed: Mapping[int, int]) -> dict[int, Edit]:
    """`date $1` to `$1::date`: a typed literal takes no parameter. By the parameter's location."""
    edits = {}
    for kind, cast in walk(parsed.body):
        parameter = cast.get("arg", {}).get("ParamRef") if kind == "TypeCast" else None
        if parameter is None or location(cast["typeName"]) > location(parameter):
            continue
        first, last = (parsed.positions[location(each)] for each in (cast["typeName"], parameter))
        type_text = parsed.text[parsed.tokens[first].start : parsed.tokens[last - 1].end]
        end = _fields_end(parsed, last) if type_text.lower() == "interval" else last
        fields = parsed.text[parsed.tokens[last].end : parsed.tokens[end].end]
        name = renamed.get(location(parameter), number(parameter))
        edits[location(parameter)] = (
            parsed.tokens[first].start, parsed.tokens[end].end, f"${name}::{type_text}{fields}",
        )  # fmt: skip
    return edits


def _fields_end(parsed: Parsed, at: int) -> int:
    """The number of the last token of `interval $1 day to second(3)`, given its parameter's."""
    end = at
    while end + 1 < len(parsed.tokens) and parsed.tokens[end + 1].text.lower() in _INTERVAL_FIELDS:
        end += 1
    is_precise = end > at and end + 3 < len(parsed.tokens) and parsed.tokens[end + 1].text == "("
    return end + 3 if is_precise else end


def _extract_fields(parsed: Parsed) -> dict[int, Edit]:
    """`extract($1 from x)` to `extract(month from x)`: which field was meant is lost, and plans do not depend on it."""
    edits = {}
    for kind, call in walk(parsed.body):
        names = [part["String"].get("sval") for part in call.get("funcname", ())] if kind == "FuncCall" else []
        first = call["args"][0] if names[-1:] == ["extract"] and call.get("args") else {}
        if "ParamRef" in first and call.get("funcformat") == "COERCE_SQL_SYNTAX":
            at = location(first["ParamRef"])
            token = parsed.tokens[parsed.positions[at]]
            edits[at] = (token.start, token.end, "month")
    return edits


def _unified(parsed: Parsed) -> Iterator[tuple[int, int]]:
    """One number for constants that PostgreSQL must know to be equal: those of GROUP BY, DISTINCT and ORDER BY.

    Gives the locations of parameters with the number that each gets.
    """
    for _, select in walk({parsed.kind: parsed.body}):
        if "targetList" not in select or not ({"groupClause", "distinctClause"} & set(select)):
            continue
        targets = [target.get("ResTarget", {}).get("val", {}) for target in select["targetList"]]
        groups = [item for item in select.get("groupClause", ()) if parameters(item)]
        sorts = select.get("sortClause", [])
        yield from _follow(groups, [targets, select.get("havingClause", {}), sorts])
        if "distinctClause" in select and not groups:
            distinct = [item for item in select["distinctClause"] if parameters(item)]
            yield from _follow(distinct or [each for each in targets if parameters(each)], [sorts])


def _follow(leaders: list[Node], places: list[Any]) -> Iterator[tuple[int, int]]:
    """Each expression in `places` that looks like a leader gets the leader's numbers."""
    shapes = [(shape(leader), parameters(leader)) for leader in leaders]
    for kind, body in walk(places):
        for looks, leading in shapes:
            if looks == shape({kind: body}):
                yield from (
                    (location(mine), number(theirs))
                    for mine, theirs in zip(parameters({kind: body}), leading, strict=True)
                    if number(mine) != number(theirs)
                )
