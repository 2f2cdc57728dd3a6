"""What is generated from the rules is up to date: rules/README.md and the pages in docs/rules.

`UPDATE_GOLDEN=1 pytest tests/test_rule_docs.py` writes them anew.
"""

import os
from pathlib import Path

import pytest

from pgadvisor.advise.page import page_of
from pgadvisor.advise.registry import all_rules
from pgadvisor.cli.rules import LOOKS_AT
from pgadvisor.gate.examples import findings_in
from pgadvisor.rule import Rule

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "rules"
RULES = [rule for rule in all_rules() if rule.package is None]
CURE = "run UPDATE_GOLDEN=1 pytest tests/test_rule_docs.py, read what changed, commit it"


def assert_written(path: Path, text: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path.name} is missing: {CURE}"
    assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: {CURE}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_page(rule: Rule) -> None:
    assert_written(PAGES / f"{rule.name}.md", page_of(rule, findings_in))


def test_table() -> None:
    readme = ROOT / "rules" / "README.md"
    head = readme.read_text(encoding="utf-8").partition("| rule |")[0]
    rows = [f"| [`{rule.name}`](../docs/rules/{rule.name}.md) | {rule.kind} | {rule.severity} | {needs(rule)} "
            f"| {rule.summary} |" for rule in RULES]  # fmt: skip
    table = ["| rule | looks at | up to | needs | finds |", "|---|---|---|---|---|", *rows]
    assert_written(readme, head + "\n".join(table) + "\n")


def test_index_of_the_pages() -> None:
    parts = ["# The rules", "A page for each, as `pgadvisor rules NAME` shows it. What a rule needs and a run lacks is "
             "told in its report: the rule did not run."]  # fmt: skip
    for kind, subject in LOOKS_AT.items():
        rules = [rule for rule in RULES if rule.kind == kind]
        parts += [f"## {subject}", "\n".join(f"- [{rule.name}]({rule.name}.md): {rule.summary}" for rule in rules)]
    assert_written(PAGES / "README.md", "\n\n".join(parts) + "\n")


def test_no_page_is_left_of_a_rule_that_is_gone() -> None:
    names = {f"{rule.name}.md" for rule in RULES} | {"README.md"}
    for path in PAGES.glob("*.md"):
        if os.environ.get("UPDATE_GOLDEN") and path.name not in names:
            path.unlink()
        assert not path.is_file() or path.name in names, f"{path.name} is of no rule: {CURE}"


def needs(rule: Rule) -> str:
    return ", ".join(rule.needs) or "text"
