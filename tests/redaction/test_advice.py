"""Redacted index advice: no name and no literal of it is left in any format, and its SQL is still SQL."""

from collections.abc import Callable
from typing import get_type_hints

import msgspec
import pytest

from pgadvisor.model.advice import AdvisedIndex, DroppedIndex, IndexAdvice, KeptIndex, Measured, StatementEffect, WhyNot
from pgadvisor.model.plan import PlanComparison
from pgadvisor.model.report import Report
from pgadvisor.redaction.pseudonyms import Key
from pgadvisor.redaction.report import redact
from pgadvisor.reports import html, json, markdown, text
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.parse import is_valid
from tests.redaction.leaks import cores, planted_report, planted_words, texts_in
from tests.reports.make_advice import advised_report, measured_advice

KEY = Key(secret="7f" * 32)
FORMATS: dict[str, Callable[[Report], str]] = {
    "html": html.render,
    "json": json.render,
    "text": text.render,
    "markdown": markdown.render,
}
TWIN = "planner twin, PostgreSQL 18.6"
TEXTS = (str, str | None, tuple[str, ...], tuple[tuple[str, str], ...])


def planted_advice(words: list[str], report: Report) -> IndexAdvice:
    """Advice with the words as names and literals in every field that may hold one."""
    schema, name, _, column, second, index, made, literal, statement, other = words[:10]
    plan = report.plans[0].plan
    assert plan is not None
    bare = f"CREATE INDEX {quoted(made)} ON {quoted(schema)}.{quoted(name)} ({quoted(column)})"
    definition = f"{bare} WHERE {quoted(second)} = '{literal}'"
    sql, undo = f"{definition};", f"DROP INDEX CONCURRENTLY {quoted(schema)}.{quoted(made)};"
    check = f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{quoted(schema)}.{quoted(made)}'::regclass;"
    said = f"rows of {name} where `{quoted(second)} = '{literal}'`, and {made}, and \"{other}\""
    effects = (
        StatementEffect(statement="#1", ratio=0.1, before=9.0, after=0.9),
        StatementEffect(statement=statement, ratio=1.1, before=9.0, after=9.9),
    )
    table = f"{schema}.{name}"
    return IndexAdvice(
        unit="ms",
        tried_on=TWIN,
        before=9.0,
        after=1.0,
        candidates=3,
        create=(
            AdvisedIndex(name=made, table=table, definition=definition, sql=sql, undo=undo, lock=said, then=undo,
                         checks=(check,),
                         helps=effects[:1], hurts=effects[1:], doubts=(said,),
                         comparison=PlanComparison(change=definition, before=plan, after=plan, tried_on=TWIN)),
        ),
        drop=(
            DroppedIndex(name=f"{schema}.{index}", table=table, why="replaced", reason=said, sql=undo, undo=sql,
                         lock=said, replaced_by=(f"{schema}.{made}", made), cautions=(said,)),
        ),
        keep=(
            KeptIndex(name=f"{schema}.{index}", table=table, definition=definition, why=said,
                      statements=("#1", statement)),
        ),
        statements=effects,
        left_out=((statement, said), ("#1", said)),
        nothing_because=said,
        doubts=(said,),
        guessed=(table,),
        why=(
            WhyNot(definition=definition, is_chosen=False, verdict=said, alone=effects, beside=effects,
                   dominated_by=(made, f"{schema}.{index}"), error=None),
            WhyNot(definition=definition, is_chosen=False, verdict=said, error=said),
        ),
        measured=(Measured(statement=statement, before_ms=1.0, after_ms=0.5),),
    )  # fmt: skip


@pytest.mark.parametrize("nothing", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_no_planted_name_is_left_in_any_format(seed: int, nothing: bool) -> None:
    words = planted_words(seed)
    planted = planted_report(words)
    advice = planted_advice(words, planted)
    if nothing:
        advice = msgspec.structs.replace(advice, create=(), drop=())
    redacted, _ = redact(msgspec.structs.replace(planted, advice=advice), KEY)
    rest = {name: render(redacted).lower() for name, render in FORMATS.items()}
    rest["record"] = "\n".join(texts_in(msgspec.to_builtins(redacted))).lower()
    for core in cores(words):
        for name, output in rest.items():
            assert core not in output, f"{core} in {name}: …{output[max(0, output.index(core) - 200) :][:400]}"


def test_every_text_of_the_advice_is_planted() -> None:
    """Else a field that is added later would not be looked at."""
    words = planted_words(1)
    advice = planted_advice(words, planted_report(words))
    records = (advice, *advice.create, *advice.drop, *advice.keep, *advice.statements, *advice.why, *advice.measured)
    held: dict[tuple[str, str], str] = {}
    for record in records:
        for field, hint in get_type_hints(type(record)).items():
            if hint in TEXTS:
                texts = " ".join(texts_in(msgspec.to_builtins(getattr(record, field)))).lower()
                held[type(record).__name__, field] = held.get((type(record).__name__, field), "") + texts
    planted = cores(words)
    empty = {place for place, texts in held.items() if not any(core in texts for core in planted)}
    assert empty == {("IndexAdvice", "tried_on")}


def test_the_sql_of_redacted_advice_is_valid_and_names_agree() -> None:
    redacted, key = redact(advised_report(measured_advice()), KEY)
    assert redacted.advice is not None
    for index in (*redacted.advice.create, *redacted.advice.drop):
        assert is_valid(index.sql) and is_valid(index.undo), index.sql
        assert index.name.rpartition(".")[2] in index.sql
        assert key.names[index.name.rpartition(".")[2]] in {
            each.name.rpartition(".")[2] for each in (*measured_advice().create, *measured_advice().drop)
        }
    assert [each.statement for each in redacted.advice.statements] == [
        each.statement for each in measured_advice().statements
    ]
    assert redacted.advice.tried_on == TWIN
