"""`--try`, `--hide`, `--set`: what the user wants tried on the statements, and what came of it."""

from collections.abc import Sequence

import msgspec

from pgadvisor.advise.trial_outcome import Outcome, Tried, outcome_of
from pgadvisor.advise.trial_trust import unanalyzed
from pgadvisor.cli.options import PlannerKind
from pgadvisor.cli.planning import PlannerChoice, Ready
from pgadvisor.errors import UsageError
from pgadvisor.model.catalog import Table
from pgadvisor.model.plan import Plan, PlanComparison
from pgadvisor.model.record import Record
from pgadvisor.model.report import TriedChange, TriedIndex
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.whatif import Configuration, HypotheticalIndex, Planner
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.drawing import Drawer
from pgadvisor.parameters.draws import Draw, DrawnStatement
from pgadvisor.parameters.redaction import redacted
from pgadvisor.sql.identifiers import dotted_name, object_name
from pgadvisor.sql.index_ddl import IndexDdl, read_create_index
from pgadvisor.sql.parse import Unread


class Wanted(Record):
    """What the user wants tried."""

    create: tuple[str, ...] = ()
    """As written."""
    hide: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def is_something(self) -> bool:
        """Whether anything is to be tried."""
        return bool(self.create or self.hide or self.settings)


def wanted_of(
    create: Sequence[str] | None,
    hide: Sequence[str] | None,
    settings: Sequence[str] | None,
    choice: PlannerChoice,
) -> Wanted:
    """What the options ask for. Raises UsageError where they make no sense, also for the planner."""
    wanted = Wanted(
        create=tuple(create or ()), hide=tuple(hide or ()), settings=tuple(_setting(each) for each in settings or ())
    )
    if wanted.is_something and choice.source is None:
        raise UsageError('--try, --hide and --set need a database to plan on: give --source "dbname=shop"')
    if wanted.is_something and choice.kind is PlannerKind.NONE:
        raise UsageError("--try, --hide and --set need a planner: leave out --planner none")
    for each in wanted.create:
        if isinstance(ddl := read_create_index(each), Unread):
            raise UsageError(f"--try takes a CREATE INDEX, and {ddl.reason}: {each}")
    return wanted


def _setting(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name.strip() or not value.strip():
        raise UsageError(f'--set takes NAME=VALUE, as in work_mem=64MB, not "{text}"')
    return name.strip(), value.strip()


def try_out(snapshot: Snapshot, configuration: Configuration, ready: Ready) -> tuple[TriedChange, ...]:
    """What came of it for each statement of the snapshot. Raises UsageError for what the planner refuses."""
    planner = ready.planner
    if (error := planner.plan("SELECT 1", configuration).error) is not None:
        raise UsageError(f"that cannot be tried: {error}")
    drawer = Drawer(snapshot, planner, ready.prepare)
    trial = _Trial(snapshot, planner, configuration)
    return tuple(trial.on(statement, drawer) for statement in snapshot.statements)


def configuration_of(snapshot: Snapshot, wanted: Wanted) -> Configuration:
    """The configuration in which all that is wanted holds. Raises UsageError for what is not there."""
    create: list[HypotheticalIndex] = []
    for text in wanted.create:
        ddl = read_create_index(text)
        assert not isinstance(ddl, Unread)  # `wanted_of` has read it
        create.append(_index(snapshot, ddl, tuple(create)))
    return Configuration(
        create=tuple(create),
        hide=tuple(existing_index(snapshot, name, "--hide") for name in wanted.hide),
        settings=wanted.settings,
    )


def _index(snapshot: Snapshot, ddl: IndexDdl, others: tuple[HypotheticalIndex, ...]) -> HypotheticalIndex:
    table = table_of(snapshot, ddl, "--try")
    taken = names_in(snapshot, table.schema) | {each.name for each in others}
    if ddl.name in taken:
        raise UsageError(
            f'--try: there is something called "{ddl.name}" in schema "{table.schema}" already: give another name, or '
            "none; --hide INDEX shows the plan without an index"
        )
    name = ddl.name or object_name(table.name, ddl.labels, "idx", taken)
    definition = ddl.definition(table.schema, name)
    return HypotheticalIndex(name=name, schema=table.schema, table_name=table.name, definition=definition)


def names_in(snapshot: Snapshot, schema: str) -> frozenset[str]:
    """The names of relations that are taken in the schema."""
    tables = [each for each in snapshot.tables if each.schema == schema]
    return frozenset(name for each in tables for name in (each.name, *(index.name for index in each.indexes)))


def table_of(snapshot: Snapshot, ddl: IndexDdl, option: str) -> Table:
    """The table that the statement means: the first on the search path where it names no schema. Raises UsageError,
    which names the option that the statement was given with."""
    schemas = [ddl.schema] if ddl.schema is not None else list(snapshot.search_path)
    found = {each.schema: each for each in snapshot.tables if each.name == ddl.table}
    for schema in schemas:
        if schema in found:
            return found[schema]
    where = f'schema "{ddl.schema}"' if ddl.schema is not None else f"the search path ({', '.join(schemas)})"
    hint = f"; {', '.join(sorted(found))} has one: write schema.table" if found else ""
    raise UsageError(f'{option}: there is no table "{ddl.table}" in {where}{hint}')


def existing_index(snapshot: Snapshot, name: str, option: str) -> str:
    """`schema.name` of the index that is there. Raises UsageError, which names the option it was given with."""
    indexes = [index for table in snapshot.tables for index in table.indexes]
    by_name = {f"{index.schema}.{index.name}": index.name for index in indexes}
    # As it stands in a report, where nothing is quoted; else as in SQL.
    found = [whole for whole, bare in by_name.items() if name in (whole, bare)]
    parts = dotted_name(name)
    found = found or [whole for whole, bare in by_name.items() if ".".join(parts) == (whole if parts[1:] else bare)]
    if not found:
        raise UsageError(f'{option}: there is no index "{name}": the names are in the report of `pgadvisor audit`')
    if len(found) > 1:
        raise UsageError(f'{option}: several indexes are called "{name}": {", ".join(found)}')
    return found[0]


class _Trial:
    """Tries one configuration on statements."""

    def __init__(self, snapshot: Snapshot, planner: Planner, configuration: Configuration) -> None:
        self._tables = snapshot.tables
        self._planner = planner
        self._configuration = configuration
        self._change = change_of(configuration)

    def on(self, statement: Statement, drawer: Drawer) -> TriedChange:
        """What came of it: both plans of the statement's likeliest values, and what it is over all; or why nothing."""
        drawn = drawer.draw(statement)
        if not drawn.draws:
            return self._failed(statement, drawn.reason or "the statement cannot be planned")
        texts = [draw.text for draw in drawn.draws]
        before, after = self._planner.plan_all(texts), self._planner.plan_all(texts, self._configuration)
        if (error := next((each.error for each in (*before, *after) if each.error), None)) is not None:
            return self._failed(statement, error)
        return self._told(statement, drawn, outcome_of(drawn.draws, before, after))

    def _told(self, statement: Statement, drawn: DrawnStatement, outcome: Outcome) -> TriedChange:
        draw, before, after = outcome.first
        assert before.plan is not None and after.plan is not None  # neither is an error
        unknown = (f"no value of {', '.join(drawn.unknown)} is known: planned for any value",) if drawn.unknown else ()
        return TriedChange(
            statement=statement.key,
            change=self._change,
            tried_on=self._planner.label,
            comparison=PlanComparison(
                change=self._change,
                before=_shown(before.plan, draw),
                after=_shown(after.plan, draw),
                tried_on=self._planner.label,
            ),
            indexes=tuple(self._index(index, outcome) for index in self._configuration.create),
            spread=outcome.spread,
            doubts=(*unknown, *after.doubts, *self._of_others(outcome), *self._unanalyzed(before.plan)),
        )

    def _index(self, index: HypotheticalIndex, outcome: Outcome) -> TriedIndex:
        return TriedIndex(
            name=index.qualified,
            definition=index.definition,
            is_used=any(self._is_used(index, each) for each in outcome.tried),
            size_bytes=self._planner.size(index).size_bytes,
        )

    def _is_used(self, index: HypotheticalIndex, tried: Tried) -> bool:
        """Whether a draw's plan uses the index, or one of its parts: PostgreSQL itself names those on partitions."""
        used = set(tried.after.indexes_used)
        if index.qualified in used:
            return True
        table = next(each for each in self._tables if (each.schema, each.name) == (index.schema, index.table_name))
        if table.kind != "partitioned table":
            return False
        create = tuple(each for each in self._configuration.create if each != index)
        without = self._planner.plan(tried.draw.text, msgspec.structs.replace(self._configuration, create=create))
        return bool(used - set(without.indexes_used))

    def _of_others(self, outcome: Outcome) -> tuple[str, ...]:
        """The indexes that the shown plan, of the likeliest values, does not use, and that of others does."""
        first, *others = outcome.tried
        return tuple(
            f"{index.qualified} is used for other values than those of the plan shown"
            for index in self._configuration.create
            if not self._is_used(index, first) and any(self._is_used(index, each) for each in others)
        )

    def _unanalyzed(self, plan: Plan) -> tuple[str, ...]:
        """What is known of no table that the trial concerns."""
        return unanalyzed(self._tables, {index.table for index in self._configuration.create}, plan)

    def _failed(self, statement: Statement, error: str) -> TriedChange:
        return TriedChange(statement=statement.key, change=self._change, tried_on=self._planner.label, error=error)


def change_of(configuration: Configuration) -> str:
    """The configuration in words: `CREATE INDEX ON public.orders (customer_id); work_mem = 64MB`."""
    parts = [index.definition for index in configuration.create]
    parts += [f"without {name}" for name in configuration.hide]
    parts += [f"{name} = {value}" for name, value in configuration.settings]
    return "; ".join(parts)


def _shown(plan: Plan, draw: Draw) -> Plan:
    """The plan without the values that stand for parameters; those that the user wrote stay."""
    return redacted(plan, draw.names) if draw.names else plan
