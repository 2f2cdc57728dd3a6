"""Where the parts of a statement stand in its text: libpg_query tells where nodes begin, the tokens where they end."""

from collections.abc import Callable
from typing import Any

from pgadvisor.model.finding import Span
from pgadvisor.sql.nodes import parts, strings, unwrap
from pgadvisor.sql.parse import Node, Parsed

Range = tuple[int, int]
"""Numbers of the first and the last token."""

_OPENING = {"(": ")", "[": "]"}
_QUERY_WORDS = frozenset(("select", "with", "values", "table", "insert", "update", "delete", "merge", "("))
_TAIL_WORDS = frozenset(("order", "limit", "offset", "fetch", "for"))
_ENDS = frozenset((")", ";", "returning"))
_SET_WORDS = frozenset(("union", "except", "intersect"))
_INTERVAL_WORDS = frozenset(("year", "month", "day", "hour", "minute", "second", "to"))
_INFIX_CALLS = frozenset(("at", "like", "ilike", "similar", "not", "overlaps"))
"""Operators in words that are function calls in the tree."""
_CALL_KINDS_WORDS = """
    CoalesceExpr MinMaxExpr GroupingFunc XmlExpr XmlSerialize JsonFuncExpr JsonObjectConstructor
    JsonArrayConstructor JsonArrayQueryConstructor JsonParseExpr JsonScalarExpr JsonSerializeExpr MergeSupportFunc
    SQLValueFunction
"""
_CALL_KINDS = frozenset(_CALL_KINDS_WORDS.split())
"""A keyword, then its arguments in parentheses."""


class Extents:
    """The extents of one statement's nodes. Exact or None: a form not known here is never guessed."""

    def __init__(self, parsed: Parsed) -> None:
        self._text = parsed.text
        self._tokens = parsed.tokens
        self._positions = parsed.positions
        self._words = tuple(token.text.lower() for token in parsed.tokens)
        self._partners = self._match()
        self._finders = self._all_finders()
        self._taken: set[int] = set()

    def span(self, node: Node | None) -> Span | None:
        """The span of an expression, parentheses around it left out."""
        return self._span(self._range(node)) if node else None

    def text(self, span: Span | None) -> str | None:
        """The text of a span."""
        return None if span is None else self._text[span.start : span.end]

    def cover(self, *nodes: Node | None) -> Span | None:
        """From the first to the last of the nodes; None when one of them is not known."""
        ranges = [self._range(node) if node else None for node in nodes]
        known = [each for each in ranges if each is not None]
        return self._span(self._close(_union(known))) if known and len(known) == len(nodes) else None

    def whole(self) -> Span | None:
        """All of the statement, without a closing semicolon."""
        last = len(self._words) - 1
        while last >= 0 and self._words[last] == ";":
            last -= 1
        return self._span((0, last)) if last >= 0 else None

    def name(self, location: int | None, count: int) -> Span | None:
        """A dotted name of that many parts."""
        first = self._at(location)
        return None if first is None else self._span((first, min(first + 2 * count - 2, len(self._words) - 1)))

    def query(self, location: int | None, body: Node) -> Span | None:
        """The text of a subquery in parentheses: after the place where its construct begins, else around its nodes."""
        first = self._at(location)
        if first is not None:
            opening = self._query_opening(first)
        else:
            opening = self._enclosing(body)
        partner = None if opening is None else self._partners.get(opening)
        return None if opening is None or partner is None else self._span((opening + 1, partner - 1))

    def arm(self, body: Node) -> Span | None:
        """The text of an arm of a UNION, INTERSECT or EXCEPT."""
        numbers = self._numbers(body)
        if not numbers:
            return None
        start = min(numbers)
        while start >= 0 and self._words[start] not in ("select", "values", "table"):
            start -= 1 if self._words[start] not in (")", "]") else start - self._partners.get(start, start - 1)
        if start < 0:
            return None
        stops = _SET_WORDS if {"sortClause", "limitCount", "limitOffset"} & set(body) else _SET_WORDS | _TAIL_WORDS
        end = start
        while end + 1 < len(self._words) and self._words[end + 1] not in stops | _ENDS:
            if (self._word(end + 1), self._word(end + 2)) == ("on", "conflict"):
                break
            end = self._partners.get(end + 1, end + 1) if self._words[end + 1] in _OPENING else end + 1
        return self._span((start, end))

    def using(self, right: Node, columns: tuple[str, ...]) -> dict[str, Span]:
        """Where the columns of a USING list stand: the first list after the right side that no other join took."""
        after = max(self._numbers(right), default=None)
        found: dict[str, Span] = {}
        while after is not None and after + 1 < len(self._words):
            after += 1
            if after in self._taken or self._words[after] != "using" or self._word(after + 1) != "(":
                continue
            self._taken.add(after)
            for number in range(after + 2, self._partners.get(after + 1, after)):
                name = self._tokens[number].text
                found[name.strip('"') if name.startswith('"') else name.lower()] = self._token_span(number)
            break
        return found if set(columns) == set(found) - {","} else {}

    # Tokens

    def _match(self) -> dict[int, int]:
        """For each bracket the number of its partner."""
        partners: dict[int, int] = {}
        open_brackets: list[int] = []
        for number, word in enumerate(self._words):
            if word in _OPENING:
                open_brackets.append(number)
            elif open_brackets and word == _OPENING[self._words[open_brackets[-1]]]:
                partners[number] = open_brackets.pop()
                partners[partners[number]] = number
        return partners

    def _at(self, location: int | None) -> int | None:
        return None if location is None else self._positions.get(location)

    def _word(self, number: int) -> str:
        return self._words[number] if 0 <= number < len(self._words) else ""

    def _span(self, found: Range | None) -> Span | None:
        if found is None or found[0] > found[1]:
            return None
        return Span(start=self._tokens[found[0]].start, end=self._tokens[found[1]].end)

    def _token_span(self, number: int) -> Span:
        return Span(start=self._tokens[number].start, end=self._tokens[number].end)

    def _close(self, found: Range) -> Range:
        """The range grown until every bracket in it has its partner."""
        start, end = found
        number = start
        while number <= end:
            partner = self._partners.get(number)
            if partner is not None and partner < start:
                start, number = partner, partner
            elif partner is not None and partner > end:
                end = partner
            number += 1
        return start, end

    def _numbers(self, node: Any) -> list[int]:
        """The tokens that the nodes of a tree, subqueries included, begin at."""
        found: list[int] = []
        if isinstance(node, dict):
            number = self._at(node.get("location"))
            found = [] if number is None else [number]
            for value in node.values():
                if isinstance(value, dict | list):
                    found.extend(self._numbers(value))
        elif isinstance(node, list):
            for each in node:
                found.extend(self._numbers(each))
        return found

    def _query_opening(self, number: int) -> int | None:
        """The first parenthesis from there on that opens a query."""
        while number < len(self._words) - 1:
            if self._words[number] == "(" and self._opens_query(number):
                return number
            number += 1
        return None

    def _opens_query(self, number: int) -> bool:
        """Whether the parenthesis holds a query, maybe in more parentheses."""
        while self._word(number) == "(":
            number += 1
        return self._word(number) in _QUERY_WORDS

    def _enclosing(self, body: Node) -> int | None:
        """The innermost parenthesis that opens a query and holds all of the tree."""
        numbers = self._numbers(body)
        if not numbers:
            return None
        number, last = min(numbers), max(numbers)
        while number >= 0:
            if self._words[number] == "(" and self._partners.get(number, -1) > last and self._opens_query(number):
                return number
            number -= 1
        return None

    # Nodes

    def _range(self, node: Node) -> Range | None:
        kind, body = unwrap(node)
        if kind == "XmlExpr" and self._word(self._at(body.get("location")) or 0) == "is":
            return self._test_range({"arg": body["args"][0], "location": body["location"]})
        if kind in _CALL_KINDS:
            return self._call_range(self._at(body.get("location")), 1)
        find = self._finders.get(kind)
        return find(body) if find else None

    def _all_finders(self) -> dict[str, Callable[[Node], Range | None]]:
        return {
            "ColumnRef": self._column_range,
            "ParamRef": self._single_range,
            "SetToDefault": self._single_range,
            "A_Const": self._constant_range,
            "TypeCast": self._cast_range,
            "FuncCall": self._function_range,
            "A_Expr": self._operation_range,
            "BoolExpr": self._boolean_range,
            "NullTest": self._test_range,
            "BooleanTest": self._test_range,
            "SubLink": self._sublink_range,
            "CaseExpr": self._case_range,
            "A_ArrayExpr": self._array_range,
            "RowExpr": self._row_range,
            "CollateClause": self._collate_range,
            "A_Indirection": self._indirection_range,
            "NamedArgExpr": self._named_range,
            "List": lambda body: self._all_range(body.get("items", [])),
        }

    def _all_range(self, nodes: list[Node], *numbers: int | None) -> Range | None:
        """The tokens from the first to the last of all the nodes and token numbers."""
        ranges = [self._range(node) for node in nodes if node]
        ranges += [None if number is None else (number, number) for number in numbers]
        known = [each for each in ranges if each is not None]
        return self._close(_union(known)) if known and len(known) == len(ranges) else None

    def _single_range(self, body: Node) -> Range | None:
        number = self._at(body.get("location"))
        return None if number is None else (number, number)

    def _column_range(self, body: Node) -> Range | None:
        number = self._at(body.get("location"))
        return None if number is None else (number, number + 2 * len(parts(body)) - 2)

    def _constant_range(self, body: Node) -> Range | None:
        """`-1` is one constant and two tokens; `U&'…' UESCAPE '!'` three."""
        number = self._at(body.get("location"))
        if number is None:
            return None
        end = number
        while self._word(end) in ("-", "+", "("):
            end += 1
        if self._word(end + 1) == "uescape":
            end += 2
        return self._close((number, end))

    def _call_range(self, number: int | None, length: int) -> Range | None:
        """A name of that many tokens and, when they follow, arguments in parentheses."""
        if number is None:
            return None
        end = number + length - 1
        return number, self._partners.get(end + 1, end) if self._word(end + 1) == "(" else end

    def _function_range(self, body: Node) -> Range | None:
        number = self._at(body.get("location"))
        names = strings(body.get("funcname", []))
        if number is None:
            return None
        is_call = body.get("funcformat") != "COERCE_SQL_SYNTAX" and self._name_at(number, names)
        if not is_call and self._word(number) in _INFIX_CALLS:
            is_local = self._word(number) == "at" and self._word(number + 1) == "local"
            return self._all_range(body.get("args", []), number, number + is_local)
        if not is_call and self._word(number + 1) != "(":
            return self._worded_range(body, number)
        found = self._call_range(number, 2 * len(names) - 1 if is_call else 1)
        return None if found is None else (found[0], self._call_tail(found[1]))

    def _worded_range(self, body: Node, number: int) -> Range | None:
        """`x IS NFC NORMALIZED`, `COLLATION FOR (x)`."""
        if (self._word(number), self._word(number + 1)) == ("collation", "for"):
            closing = self._partners.get(number + 2)
            return None if closing is None else (number, closing)
        if self._word(number) == "is" and "normalized" in self._words[number : number + 4]:
            return self._all_range(body["args"][:1], self._words.index("normalized", number))
        return None

    def _name_at(self, number: int, names: tuple[str, ...]) -> bool:
        return self._word(number + 2 * len(names) - 2).strip('"') == names[-1].lower()

    def _call_tail(self, end: int) -> int:
        """The end of what may follow the arguments: WITHIN GROUP, FILTER, OVER."""
        while True:
            word = self._word(end + 1)
            if word == "within" and self._word(end + 2) == "group":
                end = self._partners.get(end + 3, end + 3)
            elif word in ("ignore", "respect") and self._word(end + 2) == "nulls":
                end += 2
            elif word in ("filter", "over"):
                if word == "filter" and self._word(end + 2) != "(":
                    return end
                end = self._partners.get(end + 2, end + 2)
            else:
                return end

    def _operation_range(self, body: Node) -> Range | None:
        kind, number = body.get("kind"), self._at(body.get("location"))
        operands = [body[key] for key in ("lexpr", "rexpr") if key in body]
        if kind == "AEXPR_NULLIF":
            return self._call_range(number, 1)
        if kind in ("AEXPR_IN", "AEXPR_OP_ANY", "AEXPR_OP_ALL"):
            left = self._range(body["lexpr"])
            closing = self._list_end(number)
            return None if left is None or closing is None else self._close(_union([left, (closing, closing)]))
        return self._all_range(operands, number)

    def _list_end(self, number: int | None) -> int | None:
        """The closing parenthesis of IN (…), = ANY (…)."""
        while number is not None and number < len(self._words):
            if self._words[number] in ("in", "any", "some", "all") and self._word(number + 1) == "(":
                return self._partners.get(number + 1)
            number += 1
        return None

    def _boolean_range(self, body: Node) -> Range | None:
        return self._all_range(body.get("args", []), *((self._at(body.get("location")),) if _is_not(body) else ()))

    def _test_range(self, body: Node) -> Range | None:
        """`x IS NOT NULL`, `x ISNULL`, `x IS UNKNOWN`."""
        left, number = self._range(body["arg"]), self._at(body.get("location"))
        if left is None or number is None:
            return None
        if self._word(number) == "is":
            number += 2 if self._word(number + 1) == "not" else 1
        return self._close(_union([left, (number, number)]))

    def _sublink_range(self, body: Node) -> Range | None:
        number = self._at(body.get("location"))
        opening = None if number is None else self._query_opening(number)
        closing = None if opening is None else self._partners.get(opening)
        if number is None or closing is None:
            return None
        if "testexpr" in body:
            left = self._range(body["testexpr"])
            return None if left is None else self._close(_union([left, (closing, closing)]))
        return number, closing

    def _case_range(self, body: Node) -> Range | None:
        start = self._at(body.get("location"))
        if start is None:
            return None
        depth, number = 0, start
        while number < len(self._words):
            depth += (self._words[number] == "case") - (self._words[number] == "end")
            if depth == 0:
                return start, number
            number += 1
        return None

    def _array_range(self, body: Node) -> Range | None:
        number = self._at(body.get("location"))
        if number is None:
            return None
        opening = number + 1 if self._word(number) == "array" else number
        closing = self._partners.get(opening)
        return None if closing is None else (number, closing)

    def _row_range(self, body: Node) -> Range | None:
        number = self._at(body.get("location"))
        if number is None:
            return None
        closing = self._partners.get(number + 1 if self._word(number) == "row" else number)
        return None if closing is None else (number, closing)

    def _collate_range(self, body: Node) -> Range | None:
        number = self._at(body.get("location"))
        count = len(strings(body.get("collname", [])))
        return self._all_range([body["arg"]], None if number is None else number + 2 * count - 1)

    def _named_range(self, body: Node) -> Range | None:
        return self._all_range([body["arg"]], self._at(body.get("location")))

    def _indirection_range(self, body: Node) -> Range | None:
        """`(row).field`, `list[1]`."""
        found = self._range(body["arg"])
        if found is None:
            return None
        start, end = found
        while self._word(end + 1) == ")" and self._partners.get(end + 1) == start - 1:
            start, end = start - 1, end + 1
        for each in body.get("indirection", ()):
            end = self._partners.get(end + 1, -1) if "A_Indices" in each else end + 2
            if end < 0:
                return None
        return start, end

    def _cast_range(self, body: Node) -> Range | None:
        """`x::int`, `CAST(x AS int)`, `date '…'`."""
        number, type_number = self._at(body.get("location")), self._at(body["typeName"].get("location"))
        if number is not None and self._word(number) == "cast":
            return self._call_range(number, 1)
        argument = self._range(body["arg"])
        if argument is None or type_number is None:
            return None
        if type_number > argument[0]:
            return self._close(_union([argument, (type_number, self._type_end(type_number))]))
        start, end = self._close((type_number, argument[1]))
        return start, self._interval_end(end) if self._word(type_number) == "interval" else end

    def _interval_end(self, end: int) -> int:
        """The end of the fields after an interval: `DAY TO SECOND(3)`."""
        while self._word(end + 1) in _INTERVAL_WORDS:
            end = self._partners.get(end + 2, end + 1) if self._word(end + 2) == "(" else end + 1
        return end

    def _type_end(self, number: int) -> int:
        """The last token of the type name that begins there."""
        word, end = self._word(number), number
        if word == "setof":
            return self._type_end(number + 1)
        if word == "national" or (word, self._word(end + 1)) == ("double", "precision"):
            end += 1
        if self._word(end) in ("character", "char", "nchar", "bit") and self._word(end + 1) == "varying":
            end += 1
        while self._word(end + 1) == ".":
            end += 2
        if self._word(end + 1) == "(":
            end = self._partners.get(end + 1, end)
        if (
            word in ("time", "timestamp")
            and self._word(end + 1) in ("with", "without")
            and self._word(end + 2) == "time"
        ):
            end += 3
        if word == "interval":
            end = self._interval_end(end)
        if self._word(end + 1) == "array":
            end += 1
        while self._word(end + 1) == "[":
            end = self._partners.get(end + 1, end + 1)
        return end


def _union(ranges: list[Range]) -> Range:
    return min(start for start, _ in ranges), max(end for _, end in ranges)


def _is_not(body: Node) -> bool:
    return bool(body.get("boolop") == "NOT_EXPR")
