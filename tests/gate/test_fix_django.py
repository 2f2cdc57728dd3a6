"""Migrations of Django in their safe form: each passes the gate, runs, ends where the short way does; models fit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgadvisor.gate.fix_frameworks import FixedPython
from tests.gate.pull_request import commit, write
from tests.gate.python_hazards import DJANGO, Hazard
from tests.gate.python_project import WITH_SAFE_FORM, Project, assert_repaired, judged, repaired, walked

SAMPLE = Path(__file__).parent / "samples" / "django"
IMPORTS = "from django.contrib.postgres.functions import RandomUUID\n"
MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [{before}]
    operations = [
        {operations}
    ]
"""


def made(root: Path, *, runs: bool) -> Path:
    """A project whose first migration is committed, and the others are not; `runs`: without what fails."""
    files = {name: (SAMPLE / name).read_text() for name in ("manage.py", "site_settings.py", "shop/__init__.py")}
    first = "\n        ".join(each.schema for each in DJANGO)
    files["shop/migrations/__init__.py"] = ""
    files["shop/migrations/0001_start.py"] = MIGRATION.format(before="", operations=first)
    models = [(each.model if runs else each.model_by_hand or each.model) for each in DJANGO]
    files["shop/models.py"] = "\n\n".join((f"{IMPORTS}from django.db import models\n", *filter(None, models)))
    commit(root, files)
    for before, each in zip(("0001_start", *(each.name for each in DJANGO)), DJANGO, strict=False):
        operations = "" if runs and each.fails else each.up
        text = MIGRATION.format(before=f'("shop", "{before}")', operations=operations)
        write(root, {f"shop/migrations/{each.name}.py": IMPORTS + text if "RandomUUID" in text else text})
    return root


def put_in(root: Path, hazard: Hazard, fixed: FixedPython) -> None:
    """What a person does with code that is left to him."""
    (code,) = fixed.left
    path = root / "shop" / "migrations" / f"{hazard.name}.py"
    head, _, elements = code.code.partition("\n\n") if code.code.startswith("atomic") else ("", "", code.code)
    text = path.read_text().replace(hazard.up, elements.replace("\n", "\n        "))
    assert elements.split("\n")[0] in text
    path.write_text(text.replace("    dependencies", f"    {head}\n    dependencies"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., str]) -> Project:
    names = [each.name for each in DJANGO]
    short, safe = (tmp_path_factory.mktemp(name) for name in ("short", "safe"))
    made(short, runs=True)
    made(safe, runs=False)
    before = judged(safe)
    changed = repaired(before, safe)
    for each in DJANGO:
        if each.is_by_hand:
            put_in(safe, each, changed[each.name])
    after = judged(safe)
    one, other = new_database("short"), new_database("safe")
    return Project(
        before, changed, after,
        walked("django", short, one, options_of(one), names), walked("django", safe, other, options_of(other), names),
    )  # fmt: skip


def options_of(dsn: str) -> str:
    told = conninfo_to_dict(dsn)
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return json.dumps({name: str(told[key]) for key, name in names.items() if told.get(key)})


@pytest.mark.parametrize("hazard", DJANGO, ids=lambda each: each.rule)
def test_a_fixed_migration_passes_runs_and_ends_the_same(project: Project, hazard: Hazard) -> None:
    assert_repaired(project, hazard)


def test_every_rule_with_a_safe_form_has_one_for_django() -> None:
    assert {each.rule for each in DJANGO} == WITH_SAFE_FORM
