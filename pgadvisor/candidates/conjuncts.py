"""The conjuncts that hold for a relation: its scope's own, and those that scopes around and below imply."""

from collections.abc import Iterator

from msgspec.structs import replace

from pgadvisor.sql.query import Predicate, Query, Scope, TableUse, Value


def conjuncts_on(query: Query, scope: Scope, use: TableUse) -> Iterator[Predicate]:
    """The conjuncts on a relation: its scope's, those put upon a derived table, and those that semi-joins imply."""
    for predicate in scope.predicates:
        if predicate.is_conjunct and predicate.place in ("where", "on"):
            yield from sides(predicate, use, scope.number)
    for predicate in _from_above(query, scope):
        yield from sides(predicate, use, scope.number)
    for child in query.children(scope.number):
        if child.comparison and child.comparison.operator == "EXISTS" and child.comparison.is_conjunct:
            for predicate in child.predicates:
                if predicate.operator == "=" and predicate.is_conjunct and predicate.value.column:
                    yield from sides(predicate, use, scope.number)


def sides(predicate: Predicate, use: TableUse, number: int) -> Iterator[Predicate]:
    """The predicate where its left side is of the relation; turned where its right side is a column of it."""
    if {(each.alias, each.scope) for each in predicate.columns} == {(use.alias, number)}:
        yield predicate
        return
    other, own = predicate.value.column, predicate.column
    turned = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(predicate.operator)
    if other is None or own is None or turned is None or predicate.is_wrapped:
        return
    if (other.alias, other.scope) == (use.alias, number):
        value = Value(kind="column", text=predicate.source, column=own, columns=(own,))
        yield replace(
            predicate,
            key=other.column,
            operator=turned,
            source=predicate.value.text,
            column=other,
            columns=(other,),
            value=value,
        )


def _from_above(query: Query, scope: Scope) -> Iterator[Predicate]:
    """Conditions of the scope around upon a derived table or inlined CTE, and of `x IN (subquery)`, as its own."""
    compared = scope.comparison
    if compared and compared.operator in ("IN", "= ANY") and compared.column and compared.is_conjunct:
        own = scope.outputs[0].column if len(scope.outputs) == 1 else None
        if own:
            value = Value(kind="column", column=compared.column, columns=(compared.column,))
            yield Predicate(key=own.column, source=own.column, operator="=", column=own, columns=(own,), value=value)
    if scope.limit or scope.offset or scope.has_window or scope.is_materialized or scope.references > 1:
        return
    for above in query.scopes:
        for use in above.tables:
            if use.inner == scope.number and above.number != scope.number:
                yield from _mapped(above, use, scope)


def _mapped(above: Scope, use: TableUse, scope: Scope) -> Iterator[Predicate]:
    bare = {output.alias or output.column.column: output.column for output in scope.outputs if output.column}
    for predicate in above.predicates:
        if not predicate.is_conjunct or predicate.place not in ("where", "on"):
            continue
        for turned in sides(predicate, use, above.number):
            inner = bare.get(turned.column.column) if turned.column else None
            if inner and not turned.is_wrapped:
                yield replace(turned, key=inner.column, column=inner, columns=(inner,))
