"""Index advice as JSON: what the command line's page promises, and its schema."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from pgadvisor.model.advice import IndexAdvice
from pgadvisor.reports.json import render, schema
from pgadvisor.reports.json_reading import read
from tests.reports.make_advice import advised_report, hostile_advice, idle_advice, make_advice, measured_advice
from tests.reports.make_report import file_report
from tests.reports.test_text_indexes import alone

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "indexes.schema.json"
ADVICE = [make_advice(), measured_advice(), idle_advice(), hostile_advice(), make_advice(unit="cost")]


@pytest.mark.parametrize("advice", ADVICE)
def test_output_fits_the_schemas(advice: IndexAdvice) -> None:
    for report, form in ((alone(advice), schema(of_indexes=True)), (advised_report(advice), schema())):
        told = render(report)
        jsonschema.validate(json.loads(told), json.loads(form), cls=jsonschema.Draft202012Validator)
        assert told == render(report)


def test_the_schema_in_docs_is_the_one_of_the_records() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema(of_indexes=True)))
    assert SCHEMA.read_text("utf-8") == schema(of_indexes=True), (
        "write docs/indexes.schema.json anew from pgadvisor.reports.json.schema(of_indexes=True)"
    )


def test_what_the_command_promises_stands_at_the_top() -> None:
    told = json.loads(render(alone(measured_advice())))
    for name in ("create", "drop", "unit", "cost_ratio", "bound", "gap", "budget_bytes", "curve"):
        assert told[name] == told["advice"][name], name
    first = told["create"][0]
    assert {"sql", "undo", "table", "size_bytes", "gain_ms_per_day", "helps", "hurts"} <= first.keys()
    assert first["sql"].startswith("CREATE INDEX CONCURRENTLY account_lower_email_idx")
    assert first["gain_ms_per_day"] == first["gain"] == 481_900.0
    assert first["helps"] == [{"statement": "4418802", "ratio": 0.000809, "before": 482_300.0, "after": 390.0}]
    assert {"sql", "undo", "table", "size_bytes", "gain_ms_per_day", "helps", "hurts"} <= told["drop"][0].keys()


def test_an_audit_has_it_in_one_place() -> None:
    told = json.loads(render(advised_report()))
    assert told["advice"]["create"] and told["findings"]
    assert "create" not in told


def test_ratio_bound_and_gap_fit_each_other() -> None:
    advice = make_advice(before=1e9, after=6.2e6, bound=6.15e6, gap=0.05 / 6.2)
    told = json.loads(render(alone(advice)))
    assert (told["cost_ratio"], told["bound"]) == (0.0062, 0.00615)
    assert told["gap"] == pytest.approx((told["cost_ratio"] - told["bound"]) / told["cost_ratio"], abs=1e-5)


def test_without_times_no_milliseconds_are_claimed() -> None:
    told = json.loads(render(alone(make_advice(unit="cost"))))
    assert told["unit"] == "cost"
    assert {each["gain_ms_per_day"] for each in (*told["create"], *told["drop"])} == {None}
    assert told["create"][0]["gain"] == 481_900.0


def test_what_is_not_proved_is_null() -> None:
    told = json.loads(render(alone(make_advice(bound=float("-inf"), gap=1.0))))
    assert told["bound"] is None


def test_statements_of_a_file_go_by_their_position() -> None:
    effect = msgspec.structs.replace(make_advice().statements[0], statement="#2")
    advice = make_advice(statements=(effect,), left_out=(("#1", "why"),))
    told = json.loads(render(msgspec.structs.replace(file_report(), advice=advice)))["advice"]
    assert told["statements"][0]["statement"] == 2
    assert told["left_out"] == [{"statement": 1, "reason": "why"}]


def test_it_can_be_a_previous_run() -> None:
    assert read(json.loads(render(alone(make_advice())))).verdict.headline == "3 indexes to create, 2 to drop"
