"""The planner that advice is tried on: a twin on this machine, hypopg on the audited server, or none."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import psycopg

from pgadvisor.cli.options import PlannerKind
from pgadvisor.cli.source import SourceOptions, connect, snapshot_file
from pgadvisor.cli.terminal import progress_bars
from pgadvisor.collect.explain import parameter_types, planning, quoted_path
from pgadvisor.collect.safety import Judge
from pgadvisor.collect.safety_catalog import SafetyCatalog
from pgadvisor.collect.session import Session
from pgadvisor.errors import PgAdvisorError, UsageError
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.whatif import Planner
from pgadvisor.parameters.as_of import AsOf
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.parameters.types import Prepare, Refusal
from pgadvisor.planner.hypopg import HypopgPlanner
from pgadvisor.planner.twin import Twin
from pgadvisor.planner.twin_statements import add_trigrams, draw_statements, plan_on_twin, preparing
from pgadvisor.planner.whatif import TwinPlanner


class PlannerChoice(Record):
    """Which planner, and what it needs."""

    kind: PlannerKind = PlannerKind.TWIN
    programs: Path | None = None
    """PostgreSQL's, for the twin; None: those that fit."""
    source: str | None = None
    """Where hypopg is."""
    options: SourceOptions = SourceOptions()


class Ready(NamedTuple):
    """A planner that is up."""

    planner: Planner
    prepare: Prepare
    gaps: tuple[Gap, ...] = ()


class Drawn(NamedTuple):
    """A snapshot with what its advice is tried on; no planner: it is not tried."""

    snapshot: Snapshot
    planner: Planner | None = None
    statements: tuple[DrawnStatement, ...] = ()


def checked(choice: PlannerChoice) -> PlannerChoice:
    """The choice. Raises UsageError where it makes no sense."""
    programs = choice.programs
    if programs is not None and not (programs / "postgres").exists():
        raise UsageError(f"there is no PostgreSQL in {programs}: name the directory of its programs with --twin-bin")
    if choice.kind is PlannerKind.HYPOPG and snapshot_file(choice.source) is not None:
        raise UsageError("hypopg needs the server itself, not a snapshot file: give a DSN, or --planner twin")
    return choice


@contextmanager
def planner_on(snapshot: Snapshot, choice: PlannerChoice) -> Iterator[Ready]:
    """The chosen planner, filled with the snapshot. Raises PgAdvisorError when it cannot be had."""
    if choice.kind is PlannerKind.HYPOPG:
        with connect(choice.source, choice.options) as session:
            yield _hypopg(session, snapshot)
        return
    with progress_bars(choice.options.quiet, choice.options.progress) as progress:
        twin = Twin(snapshot, binaries=choice.programs, progress=progress)
    with twin, TwinPlanner(twin.connect, twin.label) as planner, twin.connect() as connection:
        gaps = (*twin.gaps, *add_trigrams(connection))
        yield Ready(AsOf(planner, snapshot.collected_at), preparing(connection), gaps)


def _hypopg(session: Session, snapshot: Snapshot) -> Ready:
    """The audited server's own planner; what might do harm while it is planned is not sent there."""
    judge = Judge(SafetyCatalog(session, snapshot.search_path))

    def refused(text: str) -> str | None:
        verdict = judge.judge(text)
        return None if verdict.may_plan else verdict.reason

    def prepare(text: str) -> tuple[str, ...] | Refusal:
        with planning(session, snapshot.search_path):
            return parameter_types(session, text)

    return Ready(HypopgPlanner(session, quoted_path(snapshot.search_path), refused), prepare)


@contextmanager
def drawn_for(snapshot: Snapshot, choice: PlannerChoice, ready: Ready | None = None) -> Iterator[Drawn]:
    """The snapshot with its statements drawn for the chosen planner, or for the one that is `ready`; where none can be
    had, with a Gap that says so."""
    if choice.kind is PlannerKind.NONE or snapshot.server is None or not snapshot.statements:
        yield Drawn(snapshot)
        return
    with ExitStack() as stack:
        try:
            ready = ready or stack.enter_context(planner_on(snapshot, choice))
            with progress_bars(choice.options.quiet, choice.options.progress) as progress:
                statements = draw_statements(ready.prepare, ready.planner, snapshot, progress)
            found = Drawn(_planned(snapshot, statements, ready), ready.planner, statements)
        except (PgAdvisorError, psycopg.Error) as error:
            stack.close()
            found = Drawn(without_planner(snapshot, error))
        yield found


def without_planner(snapshot: Snapshot, error: Exception) -> Snapshot:
    """The snapshot with a Gap that says why advice on it is not tried."""
    words = str(error) if isinstance(error, PgAdvisorError) else f"the planner failed ({type(error).__name__})"
    reason, _, cure = words.strip().partition("\n")[0].partition(": ")
    gap = Gap(
        area="planner",
        reason=f"indexes are proposed without having been tried: {reason}",
        cure=cure or "see the error with --debug, or name other programs with --twin-bin DIR",
    )
    return msgspec.structs.replace(snapshot, gaps=(*snapshot.gaps, gap))


def _planned(snapshot: Snapshot, statements: tuple[DrawnStatement, ...], ready: Ready) -> Snapshot:
    """The snapshot with the planner's gaps and, where no statement has a plan, with the planner's plans."""
    gaps = (*snapshot.gaps, *ready.gaps)
    if any(each.plan is not None for each in snapshot.plans):
        return msgspec.structs.replace(snapshot, gaps=gaps)
    plans = plan_on_twin(statements, ready.planner)
    has_plans = any(each.plan is not None for each in plans)
    kept = tuple(each for each in gaps if not (has_plans and each.area == "plans" and each.subject is None))
    return msgspec.structs.replace(snapshot, plans=plans, gaps=kept)
