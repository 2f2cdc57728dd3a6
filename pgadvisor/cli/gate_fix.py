"""`pgadvisor gate --fix`: the migrations in their safe form, as a patch; and as code beside the findings of Python."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pgadvisor.advise.queries import read_queries
from pgadvisor.cli import output
from pgadvisor.cli.terminal import errors
from pgadvisor.errors import UsageError
from pgadvisor.facts import Facts
from pgadvisor.gate.find.find import project_root
from pgadvisor.gate.fix import FRAMEWORKS, FixedMigration, fixed
from pgadvisor.gate.fix_files import ChangedFile, changed_files, patch_of
from pgadvisor.gate.fix_frameworks import FixedPython, fixed_python, wants_code, with_code
from pgadvisor.gate.judge import LATEST_MAJOR
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.migration import Migration
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.rule import Rule

_SHOWN = 10


class Patched(NamedTuple):
    """What `--fix` comes to."""

    patch: str
    after: tuple[Migration, ...]
    """The migrations as they are after the patch."""
    by_hand: tuple[FixedPython, ...]
    """Python with changes that a person has to put in."""


def patched(
    migrations: Sequence[Migration],
    rules: Sequence[Rule],
    report: Report,
    snapshot: Snapshot | None,
    paths: Sequence[Path],
) -> Patched:
    """The patch of all that has a safe form, and the migrations as they are after it.

    What is waived, or known by a baseline, stays as it is.
    """
    root = project_root(paths)
    files: list[ChangedFile] = []
    by_hand: list[FixedPython] = []
    after = {each.file: each for each in migrations}
    for each in _fixed(migrations, rules, report, snapshot):
        if each.before.tool in FRAMEWORKS:
            python = fixed_python(each, root)
            files += [python.file] if python.file else []
            by_hand += [python] if python.left else []
            after[each.before.file] = python.after
        elif made := changed_files(each, root):
            files += made
            after[each.before.file] = each.after
    return Patched(patch_of(files), tuple(after[each.file] for each in migrations), tuple(by_hand))


def coded(
    report: Report,
    migrations: Sequence[Migration],
    rules: Sequence[Rule],
    snapshot: Snapshot | None,
    paths: Sequence[Path],
) -> Report:
    """The report with Python for the findings that stand in migrations of Alembic or Django."""
    if not wants_code(report, migrations):
        return report
    root = project_root(paths)
    changed = _fixed(migrations, rules, report, snapshot)
    return with_code(report, [fixed_python(each, root) for each in changed if each.before.tool in FRAMEWORKS])


def _fixed(
    migrations: Sequence[Migration], rules: Sequence[Rule], report: Report, snapshot: Snapshot | None
) -> tuple[FixedMigration, ...]:
    taken = [each for each in report.findings if each.status == "known"]
    silenced = {_place(each) for each in (*taken, *(one.finding for one in report.waived))}
    facts = Facts(snapshot, read_queries(snapshot)[0]) if snapshot else None
    version = snapshot.server.major if snapshot and snapshot.server else LATEST_MAJOR
    gate = GateFacts(migrations, version=version, facts=facts, version_is_known=facts is not None)
    return fixed(migrations, [rule for rule in rules if rule.kind == "migration"], gate, silenced)


def _place(finding: Finding) -> tuple[str, str, int]:
    return finding.rule, finding.where.file or "", finding.where.line or 0


def write_patch(made: Patched, left: Report, path: Path | None, *, quiet: bool) -> None:
    """The patch to stdout or the file; on stderr how to apply it, what to put in by hand, and what it leaves."""
    patch = made.patch
    output.write(patch.encode("utf-8"), path)
    if quiet:
        return
    count = patch.count("\ndiff --git ") + patch.startswith("diff --git ")
    told = f"Patch of {count} {'file' if count == 1 else 'files'}: read it, then `git apply` it at the project's root."
    _tell(told if count else "Nothing to patch.")
    for each in made.by_hand:
        for code in each.left:
            _tell(f"By hand: {each.name}:{code.line}: {code.why}:")
            _tell("\n".join(f"    {line}".rstrip() for line in code.code.split("\n")))
    open_ones = [each for each in left.findings if each.severity is not Severity.INFO and each.status != "known"]
    for finding in open_ones[:_SHOWN]:
        _tell(f"Left: {finding.where.file}:{finding.where.line}: {finding.rule}: {finding.message}")
    if len(open_ones) > _SHOWN:
        _tell(f"Left: and {len(open_ones) - _SHOWN:,} more")


def _tell(text: str) -> None:
    errors().print(text, markup=False, highlight=False, soft_wrap=True)


def check_fix(*, redact: bool, has_form: bool) -> None:
    """Raises UsageError for options that a patch does not go with."""
    if redact:
        raise UsageError("--fix writes a patch of your files, which cannot be redacted: leave --redact out")
    if has_form:
        raise UsageError("--fix writes a patch instead of a report: leave --format out")
