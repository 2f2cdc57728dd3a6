"""Python files rewritten: all but the operation stays as it is, and what cannot be told is left to a person."""

import subprocess
from pathlib import Path

import pytest

from pgadvisor.gate.fix import fixed
from pgadvisor.gate.fix_alembic import NOT_ALONE
from pgadvisor.gate.fix_frameworks import FixedPython, fixed_python
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.migration import Migration, MigrationStatement, MigrationTool
from tests.cli.run import pgadvisor
from tests.gate.pull_request import commit, gated, write
from tests.gate.test_end_to_end import ALEMBIC, alembic
from tests.gate.test_fix import RULES

__all__ = ["alembic"]

INDEX = "CREATE INDEX i ON orders (total)"
REVISION = "from alembic import op\n\n\ndef upgrade():\n{}\n\n\ndef downgrade():\n    pass\n"
CALL = 'op.create_index("i", "orders", ["total"])'
DJANGO = (
    "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
    '    """What for."""\n\n    atomic = True\n    operations = [{}]\n'
)


def rewritten(tool: MigrationTool, text: str, root: Path, line: int, sql: str = INDEX) -> FixedPython:
    """The file, whose operation on that line makes that statement, in its safe form."""
    (root / "m.py").write_bytes(text.encode())
    made = Migration(file="m.py", tool=tool, name="m", up=(MigrationStatement(text=sql, line=line),), down=())
    (change,) = fixed((made,), RULES, GateFacts((made,), version=18))
    return fixed_python(change, root)


def new_text(found: FixedPython) -> str:
    assert found.file is not None
    assert not found.left
    return found.file.new


def test_line_ends_tabs_comments_and_wide_letters_stay(tmp_path: Path) -> None:
    text = REVISION.format(f'\tif "é":  # é\n\t\t{CALL}  # why').replace("\n", "\r\n")
    found = new_text(rewritten("alembic", text, tmp_path, 6))
    block = "\t\twith op.get_context().autocommit_block():\r\n\t\t\t"
    safe = CALL.replace(")", ", postgresql_concurrently=True)")
    assert found == text.replace(f"\t\t{CALL}", block + safe)


@pytest.mark.parametrize(
    "body",
    [
        f"    for name in NAMES:\n        {CALL}",
        f"    def inner():\n        {CALL}\n    inner()",
        f"    pass\n    {CALL}; {CALL}",
        f"    with op.batch_alter_table('orders') as batch:\n        batch.{CALL[3:]}",
        "    import os\n    op.execute(f\"CREATE INDEX i ON {os.environ['T']} (total)\")",
        "    name = 'orders'\n    op.execute(f'CREATE UNIQUE INDEX i ON {name} (total)' + helper())",
    ],
)
def test_what_cannot_be_told_is_left_to_a_person(tmp_path: Path, body: str) -> None:
    found = rewritten("alembic", REVISION.format(body), tmp_path, 6)
    assert found.file is None
    assert [each.why for each in found.left] == [NOT_ALONE]
    assert 'op.execute("CREATE INDEX CONCURRENTLY i ON orders (total)")' in found.left[0].code


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"# coding: latin-1\n", b"def (:\n"])
def test_a_file_in_another_encoding_or_with_a_fault_stays(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "m.py"
    path.write_bytes(start + REVISION.format(f"    {CALL}").encode())
    made = Migration(file="m.py", tool="alembic", name="m", up=(MigrationStatement(text=INDEX, line=5),), down=())
    (change,) = fixed((made,), RULES, GateFacts((made,), version=18))
    assert fixed_python(change, tmp_path).file is None


def test_a_django_migration_on_one_line(tmp_path: Path) -> None:
    operation = 'migrations.AddIndex("order", models.Index(fields=["total"], name="i"))'
    found = new_text(rewritten("django", DJANGO.format(operation), tmp_path, 8))
    expected = DJANGO.replace("atomic = True", "atomic = False").format(operation.replace(
        "migrations.AddIndex", "AddIndexConcurrently"))  # fmt: skip
    assert found == f"from django.contrib.postgres.operations import AddIndexConcurrently\n{expected}"


def test_the_command_shows_code_and_rewrites_files(alembic: Path) -> None:
    for name, before, up in (
        ("0002", "1a2b", CALL),
        ("0003", "0002", 'op.alter_column("orders", "total", new_column_name="sum")'),
    ):
        text = ALEMBIC.format(name=name, before=before, up=up, down="pass")
        write(alembic, {f"alembic/versions/{name}.py": text})
    code = {each["rule"]: each["remedy"]["code"] for each in
            gated(alembic, "alembic/versions", "--base", "main", "--no-trace").report["findings"]}  # fmt: skip
    assert code["index-not-concurrent"].startswith("with op.get_context().autocommit_block():\n    op.create_index(")
    assert "# in downgrade(), instead of" in code["rename-column"]
    done = pgadvisor("gate", "alembic/versions", "--base", "main", "--fix", folder=alembic)
    assert "Patch of 1 file: " in done.stderr
    assert "By hand: alembic/versions/0003.py:12: it stands beside the old" in done.stderr
    assert 'op.execute("ALTER TABLE orders ADD COLUMN sum numeric")' in done.stderr
    subprocess.run(["git", "apply"], cwd=alembic, input=done.stdout.encode(), check=True)
    left = gated(alembic, "alembic/versions", "--base", "main", "--no-trace").found
    assert {each[0] for each in left} == {"rename-column"}
    commit(alembic)
