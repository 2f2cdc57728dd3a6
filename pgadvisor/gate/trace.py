"""The trace: a pull request's migrations run for real on a scratch server, there and back."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import Any

import psycopg

from pgadvisor.errors import ServerError
from pgadvisor.gate.excuses import Excuses
from pgadvisor.gate.locks_seen import Observer
from pgadvisor.gate.migration_run import MigrationRun
from pgadvisor.gate.relations_seen import Relation, seen_inside
from pgadvisor.gate.reversal import Way, reversal_of
from pgadvisor.gate.schema_print import SchemaPrint, print_schema
from pgadvisor.gate.scratch import Scratch
from pgadvisor.model.migration import Migration
from pgadvisor.model.snapshot import Gap
from pgadvisor.model.trace import Direction, Reversal, Trace, Traced
from pgadvisor.sql.identifiers import quoted

_LOST = "the scratch server ended the session"


def trace(
    scratch: Scratch,
    migrations: Iterable[Migration],
    time_zone: str | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Trace:
    """Runs the judged migrations in their order and tells what each statement did, then their ways back.

    The others are run as well, where no snapshot has made the schema, and not told of. `time_zone` is production's,
    which decides whether some type changes rewrite a table; `settings`: others of production's sessions. Raises
    ServerError when the server is lost for good.
    """
    known = tuple(migrations)
    try:
        with contextlib.ExitStack() as stack:
            onlooker, *brakes = [stack.enter_context(each()) for each in (scratch.observe,) * 3]
            settings = {**settings, **({"TimeZone": time_zone} if time_zone else {})}
            job = _Job(scratch, onlooker, brakes, settings)
            stack.callback(job.close)
            return job.run(known)
    except psycopg.OperationalError as error:
        raise ServerError(f"the scratch server was lost ({str(error).strip()}): run it again") from error


class _Job:
    def __init__(
        self,
        scratch: Scratch,
        onlooker: psycopg.Connection[Any],
        brakes: Sequence[psycopg.Connection[Any]],
        settings: Mapping[str, str],
    ) -> None:
        self._scratch, self._onlooker, self._observer = scratch, onlooker, Observer(onlooker, *brakes)
        path = ", ".join(map(quoted, scratch.search_path)) if scratch.search_path else None
        self._settings = {**({"search_path": path} if path else {}), **settings}
        self._connection = scratch.connect()
        self._excuses = Excuses(is_from_snapshot=scratch.has_schema)
        self._gaps: list[Gap] = []
        self._at_start: Mapping[int, Relation] | None = None
        self._has_failed = False
        self._printed: SchemaPrint | None = None
        """The schema as it stands; None: not looked at since something ran."""

    def close(self) -> None:
        self._connection.close()

    def run(self, migrations: Sequence[Migration]) -> Trace:
        earlier = tuple(takewhile(lambda each: not each.is_judged, migrations))
        self._build_past(earlier)
        if not earlier and not self._scratch.has_schema:
            self._excuses.no_past(migrations)
        # Where nothing stood before, there is nothing to measure.
        self._at_start = seen_inside(self._fresh()).relations or None
        judged: list[Migration] = []
        ways: dict[int, Way] = {}
        traced: dict[int, list[Traced]] = {}
        for migration in migrations[len(earlier) :]:
            if not migration.is_judged:
                self._apply_between(migration)
                continue
            place = len(judged)
            traced[place], way = self._run_there(migration)
            if way is not None:
                ways[place] = way
            judged.append(migration)
        reversals = self._return(judged, ways, traced)
        ups = (each for place in traced for each in traced[place] if each.direction == "up")
        downs = (each for place in reversed(traced) for each in traced[place] if each.direction == "down")
        return Trace(
            server=self._scratch.label,
            version_num=self._scratch.version_num,
            statements=(*ups, *downs),
            reversals=reversals,
            gaps=(*self._scratch.gaps, *self._gaps),
        )

    def _build_past(self, earlier: Sequence[Migration]) -> None:
        """The schema as it was before the pull request."""
        if not self._scratch.has_schema:
            failures = [reason for migration in earlier for reason in self._apply(migration)]
            if failures:
                self._excuses.add(failures[0])
                more = f", and {len(failures) - 1} more such" if len(failures) > 1 else ""
                self._gap("earlier migrations", f"{failures[0]}{more}; what the pull request needs of it is not there")

    def _apply_between(self, migration: Migration) -> None:
        """One that stands among the judged ones and is not judged itself; a snapshot has it already."""
        if not self._scratch.has_schema:
            for reason in self._apply(migration):
                self._excuses.add(reason)
                self._gap("earlier migrations", reason)

    def _apply(self, migration: Migration) -> Iterator[str]:
        """Runs a migration that is not judged; gives what went wrong, as sentences."""
        has_failed, self._has_failed = self._has_failed, False
        if migration.unread is not None:
            yield f"{migration.file} could not be read: {migration.unread}"
        for each in self._one(migration, "up"):
            reason = each.error.message if each.error is not None else each.not_run
            if reason is not None:
                yield f"{each.file}:{each.line} could not be applied: {reason}"
        # Its failure says nothing about the judged ones.
        self._has_failed = has_failed

    def _gap(self, subject: str, reason: str) -> None:
        cure = "give production's schema: --snapshot FILE"
        self._gaps.append(Gap(area="planner", subject=subject, reason=reason, cure=cure))

    def _one(self, migration: Migration, direction: Direction) -> Iterator[Traced]:
        run = MigrationRun(self._fresh(), self._observer, self._at_start, self._scratch.extensions, self._excuses)
        run.has_failed = self._has_failed
        self._printed, done = None, 0
        try:
            for each in run.run(migration, direction):
                done += 1
                yield each
        except psycopg.Error as error:
            lost = self._connection.closed or self._connection.broken
            words = _LOST if lost else str(error).strip().partition("\n")[0]
            self._excuses.add(f"{migration.file} was broken off: {words}")
            run.give_up()
            yield from _unknown(migration, direction, done, words)
        self._has_failed = run.has_failed

    def _fresh(self) -> psycopg.Connection[Any]:
        """The session as a tool's is when it comes to a migration; a new one where it was lost."""
        if self._connection.closed or self._connection.broken:
            self._connection.close()
            self._connection = self._scratch.connect()
        else:
            self._connection.rollback()
            self._connection.execute(b"DISCARD ALL")
        for name, value in self._settings.items():
            try:
                self._connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
            except psycopg.Error as error:
                if error.sqlstate is None:
                    raise
                self._refuse_setting(name, error)
        return self._connection

    def _refuse_setting(self, name: str, error: psycopg.Error) -> None:
        reason = f"the scratch server does not take production's {name}: {error.diag.message_primary}"
        if all(gap.reason != reason for gap in self._gaps):
            self._gap(name, reason)

    def _way(self, migration: Migration, direction: Direction) -> tuple[list[Traced], Way]:
        """Runs it with a look at the schema before and after."""
        before = self._print()
        traced = list(self._one(migration, direction))
        return traced, (before, self._print())

    def _run_there(self, migration: Migration) -> tuple[list[Traced], Way | None]:
        """The schema is looked at only where there is a way back to compare with."""
        if migration.down is None:
            return list(self._one(migration, "up")), None
        return self._way(migration, "up")

    def _print(self) -> SchemaPrint:
        if self._printed is None:
            self._fresh()  # without the temporary objects of the session
            self._printed = print_schema(self._onlooker)
        return self._printed

    def _return(
        self, judged: Sequence[Migration], ways: Mapping[int, Way], traced: Mapping[int, list[Traced]]
    ) -> tuple[Reversal, ...]:
        found: list[Reversal] = []
        for place in reversed(range(len(judged))):
            migration, returned = judged[place], None
            if migration.down is not None:
                self._has_failed = False
                back, returned = self._way(migration, "down")
                traced[place].extend(back)
            found.append(reversal_of(migration, ways.get(place), returned, traced[place]))
        return tuple(reversed(found))


def _unknown(migration: Migration, direction: Direction, done: int, reason: str) -> Iterator[Traced]:
    """The statements that were not come to."""
    statements = migration.up if direction == "up" else migration.down or ()
    file = migration.down_file if direction == "down" and migration.down_file else migration.file
    for place, statement in enumerate(statements[done:], start=done):
        yield Traced(
            file=file,
            migration=migration.name,
            place=place,
            line=statement.line,
            direction=direction,
            not_run=reason,
        )
