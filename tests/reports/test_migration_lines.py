"""What the gate judged, in each form: files with their findings, nothing of an audit's words."""

from msgspec.structs import replace

from pgadvisor.model.report import JudgedMigration, JudgedMigrations, Report
from pgadvisor.reports import html, labels, markdown, text
from pgadvisor.reports.migration_lines import migration_lines, outside, statements_text
from tests.reports.make_migration_report import FILE, migration_report

QUIET = JudgedMigration(file="db/migrations/0043_quiet.sql", tool="sql", statements=2, tried=1)
JUDGED = JudgedMigrations(
    files=(JudgedMigration(file=FILE, tool="sql", statements=3, tried=3), QUIET),
    tried_on="scratch server, PostgreSQL 18.1",
)


def gate_report() -> Report:
    """Of two migrations, without a database."""
    return replace(migration_report(), migrations=JUDGED, server=None)


def test_each_file_has_its_findings() -> None:
    first, second = migration_lines(gate_report())
    assert (first.migration.file, first.findings, second.findings) == (FILE, (1, 2, 3), ())
    assert outside(gate_report()) == ()
    assert outside(replace(gate_report(), migrations=replace(JUDGED, files=(QUIET,)))) == (1, 2, 3)


def test_how_many_statements_were_tried() -> None:
    assert statements_text(QUIET) == "2 statements, 1 tried"
    assert statements_text(replace(QUIET, tried=2)) == "2 statements, all tried"
    assert statements_text(replace(QUIET, tried=None)) == "2 statements"
    assert statements_text(replace(QUIET, unread="it is UTF-16")) == "could not be read: it is UTF-16"


def test_every_form_tells_of_migrations() -> None:
    report = gate_report()
    assert labels.source_label(report) == "2 migrations"
    for told in (text.render(report), markdown.render(report), html.render(report)):
        assert "Migrations" in told
        assert "0043_quiet.sql" in told
        for word in ("Fix first", "No gain is known", "statements without a database", f"{report.collected_at:%H:%M}"):
            assert word not in told
