"""What `pgadvisor gate` plans: the snapshot's workload before and after, and the queries of the pull request."""

from collections.abc import Sequence
from pathlib import Path

from pgadvisor.cli.planning import PlannerChoice
from pgadvisor.cli.terminal import progress_bars
from pgadvisor.cli.workload import NEXT, read_file, read_statements
from pgadvisor.errors import PgAdvisorError, UsageError
from pgadvisor.gate.plans import PlansFound, plan_changes
from pgadvisor.model.migration import Migration
from pgadvisor.model.plan_change import PlanChanges
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.workload import Statement


def added_queries(place: Path, snapshot: Snapshot | None) -> tuple[Statement, ...]:
    """The statements of a file, or of all `*.sql` files below a directory. Raises UsageError."""
    if snapshot is None:
        raise UsageError("--queries needs production's statistics to plan on: give --snapshot FILE")
    files = sorted(place.rglob("*.sql")) if place.is_dir() else [place]
    found = tuple(each for file in files for each in read_statements(read_file(file), file))
    if not found:
        raise UsageError(f"there is no statement in {place}: {NEXT}")
    return found


def planned(
    snapshot: Snapshot, migrations: Sequence[Migration], queries: Sequence[Statement], choice: PlannerChoice
) -> PlansFound | None:
    """What the migrations do to plans; None where nothing is to be planned. What cannot be planned is a Gap."""
    if snapshot.server is None or not (queries or any(each.is_judged and each.up for each in migrations)):
        return None
    try:
        with progress_bars(choice.options.quiet) as progress:
            return plan_changes(snapshot, migrations, queries, binaries=choice.programs, progress=progress)
    except PgAdvisorError as error:
        reason, _, cure = str(error).partition(": ")
        gap = Gap(area="planner", reason=f"plans before and after were not compared: {reason}",
                  cure=cure or "name other programs with --twin-bin DIR")  # fmt: skip
        return PlansFound(PlanChanges(tried_on="no planner", planned=0), (gap,))
