"""`--try`, `--hide`, `--set`: what the user wants tried on the statements, and what came of it."""

from collections.abc import Sequence
from pathlib import Path

from pgadvisor.cli.options import PlannerKind
from pgadvisor.cli.planning import PlannerChoice, planner_on
from pgadvisor.cli.source import SourceOptions, snapshot_file
from pgadvisor.errors import UsageError
from pgadvisor.model.catalog import Table
from pgadvisor.model.plan import Plan, PlanComparison
from pgadvisor.model.record import Record
from pgadvisor.model.report import TriedChange, TriedIndex
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.whatif import Answer, Configuration, HypotheticalIndex, Planner
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.drawing import Drawer
from pgadvisor.parameters.draws import Draw
from pgadvisor.parameters.redaction import redacted
from pgadvisor.sql.identifiers import object_name
from pgadvisor.sql.index_ddl import IndexDdl, read_create_index
from pgadvisor.sql.parse import Unread


class Wanted(Record):
    """What the user wants tried, and on what."""

    create: tuple[str, ...] = ()
    """As written."""
    hide: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    planner: PlannerKind = PlannerKind.TWIN
    programs: Path | None = None
    """PostgreSQL's, for the twin."""

    @property
    def is_something(self) -> bool:
        """Whether anything is to be tried."""
        return bool(self.create or self.hide or self.settings)


def wanted_of(
    create: Sequence[str] | None,
    hide: Sequence[str] | None,
    settings: Sequence[str] | None,
    planner: PlannerKind,
    programs: Path | None,
    source: str | None,
) -> Wanted:
    """What the options ask for. Raises UsageError where they make no sense."""
    wanted = Wanted(
        create=tuple(create or ()), hide=tuple(hide or ()), settings=tuple(_setting(each) for each in settings or ()),
        planner=planner, programs=programs,
    )  # fmt: skip
    if wanted.is_something and source is None:
        raise UsageError('--try, --hide and --set need a database to plan on: give --source "dbname=shop"')
    if wanted.is_something and planner is PlannerKind.HYPOPG and snapshot_file(source) is not None:
        raise UsageError("hypopg needs the server itself, not a snapshot file: give a DSN, or --planner twin")
    if programs is not None and not (programs / "postgres").exists():
        raise UsageError(f"there is no PostgreSQL in {programs}: name the directory of its programs with --twin-bin")
    if wanted.is_something and planner is PlannerKind.NONE:
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


def try_out(snapshot: Snapshot, wanted: Wanted, source: str, options: SourceOptions) -> tuple[TriedChange, ...]:
    """What came of it for each statement of the snapshot. Raises UsageError for what is not there."""
    configuration = configuration_of(snapshot, wanted)
    choice = PlannerChoice(kind=wanted.planner, programs=wanted.programs, source=source, options=options)
    with planner_on(snapshot, choice) as (planner, prepare, _):
        if (error := planner.plan("SELECT 1", configuration).error) is not None:
            raise UsageError(f"that cannot be tried: {error}")
        drawer = Drawer(snapshot, planner, prepare)
        trial = _Trial(planner, configuration)
        return tuple(trial.on(statement, drawer) for statement in snapshot.statements)


def configuration_of(snapshot: Snapshot, wanted: Wanted) -> Configuration:
    """The configuration in which all that is wanted holds."""
    create: list[HypotheticalIndex] = []
    for text in wanted.create:
        ddl = read_create_index(text)
        assert not isinstance(ddl, Unread)  # `wanted_of` has read it
        create.append(_index(snapshot, ddl, tuple(create)))
    return Configuration(
        create=tuple(create), hide=tuple(_existing(snapshot, name) for name in wanted.hide), settings=wanted.settings
    )


def _index(snapshot: Snapshot, ddl: IndexDdl, others: tuple[HypotheticalIndex, ...]) -> HypotheticalIndex:
    table = _table(snapshot, ddl)
    taken = {each.name for each in snapshot.tables if each.schema == table.schema}
    taken |= {index.name for each in snapshot.tables if each.schema == table.schema for index in each.indexes}
    taken |= {each.name for each in others}
    if ddl.name in taken:
        raise UsageError(
            f'--try: there is something called "{ddl.name}" in schema "{table.schema}" already: give another name, or '
            "none; --hide INDEX shows the plan without an index"
        )
    name = ddl.name or object_name(table.name, ddl.labels, "idx", frozenset(taken))
    return HypotheticalIndex(name=name, table=table.qualified, definition=ddl.definition(table.schema, name))


def _table(snapshot: Snapshot, ddl: IndexDdl) -> Table:
    """The table that the statement means: the first on the search path where it names no schema."""
    schemas = [ddl.schema] if ddl.schema is not None else list(snapshot.search_path)
    found = {each.schema: each for each in snapshot.tables if each.name == ddl.table}
    for schema in schemas:
        if schema in found:
            return found[schema]
    where = f'schema "{ddl.schema}"' if ddl.schema is not None else f"the search path ({', '.join(schemas)})"
    hint = f"; {', '.join(sorted(found))} has one: write schema.table" if found else ""
    raise UsageError(f'--try: there is no table "{ddl.table}" in {where}{hint}')


def _existing(snapshot: Snapshot, name: str) -> str:
    """`schema.name` of the index that is there."""
    schema, _, bare = name.replace('"', "").rpartition(".")
    found = [
        f"{index.schema}.{index.name}"
        for table in snapshot.tables
        for index in table.indexes
        if index.name == bare and schema in ("", index.schema)
    ]
    if not found:
        raise UsageError(f'--hide: there is no index "{name}": the names are in the report of `pgadvisor audit`')
    if len(found) > 1:
        raise UsageError(f'--hide: several indexes are called "{name}": {", ".join(found)}')
    return found[0]


class _Trial:
    """Tries one configuration on statements."""

    def __init__(self, planner: Planner, configuration: Configuration) -> None:
        self._planner = planner
        self._configuration = configuration
        self._change = change_of(configuration)

    def on(self, statement: Statement, drawer: Drawer) -> TriedChange:
        """What came of it: both plans of the statement's likeliest values, or why there are none."""
        drawn = drawer.draw(statement)
        if not drawn.draws:
            return self._failed(statement, drawn.reason or "the statement cannot be planned")
        draw = drawn.draws[0]
        before = self._planner.plan(draw.text)
        after = self._planner.plan(draw.text, self._configuration)
        if before.plan is None or after.plan is None:
            return self._failed(statement, before.error or after.error or "the planner gave no plan")
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
            indexes=tuple(self._index(index, after) for index in self._configuration.create),
            doubts=(*unknown, *after.doubts),
        )

    def _index(self, index: HypotheticalIndex, after: Answer) -> TriedIndex:
        return TriedIndex(
            name=index.qualified,
            definition=index.definition,
            is_used=index.qualified in after.indexes_used,
            size_bytes=self._planner.size(index).size_bytes,
        )

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
