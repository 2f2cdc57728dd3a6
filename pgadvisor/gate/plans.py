"""The workload's plans before and after the migrations: two twins of one snapshot, the second with the new schema."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from pgadvisor.advise.queries import read_queries
from pgadvisor.facts import Facts
from pgadvisor.gate.concerned import concerned
from pgadvisor.gate.index_uses import made_by
from pgadvisor.gate.new_queries import needed_indexes
from pgadvisor.gate.plan_comparing import Comparing
from pgadvisor.gate.schema_after import snapshot_after
from pgadvisor.gate.schema_change import SchemaChange, extensions_of
from pgadvisor.model.catalog import Extension
from pgadvisor.model.migration import Migration
from pgadvisor.model.plan_change import MadeIndex, PlanChanges
from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.whatif import Planner
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.as_of import AsOf
from pgadvisor.parameters.drawing import Drawer
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.parameters.types import Prepare
from pgadvisor.planner.twin import Twin
from pgadvisor.planner.twin_statements import add_trigrams, draw_statements, preparing
from pgadvisor.planner.whatif import TwinPlanner
from pgadvisor.sql.query import Query


class PlansFound(NamedTuple):
    """What came of it, and what could not be found out."""

    changes: PlanChanges
    gaps: tuple[Gap, ...]
    queries: Mapping[str, Query] | None = None
    """The statements of the workload as they were read, by their keys; None: they were not read."""


class _Up(NamedTuple):
    """A twin that plans."""

    twin: Twin
    planner: Planner
    prepare: Prepare


def plan_changes(
    snapshot: Snapshot,
    migrations: Sequence[Migration],
    queries: Sequence[Statement] = (),
    *,
    binaries: Path | None = None,
    progress: Progress = no_progress,
) -> PlansFound:
    """What the judged migrations do to the plans of the snapshot's workload, and which of the `queries` that come with
    them lack an index. `binaries`: PostgreSQL's programs, for the twins.

    Raises SnapshotError for a snapshot without a database, and EmbeddedServerError when a twin does not come up.
    """
    facts = Facts(snapshot, read_queries(snapshot)[0])
    statements = concerned(facts, migrations)
    workload = replace(snapshot, plans=(), statements=statements)  # of statements that have no plan, all are drawn
    change = SchemaChange(migrations, snapshot, statements)
    then = _with_extensions(snapshot, migrations)
    makers = (
        partial(Twin, snapshot, binaries=binaries, progress=progress),
        partial(Twin, then, binaries=binaries, change=change),
    )
    with ExitStack() as stack:
        twins = _being_made(stack, *makers)
        before, after = (stack.enter_context(_up(each.result(), snapshot)) for each in twins)
        drawn = draw_statements(before.prepare, before.planner, workload, progress)
        snapshot_then = snapshot_after(workload, change)
        drawer = Drawer(snapshot_then, after.planner, after.prepare)
        comparing = Comparing(before.planner, after.planner, change, facts)
        changed = comparing.changes(drawn, lambda key: drawer.draw(_statement(facts, key)))
        facts_then = Facts(snapshot_then, {})
        needed = needed_indexes(queries, snapshot_then, after.planner, after.prepare)
        used = _joined(comparing.used, needed.used)
        with after.twin.connect() as owner:
            made = made_by(change, facts_then, used, owner)
        changes = PlanChanges(
            tried_on=after.planner.label,
            planned=comparing.planned,
            untouched=len(snapshot.statements) - len(statements),
            statements=tuple(changed),
            indexes=tuple(_marked(made, drawn, facts)),
            queries=needed.found,
        )
        return PlansFound(changes, (*before.twin.gaps, *change.gaps, *needed.gaps), facts.queries)


def _being_made(stack: ExitStack, *makers: Callable[[], Twin]) -> tuple[Future[Twin], ...]:
    """All made at once, while the caller goes on; whatever comes, none is left when the stack ends."""
    pool = stack.enter_context(ThreadPoolExecutor(len(makers)))
    making = tuple(pool.submit(each) for each in makers)
    for each in making:
        stack.callback(_stop, each)
    return making


def _stop(making: Future[Twin]) -> None:
    if making.exception() is None:
        making.result().stop()


@contextmanager
def _up(twin: Twin, snapshot: Snapshot) -> Iterator[_Up]:
    with TwinPlanner(twin.connect, twin.label) as planner, twin.connect() as connection:
        add_trigrams(connection)
        yield _Up(twin, AsOf(planner, snapshot.collected_at), preparing(connection))


def _with_extensions(snapshot: Snapshot, migrations: Sequence[Migration]) -> Snapshot:
    """The snapshot with the extensions that migrations make: a twin has them from the start, or not at all."""
    there = {each.name for each in snapshot.extensions}
    schema = next(iter(snapshot.search_path), "public")
    new = [Extension(name=name, version="", schema=schema) for name in extensions_of(migrations) if name not in there]
    return replace(snapshot, extensions=(*snapshot.extensions, *new))


def _statement(facts: Facts, key: str) -> Statement:
    found = facts.statement(key)
    assert found is not None  # it was drawn a moment ago
    return found


def _joined(one: dict[str, set[str]], other: dict[str, set[str]]) -> dict[str, set[str]]:
    return {name: one.get(name, set()) | other.get(name, set()) for name in {*one, *other}}


def _marked(made: Iterable[MadeIndex], drawn: Sequence[DrawnStatement], facts: Facts) -> Iterator[MadeIndex]:
    """Those on whose tables a statement could not be planned are marked."""
    without = {each.statement for each in drawn if not each.draws}
    unread = [each.key for each in facts.snapshot.statements if each.key not in facts.queries]
    read = {use.table for key in without if key in facts.queries for use in facts.queries[key].tables()}
    names = {table.qualified for name in read if (table := facts.table(name)) is not None}
    is_blind = any(key in without for key in unread)
    for each in made:
        yield replace(each, is_unplanned=is_blind or each.table in names)
