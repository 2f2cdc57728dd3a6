"""A project of Alembic or Django with a migration a hazard: judged, repaired, and run step by step on a server."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pgadvisor.gate.find.find import find_migrations
from pgadvisor.gate.fix import fixed
from pgadvisor.gate.fix_files import patch_of
from pgadvisor.gate.fix_frameworks import FixedPython, fixed_python
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.migration import Migration
from tests.gate.pull_request import git
from tests.gate.python_hazards import Hazard
from tests.gate.test_fix import CASES, RULES, hazards

VERSION = 18
NOT_HERE = frozenset(("drop-table-with-foreign-keys", "if-not-exists-skips"))
"""The SQL of one comes from a snapshot alone; where the other would stand in a transaction, that is what is found."""
WITH_SAFE_FORM = frozenset(str(case.id).rpartition("-")[0] for case in CASES) - NOT_HERE
_STEPS = """
import json, sys
import psycopg

SCHEMA = '''
SELECT format('column %s.%s %s %s %s', c.relname, a.attname, format_type(atttypid, atttypmod), attnotnull, attidentity)
       || coalesce(' = ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v')
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT format('constraint %s.%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL SELECT format('index %s %s', pg_get_indexdef(indexrelid), indisvalid)
FROM pg_index JOIN pg_class c ON c.oid = indexrelid AND c.relnamespace = 'public'::regnamespace
UNION ALL SELECT format('trigger %s', pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT format('function %s', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT format('label %s.%s', enumtypid::regtype, enumlabel) FROM pg_enum
UNION ALL SELECT format('sequence %s', oid::regclass) FROM pg_class WHERE relkind = 'S'
'''

def printed(dsn):
    with psycopg.connect(dsn) as connection:
        return sorted(line for (line,) in connection.execute(SCHEMA))

def walk(dsn, names, up, down, start):
    up(start)
    found, before = {}, printed(dsn)
    for name in names:
        up(name)
        after = printed(dsn)
        found[name] = {"gone": sorted({*before} - {*after}), "new": sorted({*after} - {*before})}
        before = after
    for name, back_to in zip(reversed(names), [*reversed(names[:-1]), start]):
        down(back_to)
        after = printed(dsn)
        found[name]["gone_back"] = sorted({*before} - {*after})
        found[name]["new_back"] = sorted({*after} - {*before})
        before = after
    return found
"""
_ALEMBIC = (
    _STEPS
    + """
from alembic import command
from alembic.config import Config

root, dsn, url, out, *names = sys.argv[1:]
config = Config()
config.set_main_option("script_location", root + "/alembic")
config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
up, down = (lambda name: command.upgrade(config, name)), (lambda name: command.downgrade(config, name))
found = walk(dsn, names, up, down, "start")
json.dump(found, open(out, "w"))
"""
)
_DJANGO = (
    _STEPS
    + """
import os
import django
from django.conf import settings
from django.core.management import call_command

root, dsn, options, out, *names = sys.argv[1:]
os.chdir(root)
sys.path.insert(0, root)
settings.configure(
    INSTALLED_APPS=["shop"], DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **json.loads(options)}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
migrate = lambda name: call_command("migrate", "shop", name, verbosity=0)
found = walk(dsn, names, migrate, migrate, "0001_start")
migrate(names[-1])
call_command("makemigrations", check=True, dry_run=True, verbosity=1)
json.dump(found, open(out, "w"))
"""
)


class Walk(NamedTuple):
    """What one migration did to the schema, up and back down."""

    up: tuple[frozenset[str], frozenset[str]]
    """Lines of the schema's description that went, and that came."""
    down: tuple[frozenset[str], frozenset[str]]

    def without(self, more: str | None) -> "Walk":
        """But for lines that begin so."""

        def kept(lines: frozenset[str]) -> frozenset[str]:
            return frozenset(each for each in lines if more is None or not each.startswith(more))

        return Walk(up=(kept(self.up[0]), kept(self.up[1])), down=(kept(self.down[0]), kept(self.down[1])))


def walked(tool: str, root: Path, dsn: str, connection: str, names: list[str]) -> Mapping[str, Walk]:
    """Each migration carried out by its tool, one after the other, and all of them taken back."""
    out = root / "walked.json"
    script = {"alembic": _ALEMBIC, "django": _DJANGO}[tool]
    command = [sys.executable, "-c", script, str(root), dsn, connection, str(out), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return {
        name: Walk(
            up=(frozenset(each["gone"]), frozenset(each["new"])),
            down=(frozenset(each["gone_back"]), frozenset(each["new_back"])),
        )
        for name, each in json.loads(out.read_text()).items()
    }


class Judged(NamedTuple):
    """What the gate says of a project."""

    migrations: tuple[Migration, ...]
    found: Mapping[str, set[str]]
    """Rules by the file's stem."""
    lines: Mapping[str, str]


def judged(root: Path) -> Judged:
    """All that the gate finds by text, words of information aside."""
    migrations = find_migrations([root], base="main", root=root)
    assert not [each.unread for each in migrations if each.unread]
    found: dict[str, set[str]] = {}
    messages: dict[str, str] = {}
    for each in hazards(migrations, GateFacts(migrations, version=VERSION)):
        stem = Path(each.where.file or "").stem
        found.setdefault(stem, set()).add(each.rule)
        messages[stem] = f"{messages.get(stem, '')}\n{each.where.line}: {each.rule}: {each.message}"
    return Judged(migrations, found, messages)


def repaired(before: Judged, root: Path) -> dict[str, FixedPython]:
    """The files in their safe form, applied to the project as git applies them; what is left to a person, untouched."""
    gate = GateFacts(before.migrations, version=VERSION)
    changed = [fixed_python(each, root) for each in fixed(before.migrations, RULES, gate)]
    patch = patch_of(each.file for each in changed if each.file)
    (root / "safe.patch").write_text(patch)
    git(root, "apply", "safe.patch")
    return {Path(each.name).stem: each for each in changed}


class Project(NamedTuple):
    """A project before and after `--fix`, and what both do to a database."""

    before: Judged
    changed: Mapping[str, FixedPython]
    after: Judged
    short: Mapping[str, Walk]
    safe: Mapping[str, Walk]


def assert_repaired(project: Project, hazard: Hazard) -> None:
    """The hazard was found, is gone, and its safe form leads where the short way does, up and back."""
    name = hazard.name
    assert hazard.rule in project.before.found[name]
    assert name not in project.after.found, project.after.lines[name]
    changed, short, safe = project.changed[name], project.short[name], project.safe[name]
    assert (bool(changed.left), changed.file is None) == (hazard.is_by_hand, hazard.is_by_hand)
    if hazard.is_by_hand:
        assert safe.down == (safe.up[1], safe.up[0]) or hazard.rule == "rename-enum-value"  # a label cannot go
    elif not hazard.fails:
        assert safe.without(hazard.more) == short
        assert (hazard.more is None) == (safe == short)
