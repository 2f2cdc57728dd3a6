"""Revisions of Alembic in their safe form: each passes the gate, runs, and ends where the short way does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL

from pgadvisor.gate.fix_frameworks import FixedPython
from tests.gate.pull_request import commit, write
from tests.gate.python_hazards import ALEMBIC, Hazard
from tests.gate.python_project import WITH_SAFE_FORM, Project, assert_repaired, judged, repaired, walked

SAMPLE = Path(__file__).parent / "samples" / "alembic"
REVISION = '''\
"""{name}"""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = {before!r}


def upgrade():
    {up}


def downgrade():
    {down}
'''
IN_DOWNGRADE = "\n\n# in downgrade()"


def made(root: Path, *, runs: bool) -> Path:
    """A project whose first revision is committed, and the others are not; `runs`: without what fails."""
    files = {name: (SAMPLE / name).read_text() for name in ("alembic.ini", "alembic/env.py")}
    schema = "\n    ".join(each.schema for each in ALEMBIC)
    files["alembic/versions/start.py"] = REVISION.format(name="start", before=None, up=schema, down="pass")
    commit(root, files)
    for before, each in zip(("start", *(each.name for each in ALEMBIC)), ALEMBIC, strict=False):
        up, down = ("pass", "pass") if runs and each.fails else (each.up, each.down)
        text = REVISION.format(name=each.name, before=before, up=up, down=down)
        write(root, {f"alembic/versions/{each.name}.py": text})
    return root


def put_in(root: Path, hazard: Hazard, fixed: FixedPython) -> None:
    """What a person does with code that is left to him."""
    (code,) = fixed.left
    up, _, down = code.code.partition(IN_DOWNGRADE)
    down = down.partition("\n")[2] or "pass"
    path = root / "alembic" / "versions" / f"{hazard.name}.py"
    text = path.read_text()
    for old, new in ((hazard.up, up), (hazard.down, down)):
        text = text.replace(old, new.replace("\n", "\n    "))
    path.write_text(text)


def url_of(dsn: str) -> str:
    told = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    address = {name: told[name] for name in ("host", "port") if name in told}
    return URL.create(
        "postgresql+psycopg", username=told.get("user"), password=told.get("password"), database=told["dbname"],
        query=address,
    ).render_as_string(hide_password=False)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., str]) -> Project:
    names = [each.name for each in ALEMBIC]
    short, safe = (tmp_path_factory.mktemp(name) for name in ("short", "safe"))
    made(short, runs=True)
    made(safe, runs=False)
    before = judged(safe)
    changed = repaired(before, safe)
    for each in ALEMBIC:
        if each.is_by_hand:
            put_in(safe, each, changed[each.name])
    after = judged(safe)
    one, other = new_database("short"), new_database("safe")
    return Project(
        before, changed, after,
        walked("alembic", short, one, url_of(one), names), walked("alembic", safe, other, url_of(other), names),
    )  # fmt: skip


@pytest.mark.parametrize("hazard", ALEMBIC, ids=lambda each: each.rule)
def test_a_fixed_revision_passes_runs_and_ends_the_same(project: Project, hazard: Hazard) -> None:
    assert_repaired(project, hazard)


def test_every_rule_with_a_safe_form_has_one_for_alembic() -> None:
    assert {each.rule for each in ALEMBIC} == WITH_SAFE_FORM
