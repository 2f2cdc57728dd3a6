"""Parameters of normalised statements: their texts put right, their types found, their values made from statistics."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from pgadvisor.collect.explain import parameter_types, planning
from pgadvisor.collect.session import Session, open_session
from pgadvisor.model.catalog import Column, ColumnStatistics, Table, UserType
from pgadvisor.model.workload import Statement
from pgadvisor.parameters.distribution import Distribution, array_literal
from pgadvisor.parameters.form import Form, form_of
from pgadvisor.parameters.roles import Columns
from pgadvisor.parameters.types import Refusal, Typed, settle
from pgadvisor.parameters.values import Chosen, Values, calibrated, with_values
from pgadvisor.sql.parse import Unread
from pgadvisor.sql.reader import Schema, read_query
from tests.fix_servers import create_database, drop_database


def form(text: str) -> Form:
    found = form_of(text)
    assert isinstance(found, Form), found
    return found


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT interval $1", "SELECT $1::interval"),
        ("SELECT interval $1 day to second(3)", "SELECT $1 ::interval day to second(3)"),
        ("SELECT timestamp with time zone $1", "SELECT $1 ::timestamp with time zone"),
        ("SELECT CAST($1 AS int), $2::date", "SELECT CAST($1 AS int), $2 ::date"),
        ("SELECT EXTRACT($1 FROM placed_at)", "SELECT EXTRACT(month FROM placed_at)"),
        ("SELECT a FROM t WHERE b IN ($1,$2)", "SELECT a FROM t WHERE b IN ($1 ,$2 )"),
    ],
)
def test_what_takes_no_parameter_is_put_right(text: str, expected: str) -> None:
    assert words(form(text).text).replace(" ::", "::") == expected.replace(" ::", "::")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT date_trunc($1, at), count(*) FROM t GROUP BY date_trunc($2, at) ORDER BY date_trunc($3, at)",
        "SELECT a + $1 FROM t GROUP BY a + $2 HAVING a + $3 > b",
        "SELECT DISTINCT coalesce(a, $1) FROM t ORDER BY coalesce(a, $2)",
        "SELECT DISTINCT ON (date_trunc($1, at)) * FROM t ORDER BY date_trunc($2, at), a",
    ],
)
def test_a_constant_that_is_grouped_by_is_one_parameter(text: str) -> None:
    assert len(form(text).numbers) == 1


def test_parameters_are_numbered_without_holes_and_know_their_old_numbers() -> None:
    found = form("SELECT extract($1 FROM at), date_trunc($2, at) FROM t WHERE a = $3 GROUP BY 1, date_trunc($4, at)")
    assert found.numbers == (3, 4)
    assert "date_trunc($2 , at)" in found.text and "a = $1" in found.text


def test_a_list_that_postgresql_18_shortened_is_known() -> None:
    assert form("SELECT a FROM t WHERE b = $1 AND c IN ($2 /*, ... */)").lists == {2}


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", "VACUUM t", "SELECT a INTO b FROM c", "SELEC 1", ""])
def test_what_explain_does_not_plan_has_no_form(text: str) -> None:
    assert isinstance(form_of(text), Unread)


@pytest.fixture(scope="module", params=["server", "debian15"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session with a server that has a few tables."""
    running = request.getfixturevalue(request.param)
    dsn = create_database(running, "parameters")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE t (id bigint, at timestamptz, day date, name varchar(50), price numeric(10, 2), tags text[])"
        )
        connection.execute("CREATE TABLE u (id int, t_id bigint, note text)")
    with open_session(dsn) as opened:
        yield opened
    drop_database(running, dsn)


REPAIRED = {
    # Text, and the types that must come out (None: whatever the server finds).
    "SELECT $1 + $2": ("integer", "integer"),
    "SELECT generate_series($1, $2)": ("integer", "integer"),
    "SELECT * FROM t WHERE id = ANY(ARRAY[$1, $2])": ("bigint", "bigint"),
    "SELECT * FROM t WHERE at >= current_date - $1": ("integer",),
    "SELECT * FROM t WHERE at > now() - $1": ("interval",),
    "SELECT json_build_object($1, id) FROM t": ("text",),
    "SELECT jsonb_build_object($1, $2, $3, array_agg(id)) FROM t": ("text", "text", "text"),
    "SELECT sum(CASE WHEN name = $1 THEN $2 ELSE $3 END) FROM t": ("text", "integer", "integer"),
    "SELECT sum(coalesce($1, $2)) FROM t": ("integer", "integer"),
    "SELECT concat(name, $1, id) FROM t": ("text",),
    "SELECT t.id FROM t JOIN (VALUES ($1, $2), ($3, $4)) AS v (id, x) ON v.id = t.id": (
        "bigint", "text", "bigint", "text",
    ),
    "WITH v (id) AS (SELECT $1 UNION ALL SELECT $2) SELECT t.id FROM t JOIN v ON v.id = t.id": ("bigint", "bigint"),
    "SELECT * FROM t WHERE day = date $1 AND at < timestamp $2 + interval $3": None,
    "SELECT extract($1 FROM at), count(*) FROM t GROUP BY extract($2 FROM at)": (),
    "SELECT date_trunc($1, at), count(*) FROM t GROUP BY date_trunc($2, at)": ("text",),
    "SELECT round(avg(price), $1), count(*) * $2 / $3 FROM t": None,
    "SELECT * FROM u WHERE t_id IN (SELECT id FROM t WHERE tags @> ARRAY[$1]) LIMIT $2 OFFSET $3": None,
    "UPDATE t SET price = price * $1, name = $2 WHERE id = $3 RETURNING $4": None,
    "INSERT INTO u (id, note) VALUES ($1, $2), ($3, $4)": ("integer", "text", "integer", "text"),
    "DELETE FROM t USING u WHERE u.t_id = t.id AND u.note = $1": ("text",),
}  # fmt: skip


@pytest.mark.parametrize("text", REPAIRED)
def test_types_are_found(session: Session, text: str) -> None:
    with planning(session, ("public",)):
        found = settle(form(text), lambda tried: parameter_types(session, tried))
    assert isinstance(found, Typed), found
    assert REPAIRED[text] in (None, found.types)


def test_a_text_that_cannot_be_mended_keeps_the_servers_first_refusal(session: Session) -> None:
    with planning(session, ("public",)):
        found = settle(form("SELECT nobody_has_this($1) FROM t"), lambda tried: parameter_types(session, tried))
        assert isinstance(found, Refusal) and found.sqlstate == "42883"
        missing = settle(form("SELECT * FROM nowhere WHERE a = $1"), lambda tried: parameter_types(session, tried))
        assert isinstance(missing, Refusal) and missing.sqlstate == "42P01"


def test_nothing_stays_prepared(session: Session) -> None:
    with planning(session, ("public",)):
        settle(form("SELECT $1 + $2"), lambda tried: parameter_types(session, tried))
        assert session.rows("SELECT name FROM pg_catalog.pg_prepared_statements WHERE name LIKE 'pgadvisor%'") == []


# Values


def statistics(**facts: object) -> ColumnStatistics:
    return ColumnStatistics(**{"null_fraction": 0.0, "average_width_bytes": 8, "n_distinct": -1.0, **facts})  # type: ignore[arg-type]


STATUS = statistics(
    n_distinct=4, most_common_values=("done", "paid", "open", "lost"),
    most_common_frequencies=(0.6, 0.35, 0.04, 0.01),
)  # fmt: skip
IDS = statistics(histogram_bounds=tuple(str(number) for number in range(0, 10_001, 100)))
NOW = datetime(2024, 5, 1, tzinfo=UTC)
"""When the statistics were read, long ago."""
DAYS = tuple((datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=each)).isoformat(" ") for each in range(101))
ORDERS = Table(
    schema="public", name="orders", rows=10_000, pages=100,
    columns=(
        Column(name="id", type="bigint", statistics=IDS),
        Column(name="status", type="text", statistics=STATUS),
        Column(name="email", type="character varying(99)", statistics=statistics(
            histogram_bounds=tuple(f"User{number:03}@example.com" for number in range(101)))),
        Column(name="at", type="timestamp with time zone", statistics=statistics(histogram_bounds=DAYS)),
        Column(name="tags", type="text[]", statistics=statistics(common_elements=("a", "b", "c"))),
        Column(name="code", type="text", statistics=statistics(
            histogram_bounds=tuple(f"{number * 607:04x}" for number in range(101)))),
        Column(name="kind", type="shop.kind"),
        Column(name="data", type="jsonb"),
    ),
)  # fmt: skip


def values(text: str, *types: str, calls: int | None = None, rows: int | None = None) -> Values:
    made = Typed(form=form(text), types=types)
    statement = Statement(key="1", text=text, fingerprint="f", calls=calls, rows=rows)
    kinds = (UserType(schema="shop", name="kind", kind="enum", labels=("big", "small")),)
    return Values(made, read_query(made.form.text, Schema((ORDERS,))), statement, Columns((ORDERS,)), kinds, NOW)


def test_the_typical_value_is_that_of_the_middle_row() -> None:
    assert values("SELECT * FROM orders WHERE status = $1 LIMIT 1", "text").at().literals == {1: "'done'"}
    assert Distribution(STATUS, "text", 100).drawn(0.7) == "paid"


def test_observed_rows_say_which_value_is_asked_for() -> None:
    found = values("SELECT * FROM orders WHERE status = $1", "text", calls=10, rows=4_100)
    assert found.at().literals == {1: "'open'"}


def test_items_of_a_list_differ() -> None:
    found = values("SELECT * FROM orders WHERE id IN ($1, $2, $3)", "bigint", "bigint", "bigint").at()
    assert len(set(found.literals.values())) == 3


def test_an_array_holds_as_many_values_as_a_call_gives_rows() -> None:
    found = values("SELECT * FROM orders WHERE id = ANY($1)", "bigint[]", calls=2, rows=14).at()
    assert found.texts[1].count(",") == 6


def test_a_list_that_was_shortened_gets_its_length_back() -> None:
    made = values("SELECT * FROM orders WHERE id IN ($1 /*, ... */)", "bigint", calls=1, rows=4)
    assert made.at().literals[1].count(",") == 3


def test_a_limit_is_the_rows_of_a_call_and_an_offset_nothing() -> None:
    made = values("SELECT * FROM orders ORDER BY id LIMIT $1 OFFSET $2", "bigint", "bigint", calls=3, rows=58)
    assert made.at().literals == {1: "'20'", 2: "'0'"}


def test_a_function_around_the_column_is_around_the_value_too() -> None:
    found = values("SELECT * FROM orders WHERE lower(email) = $1", "text").at()
    assert found.literals == {1: "'user050@example.com'"}
    assert values("SELECT * FROM orders WHERE at::date = $1", "date").at().literals == {1: "'2024-02-20'"}
    for comparison in ("upper(email) = upper($1)", "upper(email::text) = upper($1::text)"):
        found = values(f"SELECT * FROM orders WHERE {comparison}", "text").at()
        assert found.literals == {1: "'USER050@EXAMPLE.COM'"}
    folded = values("SELECT * FROM orders WHERE upper(email) LIKE upper($1)", "text", calls=1, rows=990).at()
    assert folded.literals == {1: "'USER05%'"}


def test_a_pattern_begins_like_a_value_and_fits_the_rows() -> None:
    few = values("SELECT * FROM orders WHERE email LIKE $1", "text", calls=1, rows=990).at()
    assert few.literals == {1: "'User05%'"}


def test_a_pattern_that_finds_less_than_a_limit_is_a_rare_one() -> None:
    text = "SELECT * FROM orders WHERE code ILIKE $1 LIMIT $2"
    rare = values(text, "text", "bigint", calls=100, rows=70).at().literals[1]
    often = values(text, "text", "bigint", calls=100, rows=2000).at().literals[1]
    assert len(rare) > len(often)


def test_elements_of_arrays() -> None:
    assert values("SELECT * FROM orders WHERE tags @> $1", "text[]").at().literals == {1: "'{\"b\"}'"}
    assert values("SELECT * FROM orders WHERE $1 = ANY(tags)", "text").at().literals == {1: "'b'"}


def test_what_is_left_out_is_rare() -> None:
    assert values("SELECT * FROM orders WHERE status <> $1", "text").at().literals == {1: "'lost'"}


def test_an_age_reaches_back_to_the_rows() -> None:
    found = values("SELECT * FROM orders WHERE at > now() - $1", "interval").at(0.1)
    seconds = float(found.texts[1].removesuffix(" seconds"))
    asked = NOW - timedelta(seconds=seconds)
    assert abs(asked - (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=90))) < timedelta(minutes=1)


def test_what_nothing_is_known_of_is_said() -> None:
    found = values("SELECT * FROM orders WHERE data @> $1 AND status = $2 LIMIT $3", "jsonb", "text", "bigint").at()
    assert found.unknown == {1}
    assert set(found.literals) == {2, 3}


def test_values_that_change_no_plan_only_have_to_be_valid() -> None:
    made = values("UPDATE orders SET status = $1, kind = $2 WHERE id = $3", "text", "shop.kind", "bigint").at()
    assert (made.literals[1], made.literals[2], made.unknown) == ("'x'", "'big'", frozenset())


def test_ranges_become_as_wide_as_the_rows_say() -> None:
    made = values("SELECT * FROM orders WHERE id > $1", "bigint", calls=1, rows=250)

    def planner(chosen: Chosen) -> float:
        return 10_000 - float(chosen.texts[1])

    chosen, width = calibrated(made, planner)
    assert planner(chosen) == pytest.approx(250, rel=0.06)
    assert width == pytest.approx(0.025, rel=0.1)


def test_an_aggregate_does_not_say_how_much_was_read() -> None:
    made = values("SELECT count(*) FROM orders WHERE id > $1", "bigint", calls=1, rows=1)
    asked: list[object] = []
    calibrated(made, _remembering(asked))
    assert asked == []


def _remembering(asked: list[object]) -> Callable[[object], float]:
    def rows_of(chosen: object) -> float:
        asked.append(chosen)
        return 1.0

    return rows_of


def test_values_are_quoted_at_their_places() -> None:
    made = form("SELECT '$1', $1 FROM t WHERE a = $2 /* $2 */")
    assert words(with_values(made, {1: "'it''s'", 2: "'\\'"})) == "SELECT '$1', 'it''s' FROM t WHERE a = '\\' /* $2 */"


def test_arrays_are_quoted_inside() -> None:
    assert array_literal(['a"b', "c\\d", "e,f"]) == '{"a\\"b","c\\\\d","e,f"}'


@pytest.mark.parametrize(
    ("type_name", "bounds", "middle"),
    [
        ("integer", ("0", "10"), "5"),
        ("numeric", ("0.5", "1.5"), "1.0"),
        ("date", ("2024-01-01", "2024-01-03"), "2024-01-02"),
        ("timestamp without time zone", ("2024-01-01 00:00:00", "2024-01-01 02:00:00"), "2024-01-01 01:00:00"),
        ("text", ("a", "z"), "a"),
        ("date", ("-infinity", "2024-01-03"), "-infinity"),
    ],
)
def test_between_two_bounds_lies_what_the_type_allows(type_name: str, bounds: tuple[str, ...], middle: str) -> None:
    assert Distribution(statistics(histogram_bounds=bounds), type_name, 10).quantile(0.5) == middle
