"""The reader against sqlglot, an independent reading of the same texts: both must see the same tables.

The texts are the examples of all rules. sqlglot cannot read every text in `$n` form (`$1,$2`, `DATE $1`): that is why
it is the second opinion and not the first. What it cannot read is counted, so that the comparison cannot run dry.
"""

import pytest
import sqlglot
from sqlglot import exp

from pgadvisor.advise.registry import all_rules
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, read_query

TEXTS = sorted({example.sql for rule in all_rules() for example in (*rule.bad, *rule.good) if example.sql})


def second_reading(text: str) -> exp.Expression | None:
    """sqlglot's tree; None where it gives up (its compiled form raises TypeError for a ParseError) or misreads."""
    try:
        tree = sqlglot.parse_one(text, dialect="postgres")
    except (sqlglot.ParseError, sqlglot.TokenError, TypeError):
        return None
    return None if isinstance(tree, exp.Command) or tree.find(exp.Command) else tree


def tables_seen(query: Query) -> set[str]:
    return {use.table.rpartition(".")[2].lower() for use in query.tables() if use.table and use.kind != "function"}


def tables_second(tree: exp.Expression) -> set[str]:
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    return {table.name.lower() for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)} - ctes


@pytest.mark.parametrize("text", TEXTS)
def test_same_tables(text: str) -> None:
    tree = second_reading(text)
    if tree is None:
        pytest.skip("sqlglot does not read it")
    query = read_query(text, Schema())
    assert isinstance(query, Query)
    assert tables_seen(query) == tables_second(tree)


@pytest.mark.parametrize("text", TEXTS)
def test_same_number_of_set_operations(text: str) -> None:
    tree = second_reading(text)
    if tree is None:
        pytest.skip("sqlglot does not read it")
    query = read_query(text, Schema())
    assert isinstance(query, Query)
    arms = sum(scope.place == "arm" for scope in query.scopes)
    operations = len(list(tree.find_all(exp.SetOperation)))
    assert (arms > 0) is (operations > 0)


def test_the_comparison_does_not_run_dry() -> None:
    assert sum(second_reading(text) is not None for text in TEXTS) > 0.9 * len(TEXTS) > 150
