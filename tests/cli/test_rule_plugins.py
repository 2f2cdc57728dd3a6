"""Rules of other packages: found by their entry point, listed, run and silenced as our own, refused when broken."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.run import assert_refused, started_anew

RULE = '''"""A query reads the archive.

## What it finds
A query that names `archive`.

## Why it matters
It is slow.

## What to do
Ask the warehouse.

## When to leave it
Never.

## Source
https://example.com/archive
"""

from pgadvisor.rule import Evidence, Example, Finding, Remedy, Rung, Severity, Where, query_rule

BAD = [Example(sql="SELECT id FROM archive")]
GOOD = [Example(note="Another table.", sql="SELECT id FROM orders")]


@query_rule(severity=Severity.WARNING, since="1.0")
def check(query, facts):
    for scope in query.scopes:
        for use in scope.tables:
            if use.table and use.table.endswith("archive"):
                yield Finding(
                    where=Where(statement=query.statement, table=use.table), message="the archive is read",
                    evidence=(Evidence(rung=Rung.INFERRED, text="the query names it"),),
                    remedy=Remedy(text="Ask the warehouse."), wrong_if="it is a job of the night",
                    severity=Severity.WARNING,
                )
'''


def installed(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """A package `shop-rules` in that folder, which offers `shop_rules`; the environment that has it."""
    about = folder / "shop_rules-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-rules\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[pgadvisor.rules]\nshop = shop_rules\n")
    (folder / "shop_rules").mkdir()
    for name, text in {"__init__.py": "", **files}.items():
        (folder / "shop_rules" / name).write_text(text)
    return {"PYTHONPATH": str(folder)}


def run(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return started_anew(*arguments, environment=environment, folder=folder)


def test_a_packages_rules_are_as_our_own(tmp_path: Path) -> None:
    has = installed(tmp_path, {"archive_read.py": RULE})
    listed = json.loads(run(tmp_path, has, "rules", "--format", "json").stdout)
    assert [(each["looks_at"], each["package"]) for each in listed if each["name"] == "archive-read"] == [
        ("query", "shop-rules")
    ]
    page = run(tmp_path, has, "rules", "archive-read").stdout
    assert "# archive-read" in page
    assert "of the package shop-rules" in page
    assert "warning: the archive is read" in page
    found = run(tmp_path, has, "query", "SELECT id FROM archive WHERE id = 1", "--fail-on", "warning")
    assert found.returncode == 1
    assert "archive-read" in found.stdout
    ignored = run(tmp_path, has, "query", "SELECT id FROM archive WHERE id = 1", "--ignore", "archive-read")
    assert (ignored.returncode, "archive-read" in ignored.stdout) == (0, False)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"archive_read.py": "import no_such_module"}, ("shop-rules", "no_such_module", "uninstall")),
        ({"archive_read.py": '"""A page."""'}, ("shop_rules.archive_read", "@query_rule")),
        ({"select_star.py": RULE}, ('"select-star"', "pgadvisor", "shop-rules")),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, files: dict[str, str], words: tuple[str, ...]) -> None:
    assert_refused(run(tmp_path, installed(tmp_path, files), "rules"), *words)
