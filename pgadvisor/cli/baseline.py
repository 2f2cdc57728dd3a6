"""`pgadvisor baseline`: the findings of a report become known, so that only new ones fail."""

from pathlib import Path
from typing import Annotated

import typer

from pgadvisor.advise.baseline import (
    Baseline,
    mark,
    read_baseline,
    unused,
    with_known_told,
    write_baseline,
)
from pgadvisor.cli import options, output
from pgadvisor.cli.previous import read_report, read_text
from pgadvisor.cli.terminal import errors
from pgadvisor.errors import UsageError
from pgadvisor.model.report import Report
from pgadvisor.reports.visible_text import visible

MOST_TOLD = 3
"""Entries that match nothing, told by name; the others are counted."""


def baseline(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="A report written with `--format json`.")],
    path: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write the baseline to this file, keeping the notes that stand in it; `-` or nothing: stdout.",
        ),
    ] = None,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Write down all findings of a report as known, so that `--fail-on` fails only on new ones.

    The file is JSON with a finding a line: take lines out, or add a `"note"` that says why one may stay.

    Examples:

    - `pgadvisor audit service=shop -o report.json && pgadvisor baseline report.json -o known.json`

    - `pgadvisor audit service=shop --baseline known.json --fail-on warning`
    """
    output.check_writable(path)
    target = None if path is None or str(path) == "-" else path
    if target is not None and target.resolve() == report.resolve():
        raise UsageError(f"{report} would be overwritten by its own baseline: name another file with -o")
    findings = read_report(report).findings
    output.write(write_baseline(findings, _notes(target)).encode(), path)
    if target is not None and not quiet:
        count = f"{len(findings):,} known finding{'' if len(findings) == 1 else 's'}"
        errors().print(f"{count}: {target}", markup=False, highlight=False, soft_wrap=True)


def _notes(path: Path | None) -> dict[str, str | None]:
    """The notes that people wrote into the baseline that is replaced."""
    if path is None or not path.is_file() or not path.stat().st_size:
        return {}
    return {known.key: known.note for known in read_known(path).known}


def read_known(path: Path) -> Baseline:
    """The baseline in that file. Raises UsageError when it is none."""
    return read_baseline(read_text(path, f"make a baseline with `pgadvisor baseline REPORT.json -o {path}`"), str(path))


def with_baseline(report: Report, known: Baseline | None) -> Report:
    """The report with each finding marked as known or new, if there is a baseline."""
    return with_known_told(report if known is None else mark(report, known.keys))


def tell_unused_waivers(report: Report) -> None:
    """On stderr, what silences nothing of what was found."""
    told = [*report.unused_waivers[:MOST_TOLD]]
    if len(report.unused_waivers) > MOST_TOLD:
        told.append(f"and {len(report.unused_waivers) - MOST_TOLD:,} more of the kind")
    for each in told:
        errors().print(visible(each), markup=False, highlight=False, soft_wrap=True)


def tell_unused(report: Report, known: Baseline | None) -> None:
    """On stderr, what of the baseline matches no finding."""
    left = unused(report, known) if known else ()
    if not left:
        return
    named = "; ".join(f"{each.key} ({each.message})" for each in left[:MOST_TOLD])
    more = f"; and {len(left) - MOST_TOLD:,} more" if len(left) > MOST_TOLD else ""
    count = "1 entry of the baseline matches" if len(left) == 1 else f"{len(left):,} entries of the baseline match"
    text = visible(f"{count} no finding any more and can go: {named}{more}")
    errors().print(text, markup=False, highlight=False, soft_wrap=True)
