"""One statement's plan without running it: with values where they are known, else for any values."""

from collections.abc import Mapping

from pgadvisor.collect.explain import explain, explain_generic, parameter_types, planning
from pgadvisor.collect.safety import Judge, Verdict
from pgadvisor.collect.safety_catalog import SafetyCatalog
from pgadvisor.collect.safety_names import names_in
from pgadvisor.collect.session import Session, StatementError
from pgadvisor.model.plan import Plan, PlanKind
from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.drawing import is_error, words_of
from pgadvisor.parameters.form import Form, form_of, renumbered
from pgadvisor.parameters.reading import reading_of
from pgadvisor.parameters.redaction import names_of_values, redacted
from pgadvisor.parameters.roles import Columns
from pgadvisor.parameters.types import Refusal, Typed, settle
from pgadvisor.parameters.values import Chosen, Values, calibrated, with_values
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.reader import Schema, read_query

DENIED = "42501"
_AS_WRITTEN = "planned with the values in its text"
_NO_TABLE = "42P01"
_UNWRITABLE = frozenset({DENIED, "25006", "55000"})
"""SQLSTATEs that a write, or a row lock, gets from a role or a server that only reads: no privilege, read-only
transaction, a standby's refusal of the lock."""


DRAWS = (0.2, 0.8, 0.05)
"""Other rows to take a column's values from, when those of the middle row do not go together."""


class Run(Record):
    """A text with values, ready to be run."""

    text: str
    names: Mapping[str, str]
    """Values in it that stand for parameters, with the parameters' names; empty: values as they were written."""


class Planned(Record):
    """What planning one statement gave."""

    statement: Statement
    kind: PlanKind
    reason: str
    """Why this kind: `planned with values from statistics`; for `none` why there is no plan."""
    plan: Plan | None = None
    """As it is kept: without values."""
    runs: tuple["Run", ...] = ()
    """What EXPLAIN ANALYZE would run, the likeliest values first; none: it cannot be run."""
    rows_seen: float | None = None
    """Rows of an observed call, which a run with the right values gives too; None: that does not tell."""
    search_path: tuple[str, ...] = ()
    refused: str | None = None
    """Why it must not or cannot be run, as a clause."""
    filtered: tuple[str, ...] = ()
    """Tables whose row security changes the plan."""
    is_denied: bool = False
    """For lack of a privilege."""
    is_refused: bool = False
    """As an error: a table or column of it does not exist."""


class _Made(Record):
    """A plan with how it came about."""

    kind: PlanKind
    plan: Plan
    how: str
    chosen: Chosen
    numbers: tuple[int, ...] = ()
    """The numbers in the statement's text of the parameters that the plan still has."""
    others: tuple[Chosen, ...] = ()
    """Other values that could be run instead."""
    rows_seen: float | None = None


class Along:
    """All that planning needs and that hangs on the search path."""

    def __init__(self, session: Session, snapshot: Snapshot, search_path: tuple[str, ...]) -> None:
        self.search_path = search_path
        self.schema = Schema(snapshot.tables, snapshot.views, search_path)
        self.catalog = SafetyCatalog(session, search_path)
        self.judge = Judge(self.catalog)


class StatementPlanner:
    """Plans the statements of one snapshot on its server."""

    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        """Raises StatementError when the server does not say what its functions are."""
        self._session = session
        self._snapshot = snapshot
        self._columns = Columns(snapshot.tables)
        self._alongs: dict[tuple[str, ...], Along] = {}
        self._along(snapshot.search_path)

    def _along(self, search_path: tuple[str, ...]) -> Along:
        if search_path not in self._alongs:
            self._alongs[search_path] = Along(self._session, self._snapshot, search_path)
        return self._alongs[search_path]

    def plan(self, statement: Statement) -> Planned:
        """The plan of one statement, of the best kind that can be had without running it."""
        if statement.is_truncated:
            return _none(statement, "its text was cut")
        form = form_of(statement.text)
        if isinstance(form, Unread):
            return _none(statement, "its text is not one statement that PostgreSQL can plan")
        along = self._along(self._snapshot.search_path)
        planned = self._attempt(statement, form, along)
        if not isinstance(planned, Refusal):
            return planned
        found = self._elsewhere(statement, form) if planned.sqlstate == _NO_TABLE else None
        if found is not None:
            return found
        if planned.sqlstate == DENIED:
            return self._denied(statement, form, along)
        return _none(statement, words_of(planned.sqlstate), is_refused=is_error(planned.sqlstate, form))

    def _denied(self, statement: Statement, form: Form, along: Along) -> Planned:
        """Why a statement was denied: what it reads may be readable, and then a GRANT to read would not help."""
        reading = form if form.kind == "select" else reading_of(form)
        names = names_in(reading.text).relations if reading else frozenset()
        if all(along.catalog.is_readable(name) for name in names):
            what = "may not write" if form.kind != "select" else "may not call a function of it"
            return _none(statement, f"the role {what}")
        return _none(statement, words_of(DENIED), is_denied=True)

    def _attempt(self, statement: Statement, form: Form, along: Along) -> Planned | Refusal:
        verdict = along.judge.judge(form.text)
        if not verdict.may_plan:
            return _none(statement, f"{verdict.reason}, and the planner itself might run it")
        planner = _FormPlanner(self._session, self._snapshot, statement, along, self._columns)
        found = planner.plan(form, verdict)
        if not isinstance(found, Refusal) or found.sqlstate not in _UNWRITABLE:
            return found
        reading = reading_of(form)
        if reading is None:
            return found
        read = planner.plan(reading, verdict, "the SELECT that finds its rows, as the role may not write")
        return found if isinstance(read, Refusal) else read

    def _elsewhere(self, statement: Statement, form: Form) -> Planned | None:
        """The plan with the tables of the one schema that has them all; None: there is none, or it is refused too."""
        other = self._other_path(form)
        try:
            found = self._attempt(statement, form, self._along(other)) if other is not None else None
        except StatementError:
            return None
        return None if isinstance(found, Refusal) else found

    def _other_path(self, form: Form) -> tuple[str, ...] | None:
        """A search path on which the text's tables are found, when one schema alone has them."""
        path = self._snapshot.search_path
        query = read_query(form.text, self._along(path).schema)
        if isinstance(query, Unread):
            return None
        named = [(each.schema, each.name) for each in self._snapshot.tables]
        named += [(each.schema, each.name) for each in self._snapshot.views]
        missing = {use.table for use in query.tables() if use.table and "." not in use.table}
        schemas = [{schema for schema, bare in named if bare == name} for name in missing]
        common = set.intersection(*schemas) if schemas else set()
        return (common.pop(), *path) if len(common) == 1 else None


class _FormPlanner:
    """Plans one form of one statement."""

    def __init__(
        self, session: Session, snapshot: Snapshot, statement: Statement, along: Along, columns: Columns
    ) -> None:
        self._session = session
        self._snapshot = snapshot
        self._statement = statement
        self._along = along
        self._columns = columns

    def plan(self, form: Form, verdict: Verdict, of: str | None = None) -> Planned | Refusal:
        """The plan; `of`: what is planned in the statement's place, for the reason."""
        try:
            with planning(self._session, self._along.search_path):
                typed = settle(form, lambda text: parameter_types(self._session, text))
                if isinstance(typed, Refusal):
                    return typed
                made = self._best(typed)
        except StatementError as error:
            return Refusal(sqlstate=error.sqlstate)
        runs: tuple[Run, ...] = ()
        if made.kind == "values" and of is None:
            runs = tuple(_run(typed, chosen) for chosen in (made.chosen, *made.others))
        if verdict.may_run and runs:
            # Once more as it would be sent: a cast that was added may name a type of a user.
            verdict = self._along.judge.judge(runs[0].text)
        return Planned(
            statement=self._statement,
            kind=made.kind,
            reason=f"{made.how}: {of}" if of else made.how,
            plan=redacted(made.plan, names_of_values(made.chosen.texts, typed.form.numbers), made.numbers),
            runs=runs,
            rows_seen=made.rows_seen,
            search_path=self._along.search_path,
            refused=verdict.reason if not verdict.may_run else self._unknown(typed, made.chosen, of),
            filtered=verdict.filtered,
        )

    def _best(self, typed: Typed) -> _Made:
        """The most faithful plan that can be had."""
        if not typed.types:
            plan = explain(self._session, typed.form.text)
            how = "planned with a guess for the field in EXTRACT" if typed.form.is_guessed else _AS_WRITTEN
            return _Made(kind="values", plan=plan, how=how, chosen=Chosen())
        query = read_query(typed.form.text, self._along.schema)
        now = self._snapshot.collected_at
        values = Values(typed, query, self._statement, self._columns, self._snapshot.types, now)
        try:
            chosen, width = calibrated(values, lambda tried: self._rows(typed, tried))
            if chosen.unknown:
                return self._partly(typed, chosen)
            others = tuple(values.at(width, draw) for draw in DRAWS)
            return self._with_values(typed, chosen, others, values.rows_seen)
        except StatementError as error:
            # A value that does not fit its place, more often than not: without values it may still be planned.
            if error.sqlstate in _UNWRITABLE:
                raise
        return self._generic(typed, values.at())

    def _rows(self, typed: Typed, chosen: Chosen) -> float:
        """The rows that are expected with these values; a write itself is expected to give none."""
        root = explain(self._session, with_values(typed.form, chosen.literals)).root
        return root.children[0].estimated_rows if root.operation and root.children else root.estimated_rows

    def _with_values(self, typed: Typed, chosen: Chosen, others: tuple[Chosen, ...], rows_seen: float | None) -> _Made:
        plan = explain(self._session, with_values(typed.form, chosen.literals))
        is_guessed = chosen.is_guessed or typed.form.is_guessed
        how = "planned with values from statistics" + (", some a guess" if is_guessed else "")
        different = tuple(each for each in others if each != chosen)
        return _Made(kind="values", plan=plan, how=how, chosen=chosen, others=different, rows_seen=rows_seen)

    def _partly(self, typed: Typed, chosen: Chosen) -> _Made:
        """For any values of the unknown parameters, and with values for the others: a LIMIT decides about indexes."""
        form = renumbered(typed.form, with_values(typed.form, chosen.literals))
        rest = settle(form, lambda text: parameter_types(self._session, text))
        if isinstance(rest, Refusal):
            return self._generic(typed, chosen)
        plan = explain_generic(self._session, rest, {})
        how = f"planned for any value of {_named(typed, chosen)}"
        return _Made(kind="generic", plan=plan, how=how, chosen=chosen, numbers=rest.form.numbers)

    def _generic(self, typed: Typed, chosen: Chosen) -> _Made:
        plan = explain_generic(self._session, typed, chosen.texts)
        unknown = Chosen(unknown=frozenset(range(1, len(typed.types) + 1)))
        how = "planned for any values of its parameters"
        return _Made(kind="generic", plan=plan, how=how, chosen=unknown, numbers=typed.form.numbers)

    def _unknown(self, typed: Typed, chosen: Chosen, of: str | None) -> str | None:
        """Why it cannot be run although it might."""
        if of is not None:
            return "it writes or locks rows"
        return f"no value of {_named(typed, chosen)} is known" if chosen.unknown else None


def _run(typed: Typed, chosen: Chosen) -> Run:
    names = names_of_values(chosen.texts, typed.form.numbers)
    return Run(text=with_values(typed.form, chosen.literals), names=names)


def _named(typed: Typed, chosen: Chosen) -> str:
    return ", ".join(f"${typed.form.numbers[at - 1]}" for at in sorted(chosen.unknown))


def _none(statement: Statement, why: str, *, is_denied: bool = False, is_refused: bool = False) -> Planned:
    reason = f"not planned: {why}"
    return Planned(statement=statement, kind="none", reason=reason, is_denied=is_denied, is_refused=is_refused)
