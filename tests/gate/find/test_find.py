"""Migrations of every tool are found in a sample repository of each, in their order, with their transactions."""

import os
import shutil
import sys
import tempfile
import time
import venv
from functools import cache
from pathlib import Path

import pytest

from pgadvisor.errors import UsageError
from pgadvisor.gate.find.find import find_migrations
from pgadvisor.model.migration import Migration

SAMPLES = Path(__file__).parent.parent / "samples"


@cache
def found_in(sample: str) -> dict[str, Migration]:
    """The migrations of a sample repository, by name, in their order."""
    root = SAMPLES / sample
    return {each.name: each for each in find_migrations([root], base=None, root=root)}


def told(migration: Migration) -> list[tuple[int, bool, str]]:
    """Line, transaction and first words of each statement."""
    return [(each.line, each.is_in_transaction, " ".join(each.text.split()[:4])) for each in migration.up]


ORDERS = {
    "flyway": [
        "V1__create_orders", "V2__add_email", "V2.1__index_email", "V10__backfill", "R__orders_view", "V11_misnamed",
    ],
    "golang-migrate": ["000001_create_orders", "000002_index_total", "000010_add_note"],
    "dbmate": ["20240101000000_create_orders", "20240201000000_index_total"],
    "sqlx": ["20240101000000_create_orders", "20240201000000_index_total"],
    "diesel": ["2024-01-01-000000_create_orders", "2024-02-01-000000_index_total"],
    "goose": ["00001_create_orders", "00002_index_total"],
    "prisma": ["20240101000000_create_orders", "20240201000000_index_total"],
    "supabase": ["20240101000000_create_orders", "20240201000000_policy"],
    "sql": ["1_create_orders", "2_add_email", "10_rows"],
    "alembic": ["1a2b_create_orders", "0c3d_index_total", "2e4f_rows"],
    "django": [
        "contenttypes.0001_initial", "contenttypes.0002_remove_content_type_name",
        "shop.0001_initial", "shop.0002_change", "shop.0003_index",
    ],
}  # fmt: skip


@pytest.mark.parametrize("tool", ORDERS)
def test_each_tool_is_known_by_its_files_and_keeps_its_order(tool: str) -> None:
    found = found_in(tool)
    assert list(found) == ORDERS[tool]
    assert {each.tool for each in found.values()} == {tool}


@pytest.mark.parametrize("tool", [each for each in ORDERS if each not in ("alembic", "django", "flyway", "sql")])
def test_spans_are_those_of_the_file(tool: str) -> None:
    for migration in found_in(tool).values():
        text = (SAMPLES / tool / migration.file).read_text("utf-8")
        assert migration.up
        for each in migration.up:
            assert each.span is not None
            assert text[each.span.start : each.span.end] == each.text
            assert text.count("\n", 0, each.span.start) + 1 == each.line


def test_flyway_takes_what_must_run_alone_out_of_the_transaction() -> None:
    found = found_in("flyway")
    assert told(found["V2__add_email"])[0] == (1, True, "ALTER TABLE orders ADD")
    assert told(found["V2.1__index_email"]) == [(1, False, "CREATE INDEX CONCURRENTLY orders_email_idx")]
    assert told(found["V10__backfill"]) == [(1, False, "UPDATE __schema_.orders SET email")]
    assert found["V10__backfill"].remarks[0] == "line 1: the template's ${schema} is read as a name"
    down = found["V2__add_email"].down
    assert down is not None
    assert [each.text for each in down] == [
        "ALTER TABLE orders DROP COLUMN note",
        "ALTER TABLE orders DROP COLUMN email",
    ]
    assert found["V2__add_email"].down_file == "db/migration/U2__add_email.sql"
    assert "two underscores" in (found["V11_misnamed"].unread or "")


def test_one_message_is_one_transaction_when_it_holds_several_statements() -> None:
    found = found_in("golang-migrate")
    assert [each[1] for each in told(found["000001_create_orders"])] == [True, True]
    assert [each[1] for each in told(found["000002_index_total"])] == [False]
    found = found_in("prisma")
    assert [each[1] for each in told(found["20240101000000_create_orders"])] == [True, True]
    assert [each[1] for each in told(found["20240201000000_index_total"])] == [False]


@pytest.mark.parametrize("tool", ["dbmate", "sqlx", "diesel", "goose"])
def test_markers_take_a_migration_out_of_its_transaction(tool: str) -> None:
    first, second = found_in(tool).values()
    assert all(each.is_in_transaction for each in first.up)
    assert second.up
    assert second.up[0].text.startswith("CREATE INDEX CONCURRENTLY")
    assert not any(each.is_in_transaction for each in second.up)
    assert second.down is not None
    assert "DROP INDEX" in second.down[0].text


def test_goose_statements_with_semicolons_stay_whole() -> None:
    first = found_in("goose")["00001_create_orders"]
    assert [each[0] for each in told(first)] == [2, 5]
    assert first.down is not None
    assert [each.line for each in first.down] == [13, 14]


def test_plain_files_obey_begin_and_commit_and_carry_their_waivers() -> None:
    found = found_in("sql")
    assert told(found["1_create_orders"]) == [
        (1, True, "BEGIN"),
        (2, True, "CREATE TABLE orders (id"),
        (3, True, "COMMIT"),
    ]
    first, second = found["2_add_email"].up
    assert [(each.rules, each.reason, each.line) for each in first.waivers] == [
        (("missing-lock-timeout",), "nobody reads orders yet", 1),
        (("add-column",), None, 2),
    ]
    assert second.waivers == ()
    assert found["2_add_email"].down_file == "changes/2_add_email.down.sql"
    assert found["10_rows"].remarks == (
        "line 1: psql's \\set is passed over",
        "line 3: the rows of COPY are passed over",
        "line 7: psql's \\i is not followed: give the file that it names as well",
        "line 6: the template's :schema is read as a name",
        'line 6: the template\'s :"owner" is read as a name',
    )


def test_alembic_statements_stand_on_the_line_of_their_operation() -> None:
    found = found_in("alembic")
    assert told(found["0c3d_index_total"]) == [
        (11, True, "ALTER TABLE orders ADD"),
        (11, True, "ALTER TABLE orders ADD"),
        (13, False, "CREATE INDEX CONCURRENTLY orders_total_idx"),
        (20, True, "ALTER TABLE orders ALTER"),
    ]
    assert [each.rules for each in found["0c3d_index_total"].up[1].waivers] == [("missing-lock-timeout",)]
    assert found["0c3d_index_total"].up[2].waivers == ()
    assert found["0c3d_index_total"].down is None
    assert "BIGSERIAL" in found["1a2b_create_orders"].up[0].text
    assert [each.text for each in found["1a2b_create_orders"].down or ()] == ["DROP TABLE orders"]
    assert "line 10: AttributeError" in (found["2e4f_rows"].unread or "")


def test_django_statements_stand_on_the_line_of_their_operation() -> None:
    found = found_in("django")
    change = found["shop.0002_change"]
    assert [(each.line, each.text) for each in change.up] == [
        (12, "ALTER TABLE \"shop_order\" ADD COLUMN \"note\" text DEFAULT 'it''s' NOT NULL"),
        (12, 'ALTER TABLE "shop_order" ALTER COLUMN "note" DROP DEFAULT'),
        (14, 'ALTER TABLE "shop_customer" DROP CONSTRAINT "shop_customer_email_key"'),
        (14, 'ALTER TABLE "shop_customer" ALTER COLUMN "email" TYPE varchar(200)'),
        (14, 'DROP INDEX IF EXISTS "shop_customer_email_d3fdf104_like"'),
        (15, 'ALTER TABLE "shop_order" DROP CONSTRAINT "shop_order_customer_id_total_31eba77f_uniq"'),
        (16, 'DROP INDEX IF EXISTS "shop_customer_code_a46664c8"'),
        (16, 'DROP INDEX IF EXISTS "shop_customer_code_a46664c8_like"'),
        (17, 'SET CONSTRAINTS "shop_order_customer_id_f638df20_fk_shop_customer_id" IMMEDIATE'),
        (17, 'ALTER TABLE "shop_order" DROP CONSTRAINT "shop_order_customer_id_f638df20_fk_shop_customer_id"'),
        (17, 'ALTER TABLE "shop_order" DROP COLUMN "customer_id" CASCADE'),
        (18, "UPDATE shop_order SET total = 0"),
    ]
    assert change.remarks == ("line 13: what RunPython does is not seen",)
    assert [each.rules for each in change.up[0].waivers] == [("missing-lock-timeout",)]
    assert change.down is not None
    assert all(each.is_in_transaction for each in change.up)
    assert [each[1] for each in told(found["shop.0003_index"])] == [False, False]
    assert found["shop.0003_index"].down is None
    assert found["contenttypes.0001_initial"].file == "django/contrib/contenttypes/migrations/0001_initial.py"
    assert [each.is_judged for each in found.values()] == [False, False, True, True, True]


def test_of_a_file_its_siblings_come_as_history() -> None:
    root = SAMPLES / "goose"
    found = find_migrations([root / "migrations" / "00002_index_total.sql"], base=None, root=root)
    assert [(each.name, each.is_judged) for each in found] == [
        ("00001_create_orders", False),
        ("00002_index_total", True),
    ]


def test_of_a_plain_file_nothing_else_comes() -> None:
    root = SAMPLES / "sql"
    found = find_migrations([root / "changes" / "10_rows.sql"], base=None, root=root)
    assert [each.name for each in found] == ["10_rows"]


def test_in_a_repository_only_folders_of_migrations_count(tmp_path: Path) -> None:
    for name in ("queries/report.sql", "schema.sql", "db/migrations/1.sql", "db/migrations/2.sql"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("SELECT 1;")
    found = find_migrations([tmp_path], base=None, root=tmp_path)
    assert [each.file for each in found] == ["db/migrations/1.sql", "db/migrations/2.sql"]


def test_of_a_lone_file_nothing_below_its_directory_is_searched(tmp_path: Path) -> None:
    for name in ("1.sql", "below/V1__a.sql"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("SELECT 1;")
    assert [each.file for each in find_migrations([tmp_path / "1.sql"], base=None, root=tmp_path)] == ["1.sql"]


def test_go_migrations_of_goose_are_not_seen_and_told(tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "goose", tmp_path / "shop")
    (root / "migrations" / "00003_rows.go").write_text("package migrations\n")
    found = {each.name: each for each in find_migrations([root], base=None, root=root)}
    assert found["00003_rows"].unread == "it is written in Go: what it does is not seen"


def test_a_python_file_that_is_no_migration_is_told(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("print(1)\n")
    (found,) = find_migrations([tmp_path / "tool.py"], base=None, root=tmp_path)
    assert found.unread == "it is no migration of Alembic's or Django's"


def test_of_one_revision_the_others_come_as_history() -> None:
    root = SAMPLES / "alembic"
    path = root / "alembic" / "versions" / "0c3d_index_total.py"
    found = find_migrations([path], base=None, root=root)
    assert [(each.name, each.is_judged) for each in found] == [
        ("1a2b_create_orders", False), ("0c3d_index_total", True), ("2e4f_rows", False),
    ]  # fmt: skip


def test_an_environment_that_connects_is_told_and_stopped(tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "alembic", tmp_path / "shop")
    file = root / "alembic" / "env.py"
    file.write_text(file.read_text().replace("if context.is_offline_mode():", "if False:"))
    (found,) = find_migrations([root], base=None, root=root)
    assert "it connects to a database, and none is asked here" in (found.unread or "")
    assert not (root / "shop.db").exists()


@pytest.mark.parametrize(
    ("sample", "file"), [("alembic", "alembic/versions/2e4f_rows.py"), ("django", "site_settings.py")]
)
def test_code_that_connects_by_a_driver_is_stopped(sample: str, file: str, tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / sample, tmp_path / "shop")
    text = (root / file).read_text()
    (root / file).write_text(f"from psycopg import connect\nconnect('postgresql://me:secret@production/shop')\n{text}")
    (found,) = find_migrations([root], base=None, root=root)
    assert "it connects to a database, and none is asked here" in (found.unread or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read them")
def test_what_may_not_be_read_is_told() -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own lies where nobody else may go
        root = Path(place)
        root.chmod(0o755)
        closed, folder = root / "closed", root / "open"
        for each in (closed, folder):
            each.mkdir()
        for name in ("1_a.sql", "2_b.sql"):
            (folder / name).write_text("SELECT 1;")
        find_migrations([folder], base=None, root=root)  # what Python imports late may be closed to the other as well
        (folder / "2_b.sql").chmod(0)
        closed.chmod(0)
        os.seteuid(65534)
        try:
            for path in (closed, closed / "1_a.sql"):
                with pytest.raises(UsageError, match=r'" cannot be opened \(Permission denied\)'):
                    find_migrations([path], base=None, root=root)
            first, second = find_migrations([folder], base=None, root=root)
        finally:
            os.seteuid(0)
    assert (first.unread, second.unread) == (None, "it cannot be opened: Permission denied")


def test_a_link_to_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "1_init.sql").write_text("SELECT 1;")
    (tmp_path / "2_gone.sql").symlink_to("nowhere")
    (tmp_path / "3_loop.sql").symlink_to("3_loop.sql")
    (tmp_path / "again").symlink_to(tmp_path)
    found = {each.name: each.unread or "" for each in find_migrations([tmp_path], base=None, root=tmp_path)}
    assert found["1_init"] == ""
    assert found["2_gone"].startswith("it cannot be opened: No such file")
    assert found["3_loop"].startswith("it cannot be opened: Too many levels")
    assert len(found) == 3


def test_a_revision_without_a_configuration_is_told(tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "alembic", tmp_path / "shop")
    (root / "alembic.ini").unlink()
    for each in find_migrations([root], base=None, root=root):
        assert "there is no alembic.ini above it" in (each.unread or "")


def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match=r'there is no "gone\.sql"'):
        find_migrations([Path("gone.sql")], base=None, root=None)


def test_several_heads_are_named(tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "alembic", tmp_path / "shop")
    versions = root / "alembic" / "versions"
    text = (versions / "2e4f_rows.py").read_text().replace('"2e4f"', '"9f9f"')
    (versions / "9f9f_more.py").write_text(text)
    found = {each.name: each for each in find_migrations([root], base=None, root=root)}
    for name in ("2e4f_rows", "9f9f_more"):
        assert "2 heads (2e4f, 9f9f)" in (found[name].unread or "")
        assert "alembic merge heads" in (found[name].unread or "")
    assert found["1a2b_create_orders"].up


@pytest.mark.parametrize(("before", "word"), [('"2e4f"', "ycle"), ('"gone"', "gone")])
def test_a_graph_that_is_none_is_told(before: str, word: str, tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "alembic", tmp_path / "shop")
    file = root / "alembic" / "versions" / "1a2b_create_orders.py"
    file.write_text(file.read_text().replace("down_revision = None", f"down_revision = {before}"))
    (found,) = find_migrations([root], base=None, root=root)
    assert found.file == "alembic.ini"
    assert word in (found.unread or "")
    assert "Traceback" not in (found.unread or "")


def test_two_last_migrations_of_a_django_app_are_named(tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "django", tmp_path / "shop")
    folder = root / "shop" / "migrations"
    shutil.copy(folder / "0003_index.py", folder / "0003_other.py")
    found = {each.name: each for each in find_migrations([root / "shop"], base=None, root=root)}
    assert "0003_index, 0003_other" in (found["shop.0003_other"].unread or "")
    assert found["shop.0002_change"].up


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ("import nowhere\n", "no module nowhere"),
        ("raise SystemExit('no')\n", "SystemExit: no"),
        ("1 +\n", "SyntaxError"),
    ],
)
def test_a_django_project_that_cannot_be_imported_says_why(settings: str, word: str, tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "django", tmp_path / "shop")
    (root / "site_settings.py").write_text(settings)
    (found,) = find_migrations([root], base=None, root=root)
    assert (found.file, found.up) == ("manage.py", ())
    assert word in (found.unread or "")


def test_nothing_of_ours_or_of_a_real_database_is_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://root:secret@production/shop")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    root = shutil.copytree(SAMPLES / "django", tmp_path / "shop")
    (root / "site_settings.py").write_text("import os\nraise SystemExit('secret' in str(dict(os.environ)))\n")
    (found,) = find_migrations([root], base=None, root=root)
    assert "SystemExit: False" in (found.unread or "")


def test_three_hundred_files_take_a_second(tmp_path: Path) -> None:
    for number in range(300):
        text = f"CREATE TABLE t{number} (id bigint, note text DEFAULT 'a;b');\nCREATE INDEX ON t{number} (id);\n" * 5
        (tmp_path / f"V{number}__step.sql").write_text(text)
    start = time.process_time()
    found = find_migrations([tmp_path], base=None, root=tmp_path)
    assert len(found) == 300
    assert sum(len(each.up) for each in found) == 3000
    assert time.process_time() - start < 1


def test_a_venv_without_the_package_leaves_the_work_to_ours(tmp_path: Path) -> None:
    root = shutil.copytree(SAMPLES / "alembic", tmp_path / "shop")
    venv.create(root / ".venv", symlinks=True)
    assert [each.name for each in find_migrations([root], base=None, root=root)] == ORDERS["alembic"]


def test_a_python_that_has_the_package_nowhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shutil.copytree(SAMPLES / "alembic", tmp_path / "shop")
    venv.create(root / ".venv", symlinks=True)
    monkeypatch.setattr(sys, "executable", str(root / ".venv" / "bin" / "python"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    (found,) = find_migrations([root], base=None, root=root)
    assert "`.venv/bin/python -m pip install alembic`" in (found.unread or "")
