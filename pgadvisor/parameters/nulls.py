"""Which parameters may be NULL in a call that still returns rows: a filter left out, or an equality that knows NULL."""

from pgadvisor.parameters.form import Form
from pgadvisor.parameters.values import Values
from pgadvisor.sql.parse import Unread, parse
from pgadvisor.sql.query import Predicate
from pgadvisor.sql.syntax import number, parameters, walk

OMITTED = 0.2
"""Share of calls that leave out a filter which may be left out (`$1 IS NULL OR a = $1`): how often is not known; not so
often that these calls alone decide about advice that must hold for 80 %."""
_KNOWS_NULL = frozenset({"IS DISTINCT FROM", "IS NOT DISTINCT FROM"})


def takes_null(form: Form, values: Values) -> dict[int, float]:
    """The parameters that may be NULL, each with the share of calls in which it is.

    Never one that is compared by `=` and the like at the top of a condition: NULL there means no rows, and the planner
    plans nothing.
    """
    query = values.query
    if isinstance(query, Unread):
        return {}
    found = {at: OMITTED for at in _tested(form) if at in values.roles and not values.roles[at].is_conjunct}
    for predicate in query.predicates():
        if predicate.operator in _KNOWS_NULL and not predicate.is_negated:
            found |= {at: share for at in _in(predicate) if (share := values.null_fraction(at))}
    strict = {
        at
        for predicate in query.predicates()
        if predicate.is_conjunct and predicate.operator not in _KNOWS_NULL
        for at in _in(predicate)
    }
    return {at: share for at, share in found.items() if at not in strict}


def _tested(form: Form) -> set[int]:
    """The parameters that the statement itself asks about: `$1 IS NULL`, `$1::int IS NOT NULL`."""
    parsed = parse(form.text)
    if isinstance(parsed, Unread):
        return set()
    return {
        number(parameter)
        for kind, test in walk(parsed.body)
        if kind == "NullTest" and "ColumnRef" not in str(test.get("arg"))
        for parameter in parameters(test.get("arg"))
    }


def _in(predicate: Predicate) -> set[int]:
    """The parameters on the right side of a predicate."""
    parsed = parse(f"SELECT {predicate.value.text}")
    return set() if isinstance(parsed, Unread) else {number(each) for each in parameters(parsed.body)}
