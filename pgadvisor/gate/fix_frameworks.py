"""Migrations of Alembic and Django in their safe form: files rewritten, and code for the findings in them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace

from pgadvisor.gate.fix import FRAMEWORKS, FixedMigration
from pgadvisor.gate.fix_alembic import alembic_fix
from pgadvisor.gate.fix_django import django_fix
from pgadvisor.gate.fix_files import ChangedFile
from pgadvisor.gate.fix_operations import OperationCode, PythonFix, statements_after
from pgadvisor.gate.fix_python import read_python
from pgadvisor.model.finding import Finding
from pgadvisor.model.migration import Migration
from pgadvisor.model.record import Record
from pgadvisor.model.report import Report


class FixedPython(Record):
    """A framework's migration in its safe form."""

    name: str
    """Its file, from the project's root."""
    codes: tuple[OperationCode, ...]
    """Of each operation that changes, in the order of their lines."""
    file: ChangedFile | None
    """None: nothing in it can be rewritten."""
    after: Migration
    """Once the file is rewritten."""

    @property
    def left(self) -> tuple[OperationCode, ...]:
        """What a person has to put in."""
        return tuple(each for each in self.codes if each.why)


def fixed_python(fixed: FixedMigration, root: Path) -> FixedPython:
    """A changed migration of a framework, as Python."""
    migration = fixed.before
    path = root / migration.file
    source = None if Path(migration.file).is_absolute() else read_python(path)
    found: PythonFix = (alembic_fix if migration.tool == "alembic" else django_fix)(fixed, source)
    if source is None or found.text is None:
        return FixedPython(name=migration.file, codes=found.codes, file=None, after=migration)
    leaves = migration.tool == "django" and any(each.is_apart for each in found.written)
    return FixedPython(
        name=migration.file,
        codes=found.codes,
        file=ChangedFile(name=migration.file, old=source.text, new=found.text),
        after=replace(migration, up=statements_after(fixed, found.written, leaves=leaves)),
    )


def wants_code(report: Report, migrations: Iterable[Migration]) -> bool:
    """Whether a finding with SQL stands in a migration of a framework."""
    files = {each.file for each in migrations if each.tool in FRAMEWORKS}
    return any(each.remedy.sql and each.where.file in files for each in report.findings)


def with_code(report: Report, changed: Sequence[FixedPython]) -> Report:
    """The report with the code beside the SQL of each finding that stands in these migrations."""
    codes = {(each.name, code.line): code.code for each in changed for code in each.codes}

    def told(finding: Finding) -> Finding:
        code = codes.get((finding.where.file or "", finding.where.line or 0))
        if code is None or finding.remedy.sql is None:
            return finding
        return replace(finding, remedy=replace(finding.remedy, code=code))

    return replace(report, findings=tuple(map(told, report.findings)))
