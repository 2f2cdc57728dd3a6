"""The statements of a snapshot with values in place of their parameters, drawn for a planner that has no parameters."""

from collections.abc import Callable, Sequence

from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.whatif import Planner
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.draws import Draw, DrawnStatement, Logged, draws_of, with_any_values
from pgadvisor.parameters.form import Form, form_of
from pgadvisor.parameters.roles import Columns
from pgadvisor.parameters.types import Prepare, Refusal, Typed, settle
from pgadvisor.parameters.values import Chosen, Values, with_values
from pgadvisor.sql.logged_values import LoggedValues
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.reader import Schema, read_query

CUT = "its text was cut"
UNREAD = "its text is not one statement that PostgreSQL can plan"


class _NotPlannedError(Exception):
    """The planner did not take a text with values."""


class Drawer:
    """Draws values for the statements of one snapshot."""

    def __init__(self, snapshot: Snapshot, planner: Planner, prepare: Prepare) -> None:
        """`prepare` gives the types of a text's parameters on the planner's own server, or why not."""
        self._snapshot = snapshot
        self._planner = planner
        self._prepare = prepare
        self._logged = LoggedValues(snapshot.logs)
        self._columns = Columns(snapshot.tables)
        self._schema = Schema(snapshot.tables, snapshot.views, snapshot.search_path)

    def draw(self, statement: Statement, logged: Sequence[Logged] | None = None) -> DrawnStatement:
        """The statement's draws, or why there are none. `logged`: values of its calls; None: those in the snapshot's
        logs."""
        if statement.is_truncated:
            return DrawnStatement(statement=statement.key, reason=CUT)
        form = form_of(statement.text)
        if isinstance(form, Unread):
            return DrawnStatement(statement=statement.key, reason=UNREAD)
        typed = settle(form, self._prepare)
        if isinstance(typed, Refusal):
            reason, is_refused = words_of(typed.sqlstate), is_error(typed.sqlstate, form)
            return DrawnStatement(statement=statement.key, reason=reason, is_refused=is_refused)
        if not typed.types:
            return DrawnStatement(statement=statement.key, draws=(_as_written(typed),))
        try:
            return self._drawn(statement, typed, self._logged.of(statement) if logged is None else logged)
        except _NotPlannedError:
            if logged is None and self._logged.of(statement):
                return self.draw(statement, ())  # what was logged may have had parameters elsewhere
            # A value that does not fit its place, more often than not: for any values it may still be planned.
            return self._for_any_values(statement, typed)

    def _drawn(self, statement: Statement, typed: Typed, logged: Sequence[Logged]) -> DrawnStatement:
        query = read_query(typed.form.text, self._schema)
        snapshot = self._snapshot
        values = Values(typed, query, statement, self._columns, snapshot.types, snapshot.collected_at)
        draws, unknown = draws_of(typed, values, self._rows_of(typed), logged)
        for draw in draws:
            if self._planner.plan(draw.text).error:
                raise _NotPlannedError
        return DrawnStatement(
            statement=statement.key, draws=draws, generic=_for_any(typed), unknown=_names(typed, unknown)
        )

    def _rows_of(self, typed: Typed) -> Callable[[Chosen], float]:
        """How many rows the planner expects; a write itself is expected to give none."""

        def rows_of(chosen: Chosen) -> float:
            plan = self._planner.plan(with_values(typed.form, chosen.literals)).plan
            if plan is None:
                raise _NotPlannedError
            root = plan.root
            return root.children[0].estimated_rows if root.operation and root.children else root.estimated_rows

        return rows_of

    def _for_any_values(self, statement: Statement, typed: Typed) -> DrawnStatement:
        text = _for_any(typed)
        if self._planner.plan(text).error:
            return DrawnStatement(statement=statement.key, reason="the planner refused the values made for it")
        every = frozenset(range(1, len(typed.types) + 1))
        draw = Draw(text=text, weight=1.0, label="typical")
        return DrawnStatement(statement=statement.key, draws=(draw,), unknown=_names(typed, every))


def _as_written(typed: Typed) -> Draw:
    return Draw(text=typed.form.text, weight=1.0, label="typical")


def _for_any(typed: Typed) -> str:
    """The text for any values of its parameters."""
    every = frozenset(range(1, len(typed.types) + 1))
    return with_values(typed.form, with_any_values(typed, Chosen(unknown=every)).literals)


def _names(typed: Typed, places: frozenset[int]) -> tuple[str, ...]:
    return tuple(f"${typed.form.numbers[at - 1]}" for at in sorted(places))


def is_error(sqlstate: str, form: Form) -> bool:
    """Whether the text itself is at fault; a function may also be missing for the type that a parameter was given."""
    return sqlstate in ("42P01", "42703") or (sqlstate == "42883" and not form.numbers)


def words_of(sqlstate: str) -> str:
    """Why a server refused a text, without quoting it."""
    return {
        "42501": "the role lacks the privilege",
        "57014": "planning took longer than its time limit",
        "55P03": "another session holds a lock on a table of it",
        "42P01": "a table of it is not found on the search path",
        "42703": "a column of it does not exist",
        "42883": "a function or operator of it does not exist for those types",
        "42P18": "the type of a parameter cannot be told",
        "0A000": "the server does not support it",
    }.get(sqlstate, f"the server refused it (SQLSTATE {sqlstate})")
