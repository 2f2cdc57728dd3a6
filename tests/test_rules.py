"""Every rule against its own examples: each BAD must be found, each GOOD must be left alone."""

from collections.abc import Iterator

import pytest

from pgadvisor.advise.registry import all_rules
from pgadvisor.gate.examples import findings_in
from pgadvisor.rule import Example, Finding, Rule
from pgadvisor.sql.parse import is_valid

RULES = all_rules()
HEADINGS = ["## What it finds", "## Why it matters", "## What to do", "## When to leave it", "## Source"]


def cases(kind: str) -> list[object]:
    return [
        pytest.param(rule, example, id=f"{rule.name}-{number}")
        for rule in RULES
        for number, example in enumerate(getattr(rule, kind))
    ]


@pytest.mark.parametrize(("rule", "example"), cases("bad"))
def test_bad_example_is_found_once(rule: Rule, example: Example) -> None:
    found = findings_in(rule, example)
    assert len(found) == 1, f"{rule.name} should find exactly one thing in: {example.sql or example.note}"
    assert_is_whole(rule, found[0])
    if example.remedy:
        assert example.remedy in (found[0].remedy.sql or "")


@pytest.mark.parametrize(("rule", "example"), cases("good"))
def test_good_example_is_left_alone(rule: Rule, example: Example) -> None:
    assert findings_in(rule, example) == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_page_is_complete(rule: Rule) -> None:
    assert [line for line in rule.doc.splitlines() if line.startswith("## ")] == HEADINGS
    assert rule.summary.endswith(".")
    assert rule.bad
    assert rule.good
    assert all(example.note for example in rule.good), "a GOOD example says why it is innocent"
    assert "https://" in rule.doc.partition("## Source")[2]


def assert_is_whole(rule: Rule, finding: Finding) -> None:
    """What every finding must carry, whatever the rule."""
    assert finding.rule == rule.name
    assert finding.key.startswith((f"{rule.name}:", "index:", "subquery:", "exclusion:", "wrapped:", "statistics:"))
    assert finding.severity.rank >= rule.severity.rank, "worse than the rule says it gives"
    assert finding.evidence
    assert finding.wrong_if
    assert finding.message[0].lower() == finding.message[0] or finding.message.split()[0].isupper()
    assert not finding.message.endswith(".")
    for sql in statements_of(finding):
        assert is_valid(sql), f"not valid SQL: {sql}"


def statements_of(finding: Finding) -> Iterator[str]:
    yield from (sql for sql in (finding.remedy.sql, finding.remedy.undo) if sql)


def test_names_are_unique() -> None:
    names = [name for rule in RULES for name in (rule.name, *rule.aliases)]
    assert len(names) == len(set(names))
