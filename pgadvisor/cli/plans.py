"""Plans of a server's statements, and what its tables tell of the estimates in them that are far off."""

from pgadvisor.collect.column_groups import with_groups
from pgadvisor.collect.plans import PlanOptions, collect_plans
from pgadvisor.collect.session import Session
from pgadvisor.estimates.questions import groups_to_count
from pgadvisor.model.progress import Progress
from pgadvisor.model.snapshot import Snapshot


def with_plans(session: Session, snapshot: Snapshot, options: PlanOptions, progress: Progress) -> Snapshot:
    """The snapshot with plans; where statements may be run, tables may be sampled as well."""
    found = collect_plans(session, snapshot, options, progress)
    return with_groups(session, found, groups_to_count(found)) if options.analyze else found
