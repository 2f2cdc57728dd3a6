"""Queries with the value that logs always hold in place of a parameter: an index may then be limited to it."""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from pgadvisor.candidates.expressions import INTEGERS
from pgadvisor.facts import Facts
from pgadvisor.sql.logged_values import Call, LoggedValues
from pgadvisor.sql.query import Predicate, Query, Value

_PARAMETER = re.compile(r"\$(\d+)")


def with_logged(facts: Facts, queries: Mapping[str, Query]) -> Mapping[str, Query]:
    """The queries, `column = 'value'` where they have `column = $1` and every call in the logs has that value."""
    logs = facts.snapshot.logs
    if logs is None or not any(each.values for each in logs.statements):
        return queries
    values = LoggedValues(logs)
    constants = {
        key: found
        for key in queries
        if (statement := facts.statement(key)) is not None and (found := values.constants(statement))
    }
    return {key: _filled(facts, query, constants[key]) if key in constants else query for key, query in queries.items()}


def _filled(facts: Facts, query: Query, constants: Call) -> Query:
    scopes = (
        replace(scope, predicates=tuple(_known(facts, each, constants) for each in scope.predicates))
        for scope in query.scopes
    )
    return replace(query, scopes=tuple(scopes))


def _known(facts: Facts, predicate: Predicate, constants: Call) -> Predicate:
    found = _PARAMETER.fullmatch(predicate.value.text) if predicate.value.kind == "parameter" else None
    text = constants.get(int(found[1])) if found else None
    use = predicate.column
    column = facts.column(use.table, use.column) if use and use.table else None
    if text is None or column is None or predicate.operator != "=" or predicate.is_negated:
        return predicate
    return replace(predicate, value=Value(kind="constant", text=text, type=_written(column.type)))


def _written(column_type: str) -> str:
    """How a constant of that type is written."""
    return "integer" if column_type in INTEGERS else "boolean" if column_type == "boolean" else "string"
