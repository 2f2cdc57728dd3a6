"""Tests of what an index is to the writes of its table, read from the catalog."""

import msgspec
import pytest

from pgadvisor.example import table
from pgadvisor.model.catalog import Column, ColumnStatistics, Table
from pgadvisor.selection.traits import candidate_traits, index_traits
from tests.selection.make_writes import candidate, facts_about, index_of


def statistics(n_distinct: float = -1.0, correlation: float = 0.0, width: int = 8) -> ColumnStatistics:
    return ColumnStatistics(
        null_fraction=0.0, average_width_bytes=width, n_distinct=n_distinct, correlation=correlation
    )


def events() -> Table:
    columns = (
        Column(name="id", type="bigint", is_identity=True, statistics=statistics(correlation=1.0)),
        Column(name="serial", type="integer", default="nextval('events_serial_seq'::regclass)"),
        Column(name="at", type="timestamp with time zone", default="now()", statistics=statistics()),
        Column(name="seen", type="timestamp with time zone", statistics=statistics(correlation=0.99)),
        Column(name="day", type="date", default="CURRENT_DATE", statistics=statistics(400)),
        Column(name="uuid", type="uuid", default="gen_random_uuid()", statistics=statistics()),
        Column(name="uuid7", type="uuid", default="uuidv7()", statistics=statistics()),
        Column(name="email", type="text", statistics=statistics(correlation=1.0, width=30)),
        Column(name="device", type="bigint", statistics=statistics(20_000, 0.1)),
        Column(name="status", type="text", default="'new'::text", statistics=statistics(5, width=7)),
        Column(name="tenant", type="integer", statistics=statistics(20, width=4)),
        Column(name="done_at", type="timestamp with time zone", statistics=statistics()),
        Column(name="is_bad", type="boolean", default="false", statistics=statistics(2, width=1)),
        Column(name="plain", type="bigint"),
    )
    made = table("events", primary_key=None, indexes={
        "waiting": "device INCLUDE (email) WHERE (status = 'new'::text)",
        "lowered": "lower((email)::text), id",
    })  # fmt: skip
    indexes = tuple(msgspec.structs.replace(each, rows=10_000.0) for each in made.indexes)
    return msgspec.structs.replace(made, columns=columns, indexes=indexes)


@pytest.mark.parametrize(
    ("keys", "growth"),
    [
        (("id",), "right end"),
        (("serial",), "right end"),
        (("at", "device"), "right end"),
        (("seen",), "right end"),
        (("day",), "right end"),
        (("uuid7",), "right end"),
        (("uuid",), "anywhere"),
        (("email",), "anywhere"),
        (("device", "at"), "anywhere"),
        (("plain",), "anywhere"),
        (("tenant", "at"), "few ends"),
        (("tenant", "status", "at"), "anywhere"),
        (("status",), "few ends"),
        (("nowhere",), "anywhere"),
    ],
)
def test_where_new_keys_go(keys: tuple[str, ...], growth: str) -> None:
    found = candidate_traits(facts_about(events()), candidate("events", *keys))
    assert found.growth == growth


@pytest.mark.parametrize(
    ("predicate", "columns", "expected"),
    [
        ("done_at IS NULL", ("done_at",), True),
        ("done_at IS NOT NULL", ("done_at",), False),
        ("status = 'new'", ("status",), True),
        ("status = 'failed'", ("status",), False),
        ("is_bad", ("is_bad",), False),
        ("NOT is_bad", ("is_bad",), True),
        ("done_at IS NULL AND status = 'failed'", ("done_at", "status"), False),
        ("device > 5", ("device",), None),
        ("device = 5", ("device",), None),
    ],
)
def test_whether_new_rows_are_in_a_partial_index(
    predicate: str, columns: tuple[str, ...], expected: bool | None
) -> None:
    made = candidate("events", "id", predicate=predicate, predicate_columns=columns)
    assert candidate_traits(facts_about(events()), made, rows=20_000.0).holds_new_rows is expected


def test_a_partial_candidate_holds_its_rows() -> None:
    facts = facts_about(events())
    made = candidate("events", "id", predicate="device > 5", predicate_columns=("device",))
    assert candidate_traits(facts, made, rows=20_000.0).share == pytest.approx(0.02)
    assert candidate_traits(facts, made).share == 1.0
    assert candidate_traits(facts, candidate("events", "id"), rows=20_000.0).share == 1.0


def test_existing_indexes_hold_the_columns_of_expressions_and_predicates() -> None:
    on = events()
    facts = facts_about(on)
    waiting, lowered = (index_traits(facts, on, index_of(on, name)) for name in ("waiting", "lowered"))
    assert waiting.columns == {"device", "email", "status"}
    assert waiting.predicate_columns == {"status"}
    assert (waiting.share, waiting.width_bytes, waiting.holds_new_rows) == (pytest.approx(0.01), 38.0, True)
    assert lowered.columns == {"email", "id"}
    assert (lowered.share, lowered.growth, lowered.keys) == (1.0, "anywhere", ("lower(email)", "id"))


def test_an_index_of_one_partition_holds_its_share() -> None:
    parent = table("events", partition_key="RANGE (at)", rows=0)
    parts = tuple(
        table(f"events_{at}", partition_of="events", rows=rows, indexes={f"own_{at}": "a"})
        for at, rows in ((1, 750_000), (2, 250_000))
    )
    facts = facts_about(parent, *parts)
    found = index_traits(facts, parts[1], index_of(parts[1], "own_2"))
    assert (found.table, found.share) == ("public.events", 0.25)


@pytest.mark.parametrize(
    ("column", "operator_class", "elements"),
    [
        (Column(name="x", type="text", statistics=statistics(width=60)), "gin_trgm_ops", 60.0),
        (Column(name="x", type="text[]", statistics=statistics(width=80)), None, 10.0),
        (Column(name="x", type="jsonb", statistics=statistics(width=160)), "jsonb_path_ops", 10.0),
        (Column(name="x", type="jsonb", statistics=statistics(width=160)), None, 20.0),
    ],
)
def test_elements_of_an_inverted_index(column: Column, operator_class: str | None, elements: float) -> None:
    on = msgspec.structs.replace(table("notes"), columns=(column,))
    made = candidate("notes", "x", method="gin")
    keys = tuple(msgspec.structs.replace(key, operator_class=operator_class) for key in made.keys)
    found = candidate_traits(facts_about(on), msgspec.structs.replace(made, keys=keys))
    assert found.elements == pytest.approx(elements)
