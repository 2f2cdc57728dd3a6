"""The migrations that the gate judged, each with what was found in it: shared by all forms of the report."""

from typing import NamedTuple

from pgadvisor.model.report import JudgedMigration, Report
from pgadvisor.reports import format_numbers as numbers


class MigrationLine(NamedTuple):
    """A file, and the numbers of the findings in it."""

    migration: JudgedMigration
    findings: tuple[int, ...]


def migration_lines(report: Report) -> tuple[MigrationLine, ...]:
    """The files in the order in which they run; what was found in no file of theirs is in none."""
    found: dict[str, list[int]] = {}
    for number, finding in enumerate(report.findings, start=1):
        if finding.where.file is not None:
            found.setdefault(finding.where.file, []).append(number)
    files = {each.file: each for each in (report.migrations.files if report.migrations else ())}
    return tuple(
        MigrationLine(each, tuple(sorted(number for name in _names(each) for number in found.get(name, ()))))
        for each in files.values()
    )


def outside(report: Report) -> tuple[int, ...]:
    """The findings that stand in none of these files."""
    inside = {number for line in migration_lines(report) for number in line.findings}
    return tuple(number for number in range(1, len(report.findings) + 1) if number not in inside)


def statements_text(migration: JudgedMigration) -> str:
    """`4 statements, all tried`, `4 statements, 3 tried`, or why there are none."""
    if migration.unread is not None:
        return f"could not be read: {migration.unread}"
    count = numbers.plural(migration.statements, "statement")
    if migration.tried is None or not migration.statements:
        return count
    return f"{count}, {'all' if migration.tried == migration.statements else f'{migration.tried:,}'} tried"


def _names(migration: JudgedMigration) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (migration.file, migration.down_file) if name is not None))
