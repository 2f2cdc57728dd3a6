"""Planning as of the moment at which a snapshot was taken: `now()` in a text is that moment, not today.

The moment stands in the text as a call that the planner treats as it treats `now()`: it estimates with the value, and
neither prunes partitions nor proves an index's predicate with it, and it costs as much. `'now'::timestamptz`, to the
planner a constant, becomes another one. Left as they are: a word without a type (`at > 'now'`), and times of day.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from pgadvisor.model.plan import Plan
from pgadvisor.model.whatif import NOTHING, Answer, Configuration, HypotheticalIndex, IndexSize, Planner, Question
from pgadvisor.parameters.form import edited
from pgadvisor.sql.parse import Node, Parsed, Unread, parse
from pgadvisor.sql.syntax import location, walk

_FUNCTIONS = frozenset(("now", "transaction_timestamp", "statement_timestamp"))
_KEYWORDS = {
    "SVFOP_CURRENT_TIMESTAMP": "now()",
    "SVFOP_CURRENT_TIMESTAMP_N": "CURRENT_TIMESTAMP({})",
    "SVFOP_LOCALTIMESTAMP": "LOCALTIMESTAMP",
    "SVFOP_LOCALTIMESTAMP_N": "LOCALTIMESTAMP({})",
    "SVFOP_CURRENT_DATE": "CURRENT_DATE",
}
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_TYPES = frozenset(("timestamptz", "timestamp", "date"))

_WORDS = re.compile(r"\bnow|_timestamp|localtimestamp|current_date|yesterday|today|tomorrow", re.IGNORECASE)
"""Texts without any of these need not be parsed."""


class AsOf:
    """A planner for which it is always the same moment."""

    def __init__(self, planner: Planner, moment: datetime) -> None:
        self._planner = planner
        self._moment = moment.astimezone(UTC)
        self._calls = _calls(self._moment)
        self._known: dict[str, str] = {}

    @property
    def label(self) -> str:
        """Where it plans."""
        return self._planner.label

    def plan(self, text: str, configuration: Configuration = NOTHING) -> Answer:
        """The plan of one statement."""
        return self.plan_all((text,), configuration)[0]

    def plan_all(self, texts: Sequence[str], configuration: Configuration = NOTHING) -> list[Answer]:
        """The plans of several statements, in their order."""
        fixed = [self._fixed(text) for text in texts]
        answers = self._planner.plan_all(fixed, configuration)
        return [
            answer if own == text else self._told(answer, own, configuration)
            for own, text, answer in zip(texts, fixed, answers, strict=True)
        ]

    def costs(self, questions: Sequence[Question]) -> list[list[Answer]]:
        """For each question the answers for its texts, without plans."""
        return self._planner.costs(
            [Question(each.configuration, tuple(self._fixed(text) for text in each.texts)) for each in questions]
        )

    def sizes(self, indexes: Sequence[HypotheticalIndex]) -> list[IndexSize]:
        """How big each index would be."""
        return self._planner.sizes(indexes)

    def size(self, index: HypotheticalIndex) -> IndexSize:
        """How big the index would be."""
        return self._planner.size(index)

    def _fixed(self, text: str) -> str:
        """The text at that moment."""
        if not _WORDS.search(text):
            return text
        if text not in self._known:
            self._known[text] = self._edited(text)
        return self._known[text]

    def _edited(self, text: str) -> str:
        parsed = parse(text)
        if isinstance(parsed, Unread):
            return text
        moments = [(start, end, self._calls[word][0]) for start, end, word in _moments(parsed)]
        return edited(text, (*moments, *_constants(parsed, self._moment)))

    def _told(self, answer: Answer, text: str, configuration: Configuration) -> Answer:
        """The answer with a plan that says `now()` again."""
        if answer.error is not None:
            # A column that is called as the function is (`SELECT now()` in a subquery) has lost its name.
            return self._planner.plan(text, configuration)
        if answer.plan is None:
            return answer
        plan = msgspec.json.encode(answer.plan).decode()
        for word, (_, printed) in self._calls.items():
            plan = plan.replace(printed, word)
        return msgspec.structs.replace(answer, plan=msgspec.json.decode(plan, type=Plan))


def _calls(moment: datetime) -> dict[str, tuple[str, str]]:
    """By what asks for the moment: the call that gives it, and how PostgreSQL prints that call in a plan."""
    day = moment.date().isoformat()
    found = {"CURRENT_DATE": (f"pg_catalog.date_in('{day}')", f"date_in('{day}'::cstring)")}
    for zone, whole, exact, function in (
        (UTC, "now()", "CURRENT_TIMESTAMP({})", "timestamptz_in"),
        (None, "LOCALTIMESTAMP", "LOCALTIMESTAMP({})", "timestamp_in"),
    ):
        value = moment.replace(tzinfo=zone).isoformat(" ")
        for digits in range(-1, 7):
            word, number = (exact.format(digits), digits) if digits >= 0 else (whole, "'-1'::integer")
            printed = f"{function}('{value}'::cstring, '0'::oid, {number})"
            found[word] = (f"pg_catalog.{function}('{value}', 0, {digits})", printed)
    return found


def _moments(parsed: Parsed) -> Iterator[tuple[int, int, str]]:
    """Where the text asks for the present moment: start, end, and for what."""
    for kind, body in walk(parsed.body):
        word = _KEYWORDS.get(body.get("op", "")) if kind == "SQLValueFunction" else None
        has_digits = word is not None and "{}" in word
        if word is not None:
            word = word.format(min(body.get("typmod", 0), 6))
        if kind == "FuncCall" and _is_now(body):
            word = "now()"
        if word is not None and location(body) in parsed.positions:
            first = parsed.positions[location(body)]
            is_bare = kind == "SQLValueFunction" and not has_digits
            last = first if is_bare else _end_of_call(parsed, first)
            yield parsed.tokens[first].start, parsed.tokens[last].end, word


def _constants(parsed: Parsed, moment: datetime) -> Iterator[tuple[int, int, str]]:
    """Constants of a type that are words for a moment: start, end, and the constant for it."""
    for kind, body in walk(parsed.body):
        arg = body.get("arg", {}).get("A_Const", {}) if kind == "TypeCast" else {}
        word = arg.get("sval", {}).get("sval", "").strip().lower()
        if word not in ("now", *_DAYS) or location(arg) not in parsed.positions:
            continue
        if body["typeName"]["names"][-1]["String"]["sval"] in _TYPES:
            token = parsed.tokens[parsed.positions[location(arg)]]
            day = moment.date() + timedelta(days=_DAYS.get(word, 0))
            yield token.start, token.end, f"'{moment.isoformat(' ') if word == 'now' else day.isoformat()}'"


def _is_now(call: Node) -> bool:
    names = [each["String"].get("sval") for each in call["funcname"]]
    return names[-1] in _FUNCTIONS and names[:-1] in ([], ["pg_catalog"]) and "args" not in call and "over" not in call


def _end_of_call(parsed: Parsed, first: int) -> int:
    """The number of the token that closes the call's parentheses."""
    return next(at for at in range(first, len(parsed.tokens)) if parsed.tokens[at].text == ")")
