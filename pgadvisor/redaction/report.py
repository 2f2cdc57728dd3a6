"""From a Report to the same Report without names and literals."""

import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import msgspec

from pgadvisor.model.advice import IndexAdvice
from pgadvisor.model.finding import Finding
from pgadvisor.model.log import LoggedStatement
from pgadvisor.model.plan import PlanNode
from pgadvisor.model.record import Record
from pgadvisor.model.report import Report
from pgadvisor.model.workload import Statement
from pgadvisor.redaction import postgres_names
from pgadvisor.redaction.catalog import catalog_of, whole_texts
from pgadvisor.redaction.fields import FIELDS, SUBJECTS, TAG_KEYS, WORDS_OF_EXPLAIN, Field
from pgadvisor.redaction.prose import Prose
from pgadvisor.redaction.pseudonyms import Key, Kind, Pseudonyms
from pgadvisor.redaction.sql_literals import is_setting_value
from pgadvisor.redaction.sql_names import is_collation
from pgadvisor.redaction.sql_text import Redacted, pseudonym_of, redact_sql
from pgadvisor.sql.parse import is_valid

_STATEMENT_KEY = re.compile(r"#?-?\d+")
_IDENTITY = re.compile(r"([a-z][a-z-]*):(.*)", re.DOTALL)
_COUNTED = re.compile(r"\d+ (?:tables|statements|statements without text|of kind [a-z ]+)")
_PARTS = re.compile(r"""((?:'(?:[^']|'')*'|"(?:[^"]|"")*"|.)+?)(?:; |\Z)""", re.DOTALL)
_SETTING = re.compile(r"([\w.]+) = (.*)", re.DOTALL)
_FUNCTION = re.compile(r"(.+?)\((.*)\)", re.DOTALL)
_ROUTE = re.compile(r"/|[A-Z]+ /")
_FILE_LINE = re.compile(r":\d+\Z")
_METHOD = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) ")


def redact(report: Report, key: Key) -> tuple[Report, Key]:
    """The report with pseudonyms for all names and literals, and the key with those that are new.

    Names of PostgreSQL's own and pgadvisor's own words stay. The same name has the same pseudonym wherever the same
    key is used, so that two redacted reports can be compared. A field that is not listed is taken for a sentence:
    what is no word of pgadvisor's goes.
    """
    pseudonyms = Pseudonyms(key)
    known = catalog_of(report)
    first = _Redactor(pseudonyms, known, None)
    first.record(report)  # finds the names that stand in SQL alone: aliases, new indexes
    known = {**dict.fromkeys(sorted(first.names), "name"), **known}
    rules = frozenset((*report.rules_run, *(each.rule for each in report.rules_not_run)))
    whole = whole_texts(report, first.name, lambda text: first.sql(text).text)
    prose = Prose(pseudonyms, known, whole, rules)
    redacted = _Redactor(pseudonyms, known, prose).record(report)
    return msgspec.structs.replace(redacted, is_redacted=True), pseudonyms.key


class _Redactor:
    """Goes through records, field by field."""

    def __init__(self, pseudonyms: Pseudonyms, known: dict[str, Kind], prose: Prose | None) -> None:
        """Without `prose` sentences are passed over: a first walk that collects names."""
        self.names: set[str] = set()
        self._pseudonyms = pseudonyms
        self._known = known
        self._prose = prose
        self._statements: dict[str, Redacted] = {}
        self._texts: dict[tuple[str, bool], Redacted] = {}
        self._by_field: dict[Field, Callable[[str], str]] = {
            "keep": lambda text: text,
            "prose": self._sentence,
            "sql": lambda text: self.sql(text).text,
            "statement": lambda text: self.sql(text, remarks=False).text,
            "type": lambda text: self.sql(f"1::{text}").text[3:],
            "qualified": self._qualified,
            "key": self._key,
            "identity": self._identity,
            "digest": lambda text: pseudonyms.digest("digest", text)[:16],
            "endpoint": self._endpoint,
            "file": self._file,
            "operator class": self._operator_class,
            "alias": lambda text: text if text.startswith("*") else self.name(text),
            "called": self._called,
            "collation": lambda text: text if is_collation(text) else self.name(text),
            "subplan": self._subplan,
            "change": self._change,
            "subject": self._subject,
            "event": self._event,
            "place": lambda text: self._endpoint(text) if _ROUTE.match(text) else self._qualified(text),
        }

    def record(self, record: Any) -> Any:
        """The record with each of its texts changed as its field says."""
        changes = {
            name: self._value(getattr(record, name), field)
            for name, field in _fields_of(record.__class__)
            if getattr(record, name) not in (None, (), "")
        }
        changed = msgspec.structs.replace(record, **changes)
        if isinstance(record, Report):
            return _with_spans(record, changed, self.sql)
        if isinstance(record, Statement | LoggedStatement):
            return msgspec.structs.replace(changed, tags=tuple(self._tag(*tag) for tag in record.tags))
        if isinstance(record, IndexAdvice):
            left_out = tuple((self._key(key), self._sentence(why)) for key, why in record.left_out)
            return msgspec.structs.replace(changed, left_out=left_out)
        if isinstance(record, PlanNode):
            other = tuple((key, json.dumps(self._json(key, json.loads(text)))) for key, text in record.other)
            return msgspec.structs.replace(changed, other=other)
        return changed

    def name(self, name: str, kind: Kind = "name") -> str:
        """The pseudonym of a name; PostgreSQL's own schemas keep theirs."""
        if kind == "schema" and (name in postgres_names.SCHEMAS or name.startswith("pg_")):
            return name
        self.names.add(name)
        return pseudonym_of(name, kind, self._pseudonyms, self._known)

    def sql(self, text: str, *, remarks: bool = True) -> Redacted:
        """SQL without names and literals. `remarks`: its comments are sentences of ours; else they go."""
        if (text, remarks) not in self._texts:
            found = redact_sql(text, self._pseudonyms, self._known, self._sentence if remarks else None)
            self._texts[text, remarks] = found
            self.names |= found.names
        return self._texts[text, remarks]

    def _value(self, value: Any, field: Field) -> Any:
        if isinstance(value, Record):
            return self.record(value)
        if isinstance(value, tuple):
            return tuple(self._value(each, field) for each in value)
        if type(value) is not str:
            return value
        change = self._by_field.get(field)
        return change(value) if change else self.name(value, cast(Kind, field))

    def _sentence(self, text: str) -> str:
        if self._prose is None:
            return text
        return self.sql(text).text if _is_sql(text) else self._prose.redacted(text)

    def _qualified(self, text: str) -> str:
        """`schema.table`, `schema.table.column`, unquoted; a name with a dot in it is known as a whole."""
        if text in self._known:
            return self.name(text)
        if self._prose is not None and text in self._prose.whole:
            return self._prose.whole[text]
        if "." not in text:
            return self.name(text, "table")
        schema, name, *more = text.split(".", 2)
        return ".".join(
            (self.name(schema, "schema"), self.name(name, "table"), *(self.name(x, "column") for x in more))
        )

    def _change(self, text: str) -> str:
        """What was tried: `CREATE INDEX …; without public.orders_pkey; work_mem = 64MB`."""
        return "; ".join(self._tried(part) for part in _PARTS.findall(text))

    def _tried(self, part: str) -> str:
        if part.startswith("without "):
            return f"without {self._qualified(part.removeprefix('without '))}"
        setting = _SETTING.fullmatch(part)
        if setting is None:
            return self.sql(part).text
        name, value = setting.groups()
        told = name if name in postgres_names.names("settings") else ".".join(map(self.name, name.split(".")))
        is_plain = told == name and is_setting_value(value)
        return f"{told} = {value if is_plain else self._pseudonyms.literal(value)}"

    def _subject(self, text: str) -> str:
        """What a gap is of: a name, a function with its types, a setting, or words of ours."""
        if text in SUBJECTS or _COUNTED.fullmatch(text):
            return text
        if text in postgres_names.names("settings") | postgres_names.names("extensions"):
            return text
        if (called := _FUNCTION.fullmatch(text)) is None:
            return self._qualified(text)
        types = (self._by_field["type"](each) for each in called[2].split(", ") if each)
        return f"{self._qualified(called[1])}({', '.join(types)})"

    def _event(self, text: str) -> str:
        """What a log tells of: the table of an autovacuum; other messages came without names."""
        upkeep, _, table = text.partition(" ")
        return f"{upkeep} {self._qualified(table)}" if upkeep in ("vacuum", "analyze") and table else text

    def _key(self, text: str) -> str:
        return text if _STATEMENT_KEY.fullmatch(text) else self.name(text)

    def _identity(self, text: str) -> str:
        """A finding's key: its rule stays, its digest could be guessed from names."""
        found = _IDENTITY.fullmatch(text)
        rule, rest = (found[1], found[2]) if found else ("", text)
        return f"{rule}:{self._pseudonyms.digest('key', rest)[:12]}"

    def _endpoint(self, text: str) -> str:
        method = _METHOD.match(text)
        start = method[0] if method else ""
        return f"{start}{self.name(text.removeprefix(start), 'endpoint')}"

    def _file(self, text: str) -> str:
        """`app/orders.py`, or a line of it: `app/orders.py:42`."""
        path, colon, line = text.rpartition(":") if _FILE_LINE.search(text) else (text, "", "")
        ending = re.search(r"\.[a-z]{1,5}\Z", path)
        return f"{self.name(path, 'file')}{ending[0] if ending else ''}{colon}{line}"

    def _operator_class(self, text: str) -> str:
        return text if text in postgres_names.names("operator classes") else self.name(text)

    def _called(self, text: str) -> str:
        return text if text in postgres_names.names("functions") else self.name(text, "function")

    def _subplan(self, text: str) -> str:
        """`CTE recent`, `SubPlan 1`."""
        return f"CTE {self.name(text[4:])}" if text.startswith("CTE ") else self.sql(text, remarks=False).text

    def _tag(self, key: str, value: str) -> tuple[str, str]:
        return key if key in TAG_KEYS else self.name(key), self._endpoint(value)

    def _json(self, key: str, value: Any) -> Any:
        """A value of a plan that has no field of its own: expressions, and words of EXPLAIN's."""
        if isinstance(value, str):
            return value if key in WORDS_OF_EXPLAIN else self.sql(value, remarks=False).text
        if isinstance(value, list):
            return [self._json(key, each) for each in value]
        if isinstance(value, dict):
            return {name: self._json(name, each) for name, each in value.items()}
        return value


def _is_sql(text: str) -> bool:
    return text[:1].isupper() and text.split(" ")[0].isupper() and is_valid(text)


def _with_spans(before: Report, after: Report, sql: Callable[..., Redacted]) -> Report:
    """The report with each finding's spans where the guilty parts now are."""
    texts = {each.key: each.text for each in before.statements}

    def moved(old: Finding, new: Finding) -> Finding:
        text = texts.get(old.where.statement or "")
        if text is None or not old.spans:
            return new
        redacted = sql(text, remarks=False)
        return msgspec.structs.replace(new, spans=tuple(redacted.moved(span) for span in old.spans))

    findings: Iterable[Finding] = (moved(*both) for both in zip(before.findings, after.findings, strict=True))
    return msgspec.structs.replace(after, findings=tuple(findings))


@cache
def _fields_of(record: type) -> tuple[tuple[str, Any], ...]:
    """The fields of a record that may hold texts, each with what is in it; words of ours are no texts."""
    hints = get_type_hints(record)
    return tuple(
        (name, FIELDS.get((record.__name__, name), "prose"))
        for name, hint in hints.items()
        if not name.startswith("_") and not _is_choice(hint)
    )


def _is_choice(hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return True
    return any(map(_is_choice, get_args(hint)))
