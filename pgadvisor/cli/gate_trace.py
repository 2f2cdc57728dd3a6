"""What `pgadvisor gate` tries: the migrations themselves, on a scratch server."""

from collections.abc import Sequence

from pgadvisor.cli.planning import PlannerChoice
from pgadvisor.cli.terminal import progress_bars
from pgadvisor.errors import EmbeddedServerError, PgAdvisorError
from pgadvisor.gate.trying import TraceFound, tried
from pgadvisor.model.migration import Migration
from pgadvisor.model.snapshot import Gap, Snapshot


def traced(
    migrations: Sequence[Migration], snapshot: Snapshot | None, scratch: str | None, choice: PlannerChoice
) -> TraceFound | None:
    """What running the migrations showed; None where nothing is to be run. Without `scratch` a server that does not
    come up is a Gap; one that the user named is an error. Raises PgAdvisorError."""
    if not any(each.is_judged and each.up for each in migrations):
        return None
    try:
        with progress_bars(choice.options.quiet) as progress:
            progress("running the migrations on a scratch server", 0, 0)
            return tried(migrations, snapshot, scratch=scratch, binaries=choice.programs)
    except PgAdvisorError as error:
        if scratch is not None and not isinstance(error, EmbeddedServerError):
            raise
        reason, _, cure = str(error).partition(": ")
        gap = Gap(area="trace", reason=f"the migrations were not tried: {reason}",
                  cure=cure or "name a server with --scratch DSN")  # fmt: skip
        return TraceFound(None, (gap,))
