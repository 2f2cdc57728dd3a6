"""The statements of a snapshot on its planner twin: types settled there, values drawn, each text planned once."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.progress import Progress, no_progress
from pgadvisor.model.snapshot import Gap, Snapshot
from pgadvisor.model.whatif import Planner
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.drawing import Drawer
from pgadvisor.parameters.draws import DrawnStatement
from pgadvisor.parameters.redaction import redacted
from pgadvisor.parameters.types import Prepare, Refusal

AS_WRITTEN = "planned with the values in its text"
WITH_VALUES = "planned with values from statistics"
FOR_ANY = "planned for any value of"
REFUSED = "the planner refused it with the values drawn for it"
"""The server's own words may quote them."""

_TYPE_NAMES = (
    "SELECT t.oid::pg_catalog.int8, pg_catalog.format_type(t.oid, NULL) FROM pg_catalog.pg_type AS t"
    " WHERE t.oid OPERATOR(pg_catalog.=) ANY (%s::pg_catalog.oid[])"
)


def draw_statements(
    prepare: Prepare, planner: Planner, snapshot: Snapshot, progress: Progress = no_progress
) -> tuple[DrawnStatement, ...]:
    """The draws of the snapshot's statements, in their order; of those that were left out for the little time that is
    spent in them none.

    `prepare`: on the server that `planner` plans on.
    """
    drawer = Drawer(snapshot, planner, prepare)
    chosen = worth_drawing(snapshot)
    drawn = []
    for done, statement in enumerate(chosen):
        progress("values", done, len(chosen))
        drawn.append(drawer.draw(statement))
    progress("values", len(chosen), len(chosen))
    return tuple(drawn)


def worth_drawing(snapshot: Snapshot) -> tuple[Statement, ...]:
    """The statements that have a plan; where no statement has one, as of a file, all."""
    planned = {each.statement for each in snapshot.plans if each.plan is not None}
    return tuple(each for each in snapshot.statements if not planned or each.key in planned)


def add_trigrams(connection: psycopg.Connection[Any]) -> tuple[Gap, ...]:
    """Makes the extension that trigram indexes need, so that one can be tried whose remedy makes it first; a Gap where
    that cannot be."""
    try:
        connection.execute("SELECT pg_twin.add_trigrams()")
    except psycopg.Error as error:
        reason = f"trigram indexes are not tried: the twin cannot have pg_trgm (SQLSTATE {error.sqlstate})"
        return (Gap(area="planner", subject="pg_trgm", reason=reason, cure="name other programs with --twin-bin DIR"),)
    return ()


def preparing(connection: psycopg.Connection[Any]) -> Prepare:
    """What gives the types of a text's parameters, as the connection's server finds them.

    The text goes by the extended protocol, which takes one statement only, and is never run.
    """
    names: dict[int, str] = {}

    def prepare(text: str) -> tuple[str, ...] | Refusal:
        found = connection.pgconn.prepare(b"", text.encode())
        if found.status != ExecStatus.COMMAND_OK:
            return _refusal(found.error_field, connection.info.encoding)
        described = connection.pgconn.describe_prepared(b"")
        oids = [described.param_type(at) for at in range(described.nparams)]
        if missing := [oid for oid in dict.fromkeys(oids) if oid not in names]:
            names.update(connection.execute(_TYPE_NAMES, (missing,)).fetchall())
        return tuple(names[oid] for oid in oids)

    return prepare


def _refusal(field: Callable[[DiagnosticField], bytes | None], encoding: str) -> Refusal:
    def text(name: DiagnosticField) -> str:
        return (field(name) or b"").decode(encoding, "replace")

    position = text(DiagnosticField.STATEMENT_POSITION)
    return Refusal(
        sqlstate=text(DiagnosticField.SQLSTATE),
        message=text(DiagnosticField.MESSAGE_PRIMARY),
        position=int(position) if position else None,
    )


def plan_on_twin(drawn: Sequence[DrawnStatement], planner: Planner) -> tuple[StatementPlan, ...]:
    """A plan for each statement from the planner alone: what a snapshot file's statements have, which no server knows.

    The plans hold no values.
    """
    return tuple(_statement_plan(each, planner) for each in drawn)


def _statement_plan(drawn: DrawnStatement, planner: Planner) -> StatementPlan:
    if not drawn.draws:
        return StatementPlan(statement=drawn.statement, kind="none", reason=f"not planned: {drawn.reason}",
                             is_refused=drawn.is_refused)  # fmt: skip
    draw = drawn.draws[0]
    answer = planner.plan(draw.text)
    if answer.plan is None:
        return StatementPlan(statement=drawn.statement, kind="none", reason=f"not planned: {REFUSED}")
    how = f"{FOR_ANY} {', '.join(drawn.unknown)}" if drawn.unknown else WITH_VALUES if drawn.generic else AS_WRITTEN
    return StatementPlan(
        statement=drawn.statement,
        kind="generic" if drawn.unknown else "values",
        reason=f"{how}, on the {planner.label}",
        plan=redacted(answer.plan, draw.names),
    )
