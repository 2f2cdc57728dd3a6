"""`pgadvisor gate` on bad input: a clear sentence, and 2 only where nothing could be judged."""

import shutil
from pathlib import Path

import pytest

from tests.cli.run import assert_refused, pgadvisor
from tests.gate.pull_request import commit, gated, write
from tests.gate.test_end_to_end import ALEMBIC, SAMPLES

INIT = "CREATE TABLE t (a int, b text);\n"


def gaps(report: dict[str, list[dict[str, str]]]) -> str:
    """What could not be looked at, as one text."""
    return "\n".join(f"{each['subject']}: {each['reason']}" for each in report["gaps"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\xe9\x00", "it is UTF-16: save it as UTF-8"),
        (b"ALTER TABLE t ADD c text DEFAULT '\xe9';", "it is not UTF-8 (line 1)"),
        (b"SELECT 1;\x00", "it holds a zero byte"),
    ],
)
def test_nothing_that_can_be_read_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "1.sql").write_bytes(content)
    assert_refused(pgadvisor("gate", tmp_path), "no migration could be read", words)


def test_nothing_to_judge_is_refused(tmp_path: Path) -> None:
    assert_refused(pgadvisor("gate", tmp_path), "there is no migration in what was given")
    assert_refused(pgadvisor("gate", tmp_path / "nix"), 'there is no "')
    write(tmp_path, {"1.sql": INIT})
    assert_refused(pgadvisor("gate", tmp_path, "--base", "main", folder=tmp_path), "is no git repository")
    assert_refused(pgadvisor("gate", tmp_path, "--scratch", "dbname=x", "--no-trace"), "leave one out")
    unreachable = "host=127.0.0.1 port=1 dbname=x"
    assert_refused(pgadvisor("gate", tmp_path, "--scratch", unreachable), "nothing listens at")


def test_what_is_read_is_judged_beside_what_is_not(tmp_path: Path) -> None:
    commit(tmp_path, {"m/1.sql": INIT})
    write(
        tmp_path,
        {
            "m/2_not.sql": "this is no sql;\n",
            "m/2_psql.sql": "\\set x 1\nALTER TABLE :tab ADD d int;\n",
            "m/3_template.sql": "ALTER TABLE {{ table }} ADD COLUMN f int;\nCREATE INDEX i ON t (a);\n",
            "m/4_copy.sql": "COPY t (a, b) FROM stdin;\n1\tx\n\\.\nALTER TABLE t ADD g int;\n",
        },
    )
    (tmp_path / "m" / "6_latin.sql").write_bytes(b"SELECT '\xe9';\n")
    outcome = gated(tmp_path, "m", "--base", "main")
    assert outcome.code == 1
    assert {each for each in outcome.found if each[0] != "lock-timeout-missing"} == {
        ("index-not-concurrent", "m/3_template.sql", 2),
        ("migration-fails", "m/2_not.sql", 1),
        ("unread-migration", "m/6_latin.sql", 1),
    }
    told = gaps(outcome.report)
    assert "psql's \\set is passed over" in told
    assert "the rows of COPY are left out" in told
    assert "templates in it are not filled in" in told


def test_a_statement_that_fails_is_told_with_file_line_and_the_servers_words(tmp_path: Path) -> None:
    commit(tmp_path, {"m/1.sql": INIT})
    write(tmp_path, {"m/2.sql": "SET lock_timeout = '2s';\n\nALTER TABLE t\n  DROP COLUMN nope;\n"})
    done = pgadvisor("gate", "m", "--base", "main", "--format", "github", folder=tmp_path)
    words = 'the migration fails: column "nope" of relation "t" does not exist'
    assert done.returncode == 1
    assert f"::error file=m/2.sql,line=3,title=migration-fails::{words}" in done.stdout


def test_a_migration_reaches_nothing_outside(tmp_path: Path) -> None:
    target = tmp_path / "written"
    text = f"COPY (SELECT 1) TO '{target}';\nDO $$ BEGIN PERFORM pg_read_file('/etc/passwd'); END $$;\n"
    write(tmp_path, {"m/1.sql": text})
    outcome = gated(tmp_path, "m")
    assert not target.exists()
    assert not [each for each in outcome.found if each[0] == "migration-fails"]
    assert gaps(outcome.report).count("it needs rights that a scratch server gives no migration") == 2


@pytest.fixture
def alembic(tmp_path: Path) -> Path:
    pytest.importorskip("alembic")
    root = tmp_path / "project"
    shutil.copytree(SAMPLES / "alembic", root)
    for odd in ("0c3d_index_total.py", "2e4f_rows.py"):
        (root / "alembic" / "versions" / odd).unlink()
    return root


def test_several_heads_are_told(alembic: Path) -> None:
    for name in ("aa", "bb"):
        text = ALEMBIC.format(name=name, before="1a2b", up="pass", down="pass")
        write(alembic, {f"alembic/versions/{name}.py": text})
    outcome = gated(alembic, "alembic/versions")
    assert outcome.code == 0
    assert {each[:2] for each in outcome.found} == {
        ("unread-migration", f"alembic/versions/{name}.py") for name in ("aa", "bb")
    }
    assert "one of 2 heads (aa, bb)" in outcome.report["verdict"]["headline"]


def test_a_cycle_of_revisions_is_told(alembic: Path) -> None:
    for name, before in (("aa", "bb"), ("bb", "aa")):
        text = ALEMBIC.format(name=name, before=before, up="pass", down="pass")
        write(alembic, {f"alembic/versions/{name}.py": text})
    assert_refused(pgadvisor("gate", "alembic/versions", folder=alembic), "no migration could be read", "Cycle")


def test_only_text_is_judged_where_nothing_is_to_be_run(tmp_path: Path) -> None:
    write(tmp_path, {"m/1.sql": INIT})
    report = gated(tmp_path, "m", "--no-trace").report
    not_run = {each["rule"]: each["reason"] for each in report["rules_not_run"]}
    assert not_run["migration-fails"] == "the migrations were not run on a scratch server"
    assert report["source"]["collected_at"] is None
    assert report["migrations"] == [{"file": "m/1.sql", "tool": "sql", "statements": 1, "tried": None, "unread": None}]
