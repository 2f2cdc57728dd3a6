"""`pgadvisor gate --fix`: the migrations in their safe form, as a patch."""

from collections.abc import Sequence
from pathlib import Path

from pgadvisor.advise.queries import read_queries
from pgadvisor.cli import output
from pgadvisor.cli.terminal import errors
from pgadvisor.errors import UsageError
from pgadvisor.facts import Facts
from pgadvisor.gate.find.find import project_root
from pgadvisor.gate.fix import fixed
from pgadvisor.gate.fix_files import ChangedFile, changed_files, patch_of
from pgadvisor.gate.judge import LATEST_MAJOR
from pgadvisor.migration_facts import GateFacts
from pgadvisor.model.finding import Finding, Severity
from pgadvisor.model.migration import Migration
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.rule import Rule

FRAMEWORKS = ("alembic", "django")
_SHOWN = 10


def patched(
    migrations: Sequence[Migration],
    rules: Sequence[Rule],
    report: Report,
    snapshot: Snapshot | None,
    paths: Sequence[Path],
) -> tuple[str, tuple[Migration, ...]]:
    """The patch of all that has a safe form, and the migrations as they are after it.

    What is waived, or known by a baseline, stays as it is.
    """
    taken = [each for each in report.findings if each.status == "known"]
    silenced = {_place(each) for each in (*taken, *(one.finding for one in report.waived))}
    facts = Facts(snapshot, read_queries(snapshot)[0]) if snapshot else None
    version = snapshot.server.major if snapshot and snapshot.server else LATEST_MAJOR
    gate = GateFacts(migrations, version=version, facts=facts, version_is_known=facts is not None)
    root = project_root(paths)
    files: list[ChangedFile] = []
    after = {each.file: each for each in migrations}
    for each in fixed(migrations, [rule for rule in rules if rule.kind == "migration"], gate, silenced):
        made = () if each.before.tool in FRAMEWORKS else changed_files(each, root)
        if made:
            files += made
            after[each.before.file] = each.after
    return patch_of(files), tuple(after[each.file] for each in migrations)


def _place(finding: Finding) -> tuple[str, str, int]:
    return finding.rule, finding.where.file or "", finding.where.line or 0


def write_patch(patch: str, left: Report, path: Path | None, *, quiet: bool) -> None:
    """The patch to stdout or the file; on stderr how to apply it, and what it leaves."""
    output.write(patch.encode("utf-8"), path)
    if quiet:
        return
    console = errors()
    count = patch.count("\ndiff --git ") + patch.startswith("diff --git ")
    told = f"Patch of {count} {'file' if count == 1 else 'files'}: read it, then `git apply` it at the project's root."
    console.print(told if count else "Nothing to patch.", markup=False, highlight=False, soft_wrap=True)
    open_ones = [each for each in left.findings if each.severity is not Severity.INFO and each.status != "known"]
    for each in open_ones[:_SHOWN]:
        line = f"Left: {each.where.file}:{each.where.line}: {each.rule}: {each.message}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if len(open_ones) > _SHOWN:
        console.print(f"Left: and {len(open_ones) - _SHOWN:,} more", markup=False, highlight=False, soft_wrap=True)


def check_fix(*, redact: bool, has_form: bool) -> None:
    """Raises UsageError for options that a patch does not go with."""
    if redact:
        raise UsageError("--fix writes a patch of your files, which cannot be redacted: leave --redact out")
    if has_form:
        raise UsageError("--fix writes a patch instead of a report: leave --format out")
