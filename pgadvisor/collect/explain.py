"""EXPLAIN through a session: with values, without them, or really run; and the types of a text's parameters."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from psycopg import sql

from pgadvisor.collect.session import Session, StatementError
from pgadvisor.errors import ServerError
from pgadvisor.model.explain import read_explain
from pgadvisor.model.plan import Plan
from pgadvisor.parameters.types import Refusal, Typed

PLANNING_TIMEOUT_MS = 5_000
"""For plain EXPLAIN too: the planner runs immutable functions, and stable ones for its estimates."""

GENERIC_PLAN_FROM = 160_000
"""The first version_num with EXPLAIN (GENERIC_PLAN)."""

_OURS = frozenset({"search_path", "plan_cache_mode"})
"""Settings that EXPLAIN reports because we set them."""

Answer = TypeVar("Answer")


@contextmanager
def planning(session: Session, search_path: Sequence[str]) -> Iterator[None]:
    """A read-only transaction, rolled back, in which names mean what they mean to the application."""
    settings = {
        "search_path": quoted_path(search_path),
        "statement_timeout": f"{PLANNING_TIMEOUT_MS}ms",
        "plan_cache_mode": "force_generic_plan",
    }
    with session.transaction(settings, roll_back=True):
        yield


def quoted_path(schemas: Sequence[str]) -> str:
    """The value of `search_path` for those schemas; `$user` is taken as it is.

    Temporary tables come last: behind a pooler they are some other client's, and must not stand in for what was judged.
    """
    return ", ".join('"' + schema.replace('"', '""') + '"' for schema in [*(schemas or ["pg_catalog"]), "pg_temp"])


def attempt(session: Session, work: Callable[[], Answer]) -> Answer:
    """Does the work in the open transaction; when the server refuses a statement, the transaction goes on after it."""
    session.rows("SAVEPOINT pgadvisor_attempt")
    try:
        found = work()
    except StatementError:
        session.rows("ROLLBACK TO SAVEPOINT pgadvisor_attempt")
        raise
    session.rows("RELEASE SAVEPOINT pgadvisor_attempt")
    return found


def parameter_types(session: Session, text: str) -> tuple[str, ...] | Refusal:
    """The types that the server gives the parameters of a text, or why it does not take the text."""
    try:
        with _prepared(session, text) as name:
            rows = session.rows(
                "SELECT parameter_types::pg_catalog.text[] AS types FROM pg_catalog.pg_prepared_statements"
                " WHERE name OPERATOR(pg_catalog.=) $1",
                (name,),
            )
    except StatementError as error:
        return refusal(error, text)
    return tuple(rows[0]["types"]) if rows else ()


@contextmanager
def _prepared(session: Session, text: str, types: Sequence[str] = ()) -> Iterator[str]:
    """The name of the text prepared on the server; it is gone afterwards, also when something fails.

    `types`: of its parameters, as SQL; without them the server chooses.
    """
    name = f"pgadvisor_{secrets.token_hex(8)}"
    declared = sql.SQL(_literally(f" ({', '.join(types)})" if types else ""))
    prepare = sql.SQL("PREPARE {}{} AS ").format(sql.Identifier(name), declared) + sql.SQL(_literally(text))
    attempt(session, lambda: session.rows(prepare))
    try:
        yield name
    finally:
        session.rows(sql.SQL("DEALLOCATE {}").format(sql.Identifier(name)))


def _literally(text: str) -> Any:
    """The text for `sql.SQL`, which formats nothing unless asked; psycopg types it as a literal."""
    return text


def refusal(error: StatementError, text: str) -> Refusal:
    """The server's refusal, its place counted within the text that stands at the end of what was sent."""
    position = None
    if error.position is not None and error.sent.endswith(text):
        position = error.position - (len(error.sent) - len(text))
    return Refusal(sqlstate=error.sqlstate, message=error.message, position=position)


def explain(session: Session, text: str) -> Plan:
    """The plan of a text without parameters. Raises StatementError; the transaction goes on."""
    return attempt(session, lambda: _read(session.rows(_explaining(session, text))))


def explain_generic(session: Session, typed: Typed, values: Mapping[int, str]) -> Plan:
    """The plan for any values of the parameters. Raises StatementError; the transaction goes on.

    Below PostgreSQL 16 the plan is that of a prepared statement; its partitions are then pruned by `values` (of some
    parameters, by number), for with NULL there would be none left.
    """
    if session.version_num >= GENERIC_PLAN_FROM:
        # PREPARE has taken this text as one statement before: the simple protocol finds no second one in it.
        explaining = _explaining(session, typed.form.text, "GENERIC_PLAN")
        return attempt(session, lambda: _read(session.simple_rows(explaining)))
    with _prepared(session, typed.form.text) as name:
        types = _without_domains(session, name)
    with _prepared(session, typed.form.text, types) as name:
        arguments = [sql.Literal(values[at]) if at in values else sql.NULL for at in range(1, len(typed.types) + 1)]
        call = sql.SQL("EXECUTE {}").format(sql.Identifier(name))
        if arguments:
            call += sql.SQL("({})").format(sql.SQL(", ").join(arguments))
        return attempt(session, lambda: _read(session.rows(_explaining(session, call.as_string(None)))))


def _without_domains(session: Session, name: str) -> tuple[str, ...]:
    """The types of a prepared statement's parameters, a domain's base type in its place; empty: there is no domain.

    EXECUTE makes values of those types, and would run a domain's CHECK, which may be anything.
    """
    rows = session.rows(_BASE_TYPES, (name,))
    return tuple(row["type"] for row in rows) if any(row["is_below"] for row in rows) else ()


_BASE_TYPES = """
WITH RECURSIVE below (place, oid, is_below) AS (
    SELECT p.place, p.type::pg_catalog.oid, false
    FROM pg_catalog.pg_prepared_statements AS s
    CROSS JOIN LATERAL pg_catalog.unnest(s.parameter_types) WITH ORDINALITY AS p(type, place)
    WHERE s.name OPERATOR(pg_catalog.=) $1
    UNION ALL
    SELECT b.place, t.typbasetype, true
    FROM below AS b
    JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) b.oid AND t.typtype OPERATOR(pg_catalog.=) 'd'
)
SELECT b.oid::pg_catalog.regtype::pg_catalog.text AS type, b.is_below
FROM below AS b
JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) b.oid AND t.typtype OPERATOR(pg_catalog.<>) 'd'
ORDER BY b.place
"""
"""Runs on the application's search path, on which operators of users may come first."""


def explain_analyze(session: Session, text: str, *, timing: bool) -> Plan:
    """The plan of a text without parameters, really run in the open transaction. Raises StatementError.

    Only for texts that passed `safety.judge`.
    """
    options = ("ANALYZE", "BUFFERS", "WAL", "TIMING ON" if timing else "TIMING OFF")
    return attempt(session, lambda: _read(session.rows(_explaining(session, text, *options))))


def _explaining(session: Session, text: str, *options: str) -> str:
    """VERBOSE for the schemas of tables and the users of initplans; SETTINGS exists since 12, WAL since 13."""
    return f"EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS{''.join(f', {option}' for option in options)}) {text}"


def _read(rows: Sequence[Mapping[str, Any]]) -> Plan:
    try:
        plan = read_explain(rows[0]["QUERY PLAN"])
    except (ValueError, IndexError, KeyError) as error:
        raise ServerError("the server's EXPLAIN gave no plan that can be read: report it with its version") from error
    kept = tuple((name, value) for name, value in plan.settings if name not in _OURS)
    return msgspec.structs.replace(plan, settings=kept)
