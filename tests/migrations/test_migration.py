"""Migration files carried out by the tools they are for, up and down."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL

from pgadvisor.migrations.migration import MigrationKind, migration
from pgadvisor.sql.canonical import canonical
from pgadvisor.sql.splitter import split_statements
from tests.migrations.fix_hard_schema import CANDIDATES, DROPPED, advice, indexes
from tests.rules.fix_audited import execute

ENV = """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ALEMBIC = """
import sys
from alembic import command
from alembic.config import Config

config = Config()
config.set_main_option("script_location", sys.argv[1])
config.set_main_option("sqlalchemy.url", sys.argv[2].replace("%", "%%"))
getattr(command, sys.argv[3])(config, sys.argv[4])
"""
DJANGO = """
import sys
import django
from django.conf import settings
from django.core.management import call_command

sys.path.insert(0, sys.argv[1])
options = dict(each.split("=", 1) for each in sys.argv[4:])
options["ENGINE"] = "django.db.backends.postgresql"
settings.configure(INSTALLED_APPS=["shop"], DATABASES={"default": options})
django.setup()
call_command("sqlmigrate", "shop", "0001", verbosity=0)
call_command("migrate", "shop", sys.argv[2], verbosity=0)
"""


def run(script: str, *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run_sql(dsn: str, text: str, directory: Path) -> Callable[[str], None]:
    up, down = text.split("\n-- down\n")
    ways = {"up": up, "down": "\n".join(line.removeprefix("--").removeprefix(" ") for line in down.split("\n"))}
    return lambda way: execute(dsn, ways[way])


def run_alembic(dsn: str, text: str, directory: Path) -> Callable[[str], None]:
    (directory / "versions").mkdir()
    (directory / "env.py").write_text(ENV)
    (directory / "versions" / "advice.py").write_text(text)
    told = conninfo_to_dict(dsn)
    url = URL.create(
        "postgresql+psycopg",
        username=str(told.get("user", "")) or None,
        password=str(told.get("password", "")) or None,
        database=str(told["dbname"]),
        query={"host": str(told["host"]), "port": str(told.get("port", 5432))},
    ).render_as_string(hide_password=False)
    where = {"up": ("upgrade", "head"), "down": ("downgrade", "base")}
    return lambda way: run(ALEMBIC, str(directory), url, *where[way])


def run_django(dsn: str, text: str, directory: Path) -> Callable[[str], None]:
    app = directory / "shop" / "migrations"
    app.mkdir(parents=True)
    for each in (app.parent, app):
        (each / "__init__.py").touch()
    (app / "0001_advice.py").write_text(text)
    told = conninfo_to_dict(dsn)
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    options = [f"{names[key]}={value}" for key, value in told.items() if key in names]
    return lambda way: run(DJANGO, str(directory), {"up": "0001", "down": "zero"}[way], "", *options)


RUNNERS = {"sql": run_sql, "alembic": run_alembic, "django": run_django}


@pytest.mark.parametrize("kind", get_args(MigrationKind))
def test_up_makes_what_was_advised_and_down_leads_back(database: str, tmp_path: Path, kind: MigrationKind) -> None:
    creates, drops = advice(database)
    before = indexes(database)
    text = migration(kind, creates, drops)
    run_way = RUNNERS[kind](database, text, tmp_path)
    run_way("up")
    after = indexes(database)
    assert len(after) == len(before) + len(CANDIDATES) - len(DROPPED) + 2 * 4 - 4
    assert all(is_valid for _, is_valid, _ in after)
    made = {definition for definition, _, _ in after - before}
    for each in creates:
        name = each.definition.split(" ON ")[0].removeprefix("CREATE INDEX ")
        found = [one for one in made if one.startswith(f"CREATE INDEX {name} ON ")]
        assert len(found) == 1, name
        assert _predicate(found[0]) == _predicate(each.definition)
    run_way("down")
    assert indexes(database) == before


def _predicate(definition: str) -> str:
    return canonical(definition.partition(" WHERE ")[2])


def test_statements_are_the_advice_s_own(database: str) -> None:
    creates, drops = advice(database)
    statements = [each.text for each in split_statements(migration("sql", creates, drops).split("\n-- down\n")[0])]
    told = [text for each in (*creates, *drops) for text in (part.text for part in split_statements(each.sql))]
    assert sorted(each for each in statements if not each.startswith(("SET ", "RESET "))) == sorted(told)
