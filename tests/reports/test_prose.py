"""Prose with code in it, and pages of rules."""

from pgadvisor.reports.prose import Inline, inline, inline_with_links, page_blocks, page_summary
from tests.reports.make_report import PAGE


def test_code_between_backticks() -> None:
    assert inline("`a` hides `b c`, a lone ` stays") == (
        Inline("code", "a"),
        Inline("plain", " hides "),
        Inline("code", "b c"),
        Inline("plain", ", a lone ` stays"),
    )


def test_a_message_never_becomes_a_link_and_a_page_only_https() -> None:
    assert inline("see https://example.org/x") == (Inline("plain", "see https://example.org/x"),)
    assert inline_with_links("see https://example.org/x. javascript:alert(1) `https://y.z`") == (
        Inline("plain", "see "),
        Inline("link", "https://example.org/x"),
        Inline("plain", ". javascript:alert(1) "),
        Inline("code", "https://y.z"),
    )


def test_a_message_of_a_megabyte_is_cut() -> None:
    assert sum(len(piece.text) for piece in inline("`" + "x" * 1_000_000 + "`")) < 4_000


def test_page() -> None:
    assert page_summary(PAGE) == "A scan reads many rows and throws nearly all of them away."
    blocks = page_blocks(PAGE)
    assert [(block.kind, block.lines[0]) for block in blocks] == [
        ("paragraph", "plan rule, up to error, since 0.1, needs plans"),
        ("heading", "What it finds"),
        ("paragraph", "A `Seq Scan` whose filter removes nine rows of ten, where an index could find the others."),
        ("heading", "When to leave it"),
        ("list", "The table is small."),
        ("heading", "Source"),
        ("paragraph", "https://www.postgresql.org/docs/current/indexes-intro.html"),
        ("heading", "Examples"),
        ("code", "SELECT * FROM orders WHERE status = $1"),
    ]
    assert blocks[4].lines[1] == "The statement runs once a night and nobody waits for it."


def test_a_page_cut_short_ends() -> None:
    assert page_blocks("# x\n\nsummary\n\n```sql\nSELECT 1")[0].lines == ("SELECT 1",)
    assert page_blocks("") == ()
    assert page_summary("") == ""
