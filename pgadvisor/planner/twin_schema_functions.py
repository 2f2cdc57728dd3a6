"""Functions of a twin: the real ones where the planner inlines or runs them, and stand-ins of the same signature."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import psycopg

from pgadvisor.model.catalog import Function
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.twin_schema_steps import Step
from pgadvisor.planner.twin_schema_text import literal, named, unquoted
from pgadvisor.sql.lexer import lex

_DOLLARS = re.compile(r"(\$\w*\$)(.*)\1\s*\Z", re.DOTALL)

_VALUES = {
    "boolean": "true", "smallint": "0", "integer": "0", "bigint": "0", "numeric": "0", "real": "0",
    "double precision": "0", "text": "''", "character varying": "''", "character": "''", "name": "''",
    "date": "current_date", "timestamp without time zone": "localtimestamp", "timestamp with time zone": "now()",
    "time without time zone": "localtime", "interval": "'0'", "uuid": "'00000000-0000-0000-0000-000000000000'",
    "json": "'{}'", "jsonb": "'{}'", "bytea": "''", "inet": "'0.0.0.0'", "tsvector": "''", "tsquery": "''",
}  # fmt: skip
"""What a stand-in gives: a value like any other. NULL would tell the planner that no row can match."""


def function_steps(
    connection: psycopg.Connection, snapshot: Snapshot, missing_extensions: tuple[str, ...]
) -> Iterator[Step]:
    """Functions of users, and those of extensions that are missing here."""
    rows = connection.execute("SELECT DISTINCT proname FROM pg_catalog.pg_proc WHERE provolatile = 'v'").fetchall()
    acting = {str(name) for (name,) in rows} | {
        each.name for each in snapshot.functions if each.volatility == "volatile"
    }
    for each in snapshot.functions:
        if each.extension is not None and each.extension not in missing_extensions:
            continue
        texts = tuple(text for text in (_definition(each, acting), _stand_in(each)) if text is not None)
        if texts:
            subject = f"{each.schema}.{each.name}({each.signature})"
            yield Step(kind=each.kind, subject=subject, texts=texts)


def stood_in(snapshot: Snapshot) -> tuple[str, ...]:
    """Functions of users that others here only stand for, though the planner might run them: of C and the like."""
    return tuple(
        f"{each.schema}.{each.name}"
        for each in snapshot.functions
        if each.extension is None and each.definition is None and each.volatility != "volatile"
    )


def _definition(function: Function, acting: AbstractSet[str]) -> str | None:
    """The function itself, running with the rights of the role that owns it, which has none: the planner runs
    functions, and what a stranger wrote must not run with those of a superuser. Left as it is, so that it can be
    inlined: SQL that the planner does not run, or that does nothing but compute."""
    if function.definition is None:
        return None
    head, separator, body = function.definition.partition("\nAS ")
    text = head.replace(" LEAKPROOF", "") + separator + body  # which only a superuser may declare
    is_run = function.volatility != "volatile" and not function.returns_row
    if function.kind == "aggregate" or (function.language == "sql" and not (is_run and _may_act(body or head, acting))):
        return text
    name = f"{function.kind} {named(function.schema, function.name)}({function.signature})"
    return f"{text}\n;\nALTER {name} SECURITY DEFINER"


def _may_act(body: str, acting: AbstractSet[str]) -> bool:
    """Whether a body names a volatile function, or a relation that might. PostgreSQL inlines no such body either."""
    found = _DOLLARS.match(body)
    text = found[2] if found else body[max(body.find("BEGIN ATOMIC"), 0) :]
    names = {unquoted(token.text) if token.text.startswith('"') else token.text.lower() for token in lex(text)}
    return not names.isdisjoint({*acting, "from", "u"})


def _stand_in(function: Function) -> str | None:
    """One that takes and gives the same, with the same volatility and cost; None: an aggregate or window function."""
    if function.kind in ("aggregate", "window"):
        return None
    head = f"CREATE {function.kind} {named(function.schema, function.name)}({function.arguments})"
    if function.kind == "procedure":
        return f"{head} LANGUAGE plpgsql AS 'BEGIN END'"
    traits = [function.volatility, f"PARALLEL {function.parallel}", "STRICT" if function.is_strict else ""]
    traits.append("" if function.cost is None else f"COST {function.cost:g}")
    if function.rows is not None:
        traits.append(f"ROWS {function.rows:g}")
    body = f"BEGIN RETURN{_value(function)}; END"
    return f"{head} RETURNS {function.result} LANGUAGE plpgsql {' '.join(traits)} AS {literal(body)}"


def _value(function: Function) -> str:
    if function.returns_row or function.result in (None, "void"):
        return ""
    if function.argument_types[:1] == (function.result,):
        return " $1"
    return f" {_VALUES.get(function.result or '', 'NULL')}"
