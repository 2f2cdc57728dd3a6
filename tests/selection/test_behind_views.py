"""What a plan tells of the tables behind a view."""

from pgadvisor.model.catalog import View
from pgadvisor.model.plan import PlanNode
from pgadvisor.selection.behind_views import behind_views
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, read_query
from tests.candidates.make_workload import table_t

TABLES = (table_t(), table_t("u"))
VIEW = View(schema="public", name="v", definition=" SELECT t.id, u.name FROM t JOIN u ON u.a = t.b", columns=())
SCHEMA = Schema(TABLES, (VIEW,), ("public",))
PLAN = PlanNode(
    node_type="Hash Join",
    hash_condition="(u.a = t_1.b)",
    children=(
        PlanNode(node_type="Seq Scan", schema="public", table="t", alias="t_1", filter="(t_1.name = 'secret'::text)"),
        PlanNode(
            node_type="Seq Scan", schema="public", table="u", alias="u",
            filter="((u.gone_at IS NULL) AND (NOT (ANY (u.id = (hashed SubPlan 1).col1))))",
        ),
    ),
)  # fmt: skip


def query_of(text: str) -> Query:
    found = read_query(text, SCHEMA)
    assert isinstance(found, Query)
    return found


def test_its_tables_and_conditions_are_those_of_the_plan() -> None:
    found = behind_views(query_of("SELECT id FROM v WHERE name = 'secret'"), PLAN, SCHEMA)
    assert found is not None
    assert sorted(use.table for use in found.tables()) == ["public.t", "public.u"]
    compared = {
        (each.column.column, each.operator) for scope in found.scopes for each in scope.predicates if each.column
    }
    assert {("name", "="), ("a", "=")} <= compared or {("name", "="), ("b", "=")} <= compared


def test_no_value_is_in_it() -> None:
    found = behind_views(query_of("SELECT id FROM v WHERE name = 'secret'"), PLAN, SCHEMA)
    assert found is not None and "secret" not in found.text and "SubPlan" not in found.text


def test_a_statement_without_views_says_itself_what_it_asks() -> None:
    assert behind_views(query_of("SELECT id FROM t WHERE name = 'secret'"), PLAN, SCHEMA) is None
    assert behind_views(None, PLAN, SCHEMA) is None


def test_a_plan_that_compares_nothing_asks_nothing() -> None:
    plan = PlanNode(node_type="Seq Scan", schema="public", table="t", alias="t")
    assert behind_views(query_of("SELECT id FROM v"), plan, SCHEMA) is None
