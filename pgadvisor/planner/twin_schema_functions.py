"""Functions of a twin: the real ones where the planner inlines or runs them, and stand-ins of the same signature."""

from collections.abc import Iterator

from pgadvisor.model.catalog import Function
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.planner.twin_schema_steps import Step
from pgadvisor.planner.twin_schema_text import literal, named

_VALUES = {
    "boolean": "true", "smallint": "0", "integer": "0", "bigint": "0", "numeric": "0", "real": "0",
    "double precision": "0", "text": "''", "character varying": "''", "character": "''", "name": "''",
    "date": "current_date", "timestamp without time zone": "localtimestamp", "timestamp with time zone": "now()",
    "time without time zone": "localtime", "interval": "'0'", "uuid": "'00000000-0000-0000-0000-000000000000'",
    "json": "'{}'", "jsonb": "'{}'", "bytea": "''", "inet": "'0.0.0.0'", "tsvector": "''", "tsquery": "''",
}  # fmt: skip
"""What a stand-in gives: a value like any other. NULL would tell the planner that no row can match."""


def function_steps(snapshot: Snapshot, missing_extensions: tuple[str, ...]) -> Iterator[Step]:
    """Functions of users, and those of extensions that are missing here."""
    for each in snapshot.functions:
        if each.extension is not None and each.extension not in missing_extensions:
            continue
        texts = tuple(text for text in (_definition(each), _stand_in(each)) if text is not None)
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


def _definition(function: Function) -> str | None:
    """The function itself. It runs with the rights of the role that plans, which has none: so it can be inlined."""
    if function.definition is None:
        return None
    head, separator, body = function.definition.partition("\nAS ")
    return head.replace(" LEAKPROOF", "") + separator + body  # which only a superuser may declare


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
