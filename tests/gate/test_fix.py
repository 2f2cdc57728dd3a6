"""The safe form as a patch: the fixed migration passes the gate, for every rule that has SQL for its fault."""

import subprocess
from pathlib import Path

import pytest

from pgadvisor.advise.examples import facts_of
from pgadvisor.advise.registry import gate_rules
from pgadvisor.gate.examples import findings_in, migration_of
from pgadvisor.gate.find.find import find_migrations
from pgadvisor.gate.fix import FixedMigration, fixed
from pgadvisor.gate.fix_files import changed_files, patch_of
from pgadvisor.gate.running import findings_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.migration import Migration
from pgadvisor.rule import Example, Rule

RULES = tuple(each for each in gate_rules() if each.kind == "migration")
CASES = [
    pytest.param(rule, example, id=f"{rule.name}-{number}")
    for rule in RULES
    for number, example in enumerate(rule.bad)
    if any(each.remedy.sql and each.severity is not Severity.INFO for each in findings_in(rule, example))
]
FIRST = "CREATE TABLE orders (id bigint PRIMARY KEY, email text, number int);\n"
HAZARDS = """-- what for
ALTER TABLE orders ADD COLUMN note text;
CREATE INDEX orders_email_idx ON orders (email); -- fast
ALTER TABLE orders ALTER COLUMN email SET NOT NULL;
ALTER TABLE orders ALTER COLUMN number TYPE bigint;
"""
LAYOUTS = {
    "sql": {"changes/1_a.sql": "{first}", "changes/2_b.sql": "{second}"},
    "sql with BEGIN": {"changes/1_a.sql": "{first}", "changes/2_b.sql": "BEGIN;\n{second}\nCOMMIT;\n"},
    "goose": {
        "migrations/00001_a.sql": "-- +goose Up\n{first}\n-- +goose Down\nDROP TABLE orders;\n",
        "migrations/00002_b.sql": "-- +goose Up\n{second}\n-- +goose Down\nDROP INDEX orders_email_idx;\n",
    },
    "flyway": {"migration/V1__a.sql": "{first}", "migration/V2__b.sql": "{second}"},
    "dbmate": {
        "db/migrations/20240101000000_a.sql": "-- migrate:up\n{first}\n-- migrate:down\n",
        "db/migrations/20240201000000_b.sql": "-- migrate:up\n{second}\n-- migrate:down\nDROP INDEX old;\n",
    },
    "golang-migrate": {
        "migrations/0001_a.up.sql": "{first}",
        "migrations/0001_a.down.sql": "DROP TABLE orders;",
        "migrations/0002_b.up.sql": "{second}",
        "migrations/0002_b.down.sql": "DROP INDEX orders_email_idx;",
    },
    "sqlx": {
        "Cargo.toml": '[dependencies]\nsqlx = "0.8"\n',
        "migrations/20240101000000_a.sql": "{first}",
        "migrations/20240201000000_b.sql": "{second}",
    },
    "diesel": {
        "migrations/2024-01-01-000000_a/up.sql": "{first}",
        "migrations/2024-02-01-000000_b/up.sql": "{second}",
        "migrations/2024-02-01-000000_b/down.sql": "DROP INDEX orders_email_idx;",
    },
    "prisma": {
        "prisma/migrations/migration_lock.toml": "",
        "prisma/migrations/20240101000000_a/migration.sql": "{first}",
        "prisma/migrations/20240201000000_b/migration.sql": "{second}",
    },
}


def hazards(migrations: tuple[Migration, ...], gate: GateFacts) -> list[Finding]:
    """What the gate finds, words of information aside."""
    snapshot = gate.facts.snapshot if gate.facts else None
    steps = steps_of(migrations, version=gate.version, snapshot=snapshot)
    found = [each for rule in RULES for each in findings_of(rule, steps, gate)]
    return [each for each in found if each.severity is not Severity.INFO]


def fixed_example(example: Example) -> tuple[FixedMigration, list[Finding]]:
    facts = facts_of(example)
    migrations = (
        migration_of("1_earlier.sql", example.earlier, is_judged=False),
        migration_of("2_change.sql", example.migration, is_in_transaction=example.is_in_transaction),
    )
    version, known = example.version_num // 10_000, facts if example.tables else None
    changed = fixed(migrations, RULES, GateFacts(migrations, version=version, facts=known))
    assert len(changed) == 1, "nothing was fixed"
    after = (migrations[0], changed[0].after)
    return changed[0], hazards(after, GateFacts(after, version=version, facts=known))


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_a_fixed_migration_passes_the_gate(rule: Rule, example: Example) -> None:
    if example.migration.startswith("DO ") and example.migration.count(";") > 2:
        pytest.skip("a block of several statements is one transaction: the person who wrote it takes it apart")
    _, left = fixed_example(example)
    assert rule.name not in {each.rule for each in left}
    assert not [each.message for each in left if each.remedy.sql], "what has SQL is fixed"


def written(root: Path, files: dict[str, str], second: str) -> tuple[Migration, ...]:
    """The layout on disk, in a repository whose first commit has the first migration; the second is new."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if "{second}" not in text and "_b" not in name and "0002" not in name:
            path.write_text(text.format(first=FIRST))
    for line in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"]):
        subprocess.run(["git", *line], cwd=root, check=True)
    for name, text in files.items():
        if not (root / name).exists():
            (root / name).write_text(text.format(second=second))
    return judged(root)


def judged(root: Path) -> tuple[Migration, ...]:
    return find_migrations([root], base="HEAD", root=root)


def patch(migrations: tuple[Migration, ...], root: Path) -> str:
    gate = GateFacts(migrations, version=16)
    return patch_of(file for each in fixed(migrations, RULES, gate) for file in changed_files(each, root))


def apply(root: Path, text: str) -> tuple[Migration, ...]:
    """The migrations found after `git apply`."""
    subprocess.run(["git", "apply", "--whitespace=nowarn"], cwd=root, input=text.encode(), check=True)
    return judged(root)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_patch_of_each_tool_applies_and_passes_the_gate(layout: str, tmp_path: Path) -> None:
    before = written(tmp_path, LAYOUTS[layout], HAZARDS)
    found = {each.rule for each in hazards(before, GateFacts(before, version=16))}
    assert {"index-not-concurrent", "set-not-null-scans", "type-change-rewrites"} <= found
    after = apply(tmp_path, patch(before, tmp_path))
    assert hazards(after, GateFacts(after, version=16)) == []
    text = "\n".join(statement.text for each in after for statement in each.up)
    assert text.count("CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email)") == 1
    assert text.count("ADD COLUMN note text") == 1


def test_supabase_has_no_place_for_batches_and_gets_the_rest(tmp_path: Path) -> None:
    files = {f"supabase/migrations/2024{number}01000000_{name}.sql": f"{{{text}}}"
             for number, name, text in (("01", "a", "first"), ("02", "b", "second"))}  # fmt: skip
    before = written(tmp_path, files, "CREATE INDEX i ON orders (email);\nCREATE INDEX j ON orders (number);\n")
    after = apply(tmp_path, patch(before, tmp_path))
    assert hazards(after, GateFacts(after, version=16)) == []


def test_a_file_keeps_its_comments_line_ends_and_what_is_safe(tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_bytes(b"-- caf\xc3\xa9\r\nCREATE INDEX i ON a (b) ; -- why\r\nSELECT 1")
    found = find_migrations([tmp_path / "1.sql"], base=None, root=tmp_path)
    gate = GateFacts(found, version=16)
    (file,) = [file for each in fixed(found, RULES, gate) for file in changed_files(each, tmp_path)]
    assert file.new == "-- café\r\nCREATE INDEX CONCURRENTLY i ON a (b); -- why\r\nSELECT 1"


def test_no_number_is_taken_twice(tmp_path: Path) -> None:
    (tmp_path / "0001_a.up.sql").write_text("ALTER TABLE a ADD COLUMN c int; CREATE INDEX i ON a (b);")
    (tmp_path / "0002_b.up.sql").write_text("SELECT 1;")
    found = find_migrations([tmp_path / "0001_a.up.sql"], base=None, root=tmp_path)
    assert patch(found, tmp_path) == ""


def test_templates_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("CREATE INDEX i ON {{ schema }}.a (b);")
    found = find_migrations([tmp_path / "1.sql"], base=None, root=tmp_path)
    assert patch(found, tmp_path) == ""


def test_what_is_silenced_stays_as_it_is() -> None:
    migrations = (migration_of("1.sql", "CREATE INDEX i ON a (b);\nCREATE INDEX j ON a (b);"),)
    gate = GateFacts(migrations, version=16)
    (change,) = fixed(migrations, RULES, gate, {("index-not-concurrent", "1.sql", 1)})
    assert [each.text for each in change.after.up] == [
        "CREATE INDEX i ON a (b)",
        "CREATE INDEX CONCURRENTLY j ON a (b)",
    ]


def test_the_safe_clauses_of_a_statement_are_kept() -> None:
    sql = "ALTER TABLE a ADD COLUMN c int, ADD CONSTRAINT bound CHECK (b > 0), DROP CONSTRAINT old;"
    migrations = (migration_of("1.sql", sql),)
    (change,) = fixed(migrations, RULES, GateFacts(migrations, version=16))
    assert [each.text for each in change.after.up] == [
        "SET lock_timeout = '5s'",
        "ALTER TABLE a ADD COLUMN c int, DROP CONSTRAINT old",
        "ALTER TABLE a ADD CONSTRAINT bound CHECK (b > 0) NOT VALID",
        "ALTER TABLE a VALIDATE CONSTRAINT bound",
    ]


def test_no_timeout_of_ours_is_in_force_while_an_index_is_built_concurrently() -> None:
    sql = "ALTER TABLE a ADD COLUMN c int; CREATE INDEX i ON a (c); ALTER TABLE a ADD COLUMN d int;"
    migrations = (migration_of("1.sql", sql),)
    (change,) = fixed(migrations, RULES, GateFacts(migrations, version=16))
    assert [each.text for each in change.after.up] == [
        "SET lock_timeout = '5s'",
        "ALTER TABLE a ADD COLUMN c int",
        "RESET lock_timeout",
        "CREATE INDEX CONCURRENTLY i ON a (c)",
        "SET lock_timeout = '5s'",
        "ALTER TABLE a ADD COLUMN d int",
    ]
