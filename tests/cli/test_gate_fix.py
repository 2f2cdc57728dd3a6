"""`pgadvisor gate --fix`: a patch on stdout, what it leaves on stderr, and the exit code of what is left."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.run import assert_refused, pgadvisor

INDEX = "CREATE INDEX orders_email_idx ON orders (email);\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "migrations").mkdir()
    return tmp_path


def test_the_patch_applies_and_the_gate_passes(folder: Path) -> None:
    (folder / "migrations" / "1_a.sql").write_text(INDEX)
    done = pgadvisor("gate", "migrations", "--fix", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "+CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email);" in done.stdout
    assert "git apply" in done.stderr
    subprocess.run(["git", "apply"], cwd=folder, input=done.stdout, text=True, check=True)
    assert pgadvisor("gate", "migrations", "--no-trace", "--fail-on", "warning", folder=folder).returncode == 0


def test_what_has_no_safe_form_is_named_and_fails(folder: Path) -> None:
    (folder / "migrations" / "1_a.sql").write_text(f"{INDEX}ALTER TABLE orders RENAME COLUMN a TO b;\n")
    done = pgadvisor("gate", "migrations", "--fix", folder=folder)
    assert done.returncode == 1
    assert "Left: migrations/1_a.sql:2: rename-column" in done.stderr
    assert "CONCURRENTLY" in done.stdout


def test_what_is_waived_stays(folder: Path) -> None:
    text = f"-- pgadvisor: ignore index-not-concurrent (the table is empty)\n{INDEX}"
    (folder / "migrations" / "1_a.sql").write_text(text)
    done = pgadvisor("gate", "migrations", "--fix", folder=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing to patch" in done.stderr


def test_a_patch_goes_to_a_file_and_with_no_form(folder: Path) -> None:
    (folder / "migrations" / "1_a.sql").write_text(INDEX)
    assert pgadvisor("gate", "migrations", "--fix", "-o", "safe.patch", "--quiet", folder=folder).returncode == 0
    assert (folder / "safe.patch").read_text().startswith("diff --git a/migrations/1_a.sql")
    assert_refused(pgadvisor("gate", "migrations", "--fix", "--format", "json", folder=folder), "--format")
    assert_refused(pgadvisor("gate", "migrations", "--fix", "--redact", folder=folder), "--redact")
