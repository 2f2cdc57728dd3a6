"""The table of fields fits the records; what may hold a name is in it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pgadvisor
from pgadvisor.model.record import Record
from pgadvisor.model.report import Report
from pgadvisor.redaction.fields import FIELDS, SUBJECTS
from pgadvisor.redaction.postgres_names import names

SENTENCES = ("label", "message", "text", "reason", "cure", "subject", "lock", "cost", "wrong_if", "cause", "place")
"""Names of fields that hold sentences wherever they are."""
NAMING = ("name", "schema", "table", "column", "index", "constraint", "key", "file", "sql", "definition", "predicate")


def records_in(hint: Any) -> Iterator[type[Record]]:
    """The records that a field's type speaks of."""
    if isinstance(hint, type) and issubclass(hint, Record):
        yield hint
    for each in get_args(hint):
        yield from records_in(each)


def records() -> dict[str, type[Record]]:
    """Every record that a report may hold, by name."""
    found: dict[str, type[Record]] = {}
    ahead: list[type[Record]] = [Report]
    while ahead:
        record = ahead.pop()
        if record.__name__ not in found:
            found[record.__name__] = record
            ahead += [each for hint in get_type_hints(record).values() for each in records_in(hint)]
    return found


def test_every_field_of_the_table_is_there() -> None:
    known = records()
    stale = [(name, field) for name, field in FIELDS if name not in known or field not in get_type_hints(known[name])]
    assert stale == []


def test_what_is_called_after_a_name_is_in_the_table() -> None:
    """Else it would be taken for a sentence: nothing would leak, but a known word of ours would stay as it is."""
    missing = [
        (record.__name__, field)
        for record in records().values()
        for field, hint in get_type_hints(record).items()
        if hint in (str, str | None)
        and field.split("_")[-1] in NAMING
        and field not in SENTENCES
        and (record.__name__, field) not in FIELDS
    ]
    assert missing == []


def test_what_a_gap_is_of_in_our_own_words_is_known() -> None:
    """Else it would be taken for a name."""
    sources = [ast.parse(path.read_text("utf-8")) for path in Path(pgadvisor.__file__).parent.rglob("*.py")]
    given = {
        each.value.value
        for source in sources
        for each in ast.walk(source)
        if isinstance(each, ast.keyword) and each.arg == "subject" and isinstance(each.value, ast.Constant)
    }
    assert len(given) > 10
    assert given - {None} - SUBJECTS - names("settings") - names("extensions") == set()
