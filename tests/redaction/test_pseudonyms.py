"""Pseudonyms are stable, unique and cannot be guessed."""

from pgadvisor.redaction.pseudonyms import Key, Pseudonyms

SECRET = "5c" * 32


def test_a_name_keeps_its_pseudonym_whatever_it_is_seen_as() -> None:
    first = Pseudonyms(Key(secret=SECRET))
    given = first.name("orders", "table")
    assert given.startswith("t_") and first.name("orders", "column") == given
    assert Pseudonyms(first.key).name("orders") == given
    assert Pseudonyms(Key(secret="5d" * 32)).name("orders", "table") != given


def test_names_literals_and_numbers_are_told_apart() -> None:
    given = Pseudonyms(Key(secret=SECRET))
    assert len({given.name("42"), given.literal("42"), given.number("42")}) == 3
    assert given.number("42").isdecimal() and given.number("1.5").endswith(".0")
    assert int(given.number("42")) < 2**31 <= int(given.number("4111111111111111"))


def test_no_two_names_share_a_pseudonym() -> None:
    given = Pseudonyms(Key(secret=SECRET))
    assert len({given.name(f"name_{number}") for number in range(30_000)}) == 30_000
    assert len(given.key.names) == 30_000
