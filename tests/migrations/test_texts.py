"""Whatever stands in names and predicates: each file says the statements of the advice, and nothing more."""

import ast
import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pgadvisor.migrations.migration import migration
from pgadvisor.model.advice import AdvisedIndex, DroppedIndex
from pgadvisor.sql.identifiers import quoted
from pgadvisor.sql.parse import parse_tree
from pgadvisor.sql.splitter import split_statements

NAMES = st.one_of(
    st.sampled_from(
        ["orders", "select", "user", "a:b", "100%", "%(x)s", 'a"b', "x\ny", "--", "*/", "\\:x", '"""', "{x}"]
    ),
    st.text(st.characters(exclude_characters="\0\t", exclude_categories=("Cs",)), min_size=1, max_size=12),
).filter(lambda name: bool(name.strip()))
LITERALS = st.one_of(
    NAMES, st.sampled_from([":x", ":x:", "::", ":::a", "\\:y", "\\\\::z", "12:30", "%%", "%s", "' OR '"])
)


def is_settled(text: str) -> bool:
    """Whether it is a statement of the advice, not one about time-outs or transactions."""
    return not text.startswith(("SET ", "RESET ", "BEGIN", "COMMIT"))


def meaning(text: str) -> Any:
    """The tree of the text, without positions."""

    def bare(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: bare(value) for key, value in node.items() if not key.endswith(("location", "_len"))}
        return [bare(each) for each in node] if isinstance(node, list) else node

    return bare(parse_tree(text))


def alembic_statements(text: str, function: str) -> list[str]:
    """What Alembic would send."""
    module: dict[str, Any] = {}
    exec(compile(text, "advice.py", "exec"), module)
    sent = io.StringIO()
    options = {"as_sql": True, "output_buffer": sent, "literal_binds": True}
    context = MigrationContext.configure(dialect_name="postgresql", dialect_opts={"paramstyle": "named"}, opts=options)
    with Operations.context(context):
        module[function]()
    return [each.text for each in split_statements(sent.getvalue()) if is_settled(each.text)]


def django_statements(text: str, keyword: str) -> list[str]:
    """What Django would send."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    lists = [each.value for call in calls for each in call.keywords if each.arg == keyword]
    ordered = lists if keyword == "sql" else lists[::-1]
    return [text for each in ordered for text in ast.literal_eval(each) if is_settled(text)]


def advice(
    schema: str, table: str, name: str, column: str, value: str
) -> tuple[Sequence[AdvisedIndex], Sequence[DroppedIndex]]:
    on, literal = f"{quoted(schema)}.{quoted(table)}", "'" + value.replace("'", "''") + "'"
    keys = f"({quoted(column)} DESC, lower({quoted(column)}), (note || {literal}))"
    rest = f"{keys} INCLUDE ({quoted(column)}) WHERE {quoted(column)} <> {literal}::text"
    plain = f"({quoted(column)}, status text_pattern_ops)"
    whole = f"{quoted(schema)}.{quoted(name)}"
    told = {"table": f"{schema}.{table}", "definition": "", "lock": ""}
    creates = [
        AdvisedIndex(
            name=name,
            sql=f"CREATE INDEX CONCURRENTLY {quoted(name)} ON {on} {each};",
            undo=f"DROP INDEX CONCURRENTLY {whole};",
            **told,
        )
        for each in (rest, plain)
    ]
    drop = DroppedIndex(
        name=f"{schema}.{name}",
        table=f"{schema}.{table}",
        why="replaced",
        reason=f"{name} does its work",
        sql=f"DROP INDEX {whole};",
        undo=f"CREATE UNIQUE INDEX CONCURRENTLY {quoted(name)} ON {on} USING btree {plain} WITH (fillfactor='70');",
        lock="",
    )
    return creates, [drop]


@settings(deadline=None)
@given(NAMES, NAMES, NAMES, NAMES, LITERALS)
@example("public", "orders", "orders_idx", "user_id", "%")
@example("public", "orders", "orders_idx", "user_id", "it's 100% :open")
def test_every_file_says_what_the_advice_says(schema: str, table: str, name: str, column: str, value: str) -> None:
    creates, drops = advice(schema, table, name, column, value)
    up = [meaning(each.sql) for each in (*creates, *drops)]
    down = [meaning(each.undo) for each in (*drops, *reversed(creates))]
    plain = migration("sql", creates, drops)
    told, back = plain.split("\n-- down\n")
    assert all(line.startswith("--") or not line for line in re.split(r"[\r\n]", back))
    back = re.sub(r"(^|\r\n?|\n)--( |)", r"\1", back)
    for text, expected in ((told, up), (back, down)):
        assert [meaning(each.text) for each in split_statements(text) if is_settled(each.text)] == expected
    text = migration("alembic", creates, drops)
    assert [meaning(each) for each in alembic_statements(text, "upgrade")] == up
    assert [meaning(each) for each in alembic_statements(text, "downgrade")] == down
    text = migration("django", creates, drops)
    assert [meaning(each) for each in django_statements(text, "sql")] == up
    assert [meaning(each) for each in django_statements(text, "reverse_sql")] == down


@pytest.mark.parametrize("kind", ["sql", "alembic", "django"])
def test_a_file_for_nothing_does_nothing(kind: Any) -> None:
    text = migration(kind, (), ())
    if kind == "sql":
        assert not split_statements(text)
    else:
        exec(compile(text, "advice.py", "exec"), {"__name__": "advice"})
    assert migration(kind, *advice("s", "t", "i", "c", "v")) == migration(kind, *advice("s", "t", "i", "c", "v"))


def test_indexes_are_dropped_when_what_replaces_them_is_there() -> None:
    creates, drops = advice("public", "orders", "new", "c", "v")

    def drop(name: str, why: Any, *replaced_by: str) -> DroppedIndex:
        return DroppedIndex(
            name=f"public.{name}",
            table="public.orders",
            why=why,
            reason="",
            sql=f"DROP INDEX CONCURRENTLY {name};",
            undo="",
            lock="",
            replaced_by=replaced_by,
        )

    drops = [
        drop("replaced", "replaced", "public.new"),
        drop("beginning", "redundant", "public.new"),
        drop("twin", "redundant", "public.other"),
        drop("dear", "costs more than it gives"),
        drop("unused", "unused"),
    ]
    told = [
        each.text.split()[3] for each in split_statements(migration("sql", creates[:1], drops)) if "INDEX" in each.text
    ]
    assert told == ["twin", "unused", "new", "replaced", "beginning", "dear"]


def test_locks_that_stop_others_are_not_waited_for() -> None:
    _, drops = advice("public", "orders", "old", "c", "v")
    lines = migration("sql", (), drops).splitlines()
    at = lines.index("DROP INDEX public.old;")
    assert lines[at - 1] == "SET lock_timeout = '5s';"
    assert "-- SET lock_timeout = 0;" in lines[at:]


def test_django_is_told_how_the_model_states_it() -> None:
    creates, _ = advice("public", "orders", "orders_with_a_name_that_is_long", "c", "v")
    index = AdvisedIndex(
        name="t_gin",
        table="public.t",
        definition="",
        sql="CREATE INDEX CONCURRENTLY t_gin ON public.t USING gin (d jsonb_path_ops) WHERE d IS NOT NULL;",
        undo="DROP INDEX CONCURRENTLY public.t_gin;",
        lock="",
    )
    text = migration("django", (*creates, index), ())
    assert (
        '# Meta.indexes: django.contrib.postgres.indexes.GinIndex(fields=["d"], name="t_gin", '
        'opclasses=["jsonb_path_ops"], condition=models.Q(...))'
    ) in text
    assert text.count("Meta.indexes:") == 1, "expressions and classes of some keys have no such form"
