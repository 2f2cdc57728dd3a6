"""Names as SQL, against the server's own quoting."""

import psycopg

from pgadvisor.sql.identifiers import NAME_BYTES, object_name, quoted


def test_names_are_quoted_as_the_server_does(database: str) -> None:
    odd = ["Orders", "été", "two words", 'say "x"', "1st", "", "a$b", "_x", "x1"]
    with psycopg.connect(database) as connection:
        words = [str(row[0]) for row in connection.execute("SELECT word FROM pg_get_keywords()")]
        names = [*words, *odd]
        row = connection.execute(
            "SELECT array_agg(quote_ident(name) ORDER BY at) FROM unnest(%s::text[]) WITH ORDINALITY AS n (name, at)",
            (names,),
        ).fetchone()
    assert row is not None
    assert [quoted(name) for name in names] == row[0]


def test_a_made_name_is_free_and_fits() -> None:
    assert object_name("orders", ("a", "b"), "idx") == "orders_a_b_idx"
    assert object_name("orders", ("a",), "idx", frozenset({"orders_a_idx"})) == "orders_a_idx1"
    long = object_name("é" * 40, ("a",), "idx")
    assert long.endswith("_idx")
    assert len(long.encode()) <= NAME_BYTES
