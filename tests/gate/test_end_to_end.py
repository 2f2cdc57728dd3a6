"""A repository of each kind, gated as in CI: a safe pull request passes, each hazard fails with its line."""

import shutil
from pathlib import Path

import pytest

from tests.cli.run import pgadvisor, started_anew
from tests.gate.pull_request import commit, gated, write

SAMPLES = Path(__file__).parent / "samples"

INIT = """\
CREATE TABLE customers (id bigint PRIMARY KEY, name text, email varchar(50));
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id bigint, total numeric(10, 2), note text, at timestamptz
);
CREATE INDEX orders_at ON orders (at);
CREATE INDEX orders_customer_id ON orders (customer_id);
"""
SAFE = {
    "migrations/0002_column.up.sql": "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN state text;\n",
    "migrations/0002_column.down.sql": "SET lock_timeout = '2s';\nALTER TABLE orders DROP COLUMN state;\n",
    "migrations/0003_index.up.sql": "CREATE INDEX CONCURRENTLY orders_state ON orders (state);\n",
    "migrations/0003_index.down.sql": "DROP INDEX CONCURRENTLY orders_state;\n",
    "migrations/0004_tags.up.sql": "CREATE TABLE tags (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n text);\n"
    "CREATE INDEX tags_n ON tags (n);\n",
    "migrations/0004_tags.down.sql": "DROP TABLE tags;\n",
}
HAZARDS = {
    "index-not-concurrent": "CREATE INDEX orders_total ON orders (total)",
    "type-change-rewrites": "ALTER TABLE orders ALTER COLUMN total TYPE numeric(12, 4)",
    "set-not-null-scans": "ALTER TABLE orders ALTER COLUMN note SET NOT NULL",
    "foreign-key-validated-at-once": "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers",
    "check-validated-at-once": "ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0)",
    "volatile-default": "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid()",
    "unique-not-using-index": "ALTER TABLE customers ADD CONSTRAINT emails UNIQUE (email)",
    "required-column-without-default": "ALTER TABLE customers ADD COLUMN country text NOT NULL",
    "stored-generated-column": "ALTER TABLE orders ADD COLUMN twice numeric GENERATED ALWAYS AS (total * 2) STORED",
    "rename-column": "ALTER TABLE customers RENAME COLUMN name TO full_name",
    "drop-table": "DROP TABLE orders",
    "migration-fails": "ALTER TABLE invoices ADD COLUMN paid boolean",
}


def test_a_safe_pull_request_of_sql_files_passes(tmp_path: Path) -> None:
    commit(tmp_path, {"migrations/0001_init.up.sql": INIT, "migrations/0001_init.down.sql": "DROP TABLE orders;"})
    write(tmp_path, SAFE)
    outcome = gated(tmp_path, "migrations", "--base", "main")
    assert (outcome.code, outcome.found) == (0, set()), outcome.report["findings"]
    assert "All of them tried on a scratch server" in outcome.report["verdict"]["text"]


def test_each_hazard_fails_with_its_line(tmp_path: Path) -> None:
    commit(tmp_path, {"migrations/1_init.sql": INIT})
    expected = set()
    for number, (rule, text) in enumerate(HAZARDS.items(), start=2):
        file = f"migrations/{number}_change.sql"
        write(tmp_path, {file: "\n" * number + f"SET lock_timeout = '2s';\n{text};\n"})
        expected.add((rule, file, number + 2))
    outcome = gated(tmp_path, "migrations", "--base", "main")
    assert outcome.code == 1
    assert expected <= outcome.found


def test_what_was_seen_is_evidence(tmp_path: Path) -> None:
    text = "ALTER TABLE orders ALTER COLUMN total TYPE numeric(12, 4);\n"
    commit(tmp_path, {"migrations/1_init.sql": INIT})
    write(tmp_path, {"migrations/2_change.sql": text})
    seen = gated(tmp_path, "migrations", "--base", "main").evidence("type-change-rewrites")
    assert "traced: took ACCESS EXCLUSIVE on orders, rewrote orders and 3 indexes" in seen
    unseen = gated(tmp_path, "migrations", "--base", "main", "--no-trace").evidence("type-change-rewrites")
    assert not [each for each in unseen if each.startswith("traced")]


def test_a_way_back_that_does_not_lead_back_is_told(tmp_path: Path) -> None:
    commit(tmp_path, {"migrations/0001_init.up.sql": INIT, "migrations/0001_init.down.sql": "DROP TABLE orders;"})
    write(
        tmp_path,
        {
            "migrations/0002_state.up.sql": "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN state text;\n",
            "migrations/0002_state.down.sql": "SELECT 1;\n",
            "migrations/0003_note.up.sql": "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN more text;\n",
            "migrations/0003_note.down.sql": "\nALTER TABLE orders DROP COLUMN moar;\n",
        },
    )
    outcome = gated(tmp_path, "migrations", "--base", "main")
    told = {each["message"]: each["where"] for each in outcome.report["findings"]}
    fails = 'migration 0003_note fails on its way back: column "moar" of relation "orders" does not exist'
    leaves = "migration 0002_state has a way back that leaves column orders.state behind"
    assert (told[fails]["file"], told[fails]["line"]) == ("migrations/0003_note.down.sql", 2)
    assert told[leaves]["file"] == "migrations/0002_state.down.sql"


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    commit(tmp_path, {"migrations/1_init.sql": INIT})
    write(tmp_path, {f"migrations/{at}_change.sql": f"{text};\n" for at, text in enumerate(HAZARDS.values(), start=2)})
    reports = []
    for name, run in (("one", pgadvisor), ("other", started_anew)):
        also = [f"--also={tmp_path / name}.{end}" for end in ("html", "md", "sarif", "txt", "xml")]
        reports.append((gated(tmp_path, "migrations", "--base", "main", *also, run=run).report, name))
    (one, _), (other, _) = reports
    assert one == other
    for end in ("html", "md", "sarif", "txt", "xml"):
        assert (tmp_path / f"one.{end}").read_bytes() == (tmp_path / f"other.{end}").read_bytes(), end


ALEMBIC = '''\
"""{name}"""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{before}"


def upgrade():
    op.execute("SET lock_timeout = '2s'")
    {up}


def downgrade():
    {down}
'''


@pytest.fixture
def alembic(tmp_path: Path) -> Path:
    pytest.importorskip("alembic")
    root = tmp_path / "project"
    shutil.copytree(SAMPLES / "alembic", root)
    for odd in ("0c3d_index_total.py", "2e4f_rows.py"):
        (root / "alembic" / "versions" / odd).unlink()
    commit(root)
    return root


def test_a_safe_revision_of_alembic_passes(alembic: Path) -> None:
    up = 'op.add_column("orders", sa.Column("note", sa.Text))'
    text = ALEMBIC.format(name="0002", before="1a2b", up=up, down='op.drop_column("orders", "note")')
    write(alembic, {"alembic/versions/0002_note.py": text})
    outcome = gated(alembic, "alembic/versions", "--base", "main")
    assert (outcome.code, outcome.found) == (0, set()), outcome.report["findings"]
    assert "All of them tried" in outcome.report["verdict"]["text"]


@pytest.mark.parametrize(
    ("rule", "up", "down"),
    [
        ("index-not-concurrent", 'op.create_index("i", "orders", ["total"])', 'op.drop_index("i")'),
        ("set-not-null-scans", 'op.alter_column("orders", "total", nullable=False)', "pass"),
        ("migration-fails", 'op.drop_column("orders", "nope")', "pass"),
    ],
)
def test_a_hazard_of_alembic_fails_with_its_line(alembic: Path, rule: str, up: str, down: str) -> None:
    text = ALEMBIC.format(name="0002", before="1a2b", up=up, down=down)
    write(alembic, {"alembic/versions/0002_change.py": text})
    outcome = gated(alembic, "alembic/versions", "--base", "main")
    assert outcome.code == 1
    assert (rule, "alembic/versions/0002_change.py", 12) in outcome.found


DJANGO = """\
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.RunSQL("SET lock_timeout = '2s'", migrations.RunSQL.noop),
        {operation},
    ]
"""


@pytest.fixture
def django(tmp_path: Path) -> Path:
    pytest.importorskip("django")
    root = tmp_path / "project"
    shutil.copytree(SAMPLES / "django", root)
    for odd in ("0002_change.py", "0003_index.py"):
        (root / "shop" / "migrations" / odd).unlink()
    commit(root)
    return root


def test_a_safe_migration_of_django_passes(django: Path) -> None:
    operation = 'AddIndexConcurrently("order", models.Index(fields=["total"], name="order_total"))'
    write(django, {"shop/migrations/0002_index.py": DJANGO.format(operation=operation)})
    outcome = gated(django, "shop/migrations", "--base", "main")
    assert (outcome.code, outcome.found) == (0, set()), outcome.report["findings"]
    assert "All of them tried" in outcome.report["verdict"]["text"]


@pytest.mark.parametrize(
    ("rule", "operation"),
    [
        ("index-not-concurrent", 'migrations.AddIndex("order", models.Index(fields=["total"], name="order_total"))'),
        ("type-change-rewrites", 'migrations.RunSQL("ALTER TABLE shop_order ALTER total TYPE text", "SELECT 1")'),
        ("migration-fails", 'migrations.RunSQL("ALTER TABLE shop_order DROP COLUMN nope", "SELECT 1")'),
    ],
)
def test_a_hazard_of_django_fails_with_its_line(django: Path, rule: str, operation: str) -> None:
    write(django, {"shop/migrations/0002_change.py": DJANGO.format(operation=operation)})
    outcome = gated(django, "shop/migrations", "--base", "main")
    assert outcome.code == 1
    assert (rule, "shop/migrations/0002_change.py", 10) in outcome.found


def test_files_that_are_no_sql_are_told_and_judged_by_nobody(tmp_path: Path) -> None:
    write(tmp_path, {"migrations/1_notes.sql": "Dear team,\nplease deploy this; on Friday.\n"})
    outcome = gated(tmp_path, "migrations", "--no-trace")
    assert outcome.code == 2
    assert "1_notes.sql: it holds no SQL of PostgreSQL's: syntax error at or near" in outcome.stderr
    write(tmp_path, {"migrations/2_index.sql": "CREATE INDEX ON orders (total);\n"})
    outcome = gated(tmp_path, "migrations", "--no-trace")
    assert outcome.code == 1
    assert ("unread-migration", "migrations/1_notes.sql", 1) in outcome.found
    assert "1 migration could not be read." in outcome.report["verdict"]["text"]
