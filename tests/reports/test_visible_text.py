"""Nothing in a report hides, reorders or commands."""

import pytest

from pgadvisor.reports.visible_text import folded, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("orders\tplain\n", "orders\tplain\n"),
        ("Grüße, 日本語, مرحبا", "Grüße, 日本語, مرحبا"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("\x1b[31m", "⟨U+001B⟩[31m"),
        ("a\x00b\x9bc\x7f", "a⟨U+0000⟩b⟨U+009B⟩c⟨U+007F⟩"),
        ("\u202ex\u2066", "⟨U+202E⟩x⟨U+2066⟩"),
        ("a\r\nb\rc", "a\nb⟨U+000D⟩c"),
        ("\ud800", "⟨U+D800⟩"),
        ("\u200b\ufeff", "⟨U+200B⟩⟨U+FEFF⟩"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_folded_is_one_line_of_that_width() -> None:
    assert folded("SELECT 1\n  FROM  t", 80) == "SELECT 1 FROM t"
    assert folded("abcdef ghi", 8) == "abcdef…"
    assert len(folded("x" * 10_000_000, 60)) == 60
