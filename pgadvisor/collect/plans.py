"""Plans for the statements that carry the load: all planned, the harmless ones run, each with why it has its kind."""

from collections.abc import Sequence

import msgspec

from pgadvisor.collect.explain_running import Runner, predicted_ms
from pgadvisor.collect.explain_statement import Planned, StatementPlanner
from pgadvisor.collect.load_guard import CANNOT_SEE
from pgadvisor.collect.reading import grant, refused
from pgadvisor.collect.session import Session, StatementError
from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.workload import Statement

SHARE = 0.99
"""Of all observed time: the statements beyond it change nothing that anyone would notice."""


class PlanOptions(Record):
    """Which statements get a plan, and which may be run for it."""

    analyze: bool = True
    """Whether statements that are known to be harmless are run (EXPLAIN ANALYZE)."""
    analyze_limit_ms: float = 5_000.0
    """Statements that take longer are not run, and one that does is cancelled."""
    top: int | None = None
    """How many statements, the most costly first; None: those that carry 99 % of the time."""
    budget_s: float = 60.0
    """For running statements, all together."""
    parallel: bool = False
    """Whether runs may use parallel workers: they take them from the application."""


def collect_plans(
    session: Session, snapshot: Snapshot, options: PlanOptions, progress: Progress = no_progress
) -> Snapshot:
    """The snapshot with a StatementPlan for each of its statements, and Gaps for what could not be planned or run.

    Statements are planned with values made from the snapshot's column statistics where those are known; plans hold no
    value of them. Raises ServerError only when the connection is lost.
    """
    if not snapshot.statements:
        return _with(snapshot, (), [_NO_STATEMENTS])
    chosen, rest = _chosen(snapshot.statements, options.top)
    try:
        planner = StatementPlanner(session, snapshot)
    except StatementError as error:
        return _with(snapshot, (), [refused(error, session, "plans", "what functions and tables there are")])
    planned = []
    for done, statement in enumerate(chosen):
        progress("plans", done, len(chosen))
        planned.append(planner.plan(statement))
    progress("plans", len(chosen), len(chosen))
    found = _run(session, planned, options, progress)
    why = "little of the time is spent in it" if options.top is None else f"not among the {options.top} of --top"
    left = tuple(StatementPlan(statement=each.key, kind="none", reason=f"not planned: {why}") for each in rest)
    gaps = [*_denied(session, found), *_not_run(session, options, found)]
    return _with(snapshot, (*map(_statement_plan, found), *left), gaps)


_NO_STATEMENTS = Gap(
    area="plans",
    reason="there are no statements to plan",
    cure="let the application work for a while with pg_stat_statements on",
)


def _chosen(statements: Sequence[Statement], top: int | None) -> tuple[list[Statement], list[Statement]]:
    """The statements to plan, the most costly first, and the others."""
    ordered = sorted(statements, key=lambda each: -(each.total_ms or 0.0))
    if top is not None:
        return ordered[:top], ordered[top:]
    enough = SHARE * sum(each.total_ms or 0.0 for each in ordered)
    seen = 0.0
    chosen: list[Statement] = []
    rest: list[Statement] = []
    for each in ordered:
        is_needed = each.total_ms is None or seen < enough
        (chosen if is_needed else rest).append(each)
        seen += each.total_ms or 0.0
    return chosen, rest


def _run(session: Session, planned: list[Planned], options: PlanOptions, progress: Progress) -> list[Planned]:
    """The statements in their order, those that may be run with their measured plans: the quickest are run first."""
    if not options.analyze:
        return [each if each.kind == "none" else _refusing(each, "--no-analyze was given") for each in planned]
    expected_ms = predicted_ms(planned)
    runnable = sorted((each for each in planned if each.runs and each.refused is None), key=expected_ms)
    runner = Runner(session, limit_ms=options.analyze_limit_ms, budget_s=options.budget_s, is_parallel=options.parallel)
    found = {}
    for done, each in enumerate(runnable):
        progress("analyze", done, len(runnable))
        found[each.statement.key] = runner.run(each, expected_ms(each))
    if runnable:
        progress("analyze", len(runnable), len(runnable))
    runner.finish()
    return [found.get(each.statement.key, each) for each in planned]


def _refusing(planned: Planned, why: str) -> Planned:
    return msgspec.structs.replace(planned, refused=planned.refused or why)


def _statement_plan(planned: Planned) -> StatementPlan:
    reason = planned.reason
    if planned.kind in ("values", "generic"):
        reason = f"not run: {planned.refused}; {reason}" if planned.refused else reason
    if planned.filtered:
        reason += f"; row security of {', '.join(planned.filtered)} may give other roles another plan"
    return StatementPlan(
        statement=planned.statement.key,
        kind=planned.kind,
        reason=reason,
        plan=planned.plan,
        is_refused=planned.is_refused,
    )


def _denied(session: Session, planned: list[Planned]) -> list[Gap]:
    """A Gap when privileges were lacking: for the whole area when nothing at all could be planned."""
    denied = [each for each in planned if each.is_denied]
    if not denied:
        return []
    is_all = all(each.plan is None for each in planned)
    return [
        Gap(
            area="plans",
            subject=None if is_all else f"{len(denied)} statements",
            reason=f"{len(denied)} of {len(planned)} statements are not planned: the role may not read their tables",
            cure=grant(session),
        )
    ]


def _not_run(session: Session, options: PlanOptions, planned: list[Planned]) -> list[Gap]:
    """A Gap when nothing at all could be run, as it was not wanted or the server's load is hidden from the role."""
    estimates = "row counts and times of plan nodes are estimates"
    if not options.analyze:
        reason = f"no statement was run, as --no-analyze was given: {estimates}"
        return [Gap(area="analyze", reason=reason, cure="leave --no-analyze out; only harmless statements are run")]
    if any(each.refused == CANNOT_SEE for each in planned):
        return [Gap(area="analyze", reason=f"no statement was run, as {CANNOT_SEE}: {estimates}", cure=grant(session))]
    return []


def _with(snapshot: Snapshot, plans: tuple[StatementPlan, ...], gaps: list[Gap]) -> Snapshot:
    return msgspec.structs.replace(snapshot, plans=plans, gaps=(*snapshot.gaps, *gaps))
